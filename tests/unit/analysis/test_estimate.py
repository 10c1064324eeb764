"""The frame of estimates: arms, replicates, subgroups, failures, comparisons of arms, bands."""

import numpy as np
import polars as pl
import pytest

from engager.analysis import (
    EndpointRequest,
    cox_hazard_ratio,
    estimate_endpoints,
    log_rank,
    survival_at,
    survival_bands,
)
from engager.analysis.estimate import _groups, estimate_schema
from engager.core import DAYS_PER_MONTH, InputError


@pytest.fixture
def trial(patients):
    """Two arms, four replicates of unequal size, exponential survival."""
    draw = np.random.default_rng(8)
    rows = []
    for replicate in range(4):
        for arm, n, mean in (("A", 60 + replicate, 260.0), ("B", 30, 130.0)):
            for death in draw.exponential(mean, n):
                observed = death <= 400.0
                rows.append(
                    {
                        "replicate": replicate,
                        "arm": arm,
                        "death_day": float(death) if observed else None,
                        "best_response": "CR" if draw.random() < 0.4 else "none",
                        "response_day": None,
                        "start_day": 0.0,
                        "treatment_end_day": 60.0,
                        "age_years": float(draw.integers(18, 80)),
                        "prior_hsct": bool(draw.random() < 0.3),
                    }
                )
    return patients(*rows)


def test_arms_and_replicates_that_nobody_entered_keep_their_rows(trial):
    entered = trial.filter((pl.col("replicate") != 1) & (pl.col("arm") == "A"))
    asked = [EndpointRequest("CR", "proportion", arm=arm) for arm in "AB"]
    asked.append(EndpointRequest("OS", "hazard_ratio", treatment="B", control="A"))
    found = estimate_endpoints(entered, asked, arms=["A", "B"], replicates=range(5))
    assert found["replicate"].to_list() == [0, 1, 2, 3, 4] * 3
    assert found["n"].to_list() == [60, 0, 62, 63, 0, *[0] * 5, 60, 0, 62, 63, 0]
    assert found["value"].is_nan().to_list() == [n == 0 for n in found["n"].to_list()[:10]] + [True] * 5


def test_one_row_per_request_arm_and_replicate(trial):
    requests = ["CR", EndpointRequest("OS", "survival_at", time_months=6.0)]
    frame = estimate_endpoints(trial, requests)
    assert frame.schema == pl.Schema(estimate_schema())
    assert frame.height == 2 * 2 * 4
    assert frame["request"].unique().sort().to_list() == [0, 1]
    assert frame.filter(request=0, arm="A")["n"].to_list() == [60, 61, 62, 63]


def test_estimates_are_those_of_the_kernels(trial):
    request = EndpointRequest("OS", "survival_at", time_months=6.0, arm="B")
    frame = estimate_endpoints(trial, [request])
    for replicate in range(4):
        part = trial.filter(replicate=replicate, arm="B")
        time = part["death_day"].fill_null(400.0).to_numpy()
        found = survival_at(time, part["death_day"].is_not_null().to_numpy(), 6.0 * DAYS_PER_MONTH)
        assert frame["value"][replicate] == pytest.approx(float(found.value), abs=1e-12)


def test_hazard_ratio_compares_treatment_with_control_within_strata(trial):
    request = EndpointRequest("OS", "hazard_ratio", treatment="A", control="B", strata=["age_years < 40", "prior_hsct"])
    frame = estimate_endpoints(trial, [request])
    assert frame["arm"].unique().to_list() == ["A vs B"]
    part = trial.filter(replicate=2)
    time = part["death_day"].fill_null(400.0).to_numpy()
    event = part["death_day"].is_not_null().to_numpy()
    stratum = 2 * (part["age_years"] < 40).to_numpy() + part["prior_hsct"].to_numpy()
    group = (part["arm"] == "A").to_numpy()
    row = frame.row(2, named=True)
    assert row["value"] == pytest.approx(float(cox_hazard_ratio(time, event, group, stratum).value))
    assert row["p_value"] == pytest.approx(float(log_rank(time, event, group, stratum).p_value))
    assert row["n"] == part.height
    assert frame["value"].max() < 1


def test_difference_of_shares_between_arms(trial):
    row = estimate_endpoints(trial, [EndpointRequest("CR", "difference", treatment="A", control="B")]).row(
        0, named=True
    )
    share = [(trial.filter(replicate=0, arm=arm)["best_response"] == "CR").mean() for arm in ("A", "B")]
    assert row["value"] == pytest.approx(share[0] - share[1])
    assert row["low"] < row["value"] < row["high"]


def test_subgroup_narrows_the_denominator(trial):
    frame = estimate_endpoints(trial, [EndpointRequest("CR", subgroup="age_years >= 50", arm="A")])
    expected = trial.filter((pl.col("age_years") >= 50) & (pl.col("arm") == "A"))
    assert frame["n"].sum() == expected.height
    assert frame["subgroup"].unique().to_list() == ["age_years >= 50"]


def test_failed_patients_are_left_out_and_counted(trial):
    broken = trial.with_columns(failed=pl.col("patient") == 3)
    frame = estimate_endpoints(broken, ["CR"])
    first = frame.filter(arm="A", replicate=0).row(0, named=True)
    assert (first["n"], first["n_failed"]) == (59, 1)
    assert frame["n_failed"].sum() == 1


def test_a_replicate_without_the_subgroup_is_unknown_not_absent(trial):
    first_only = trial.with_columns(age_years=pl.when(pl.col("replicate") == 0).then(90.0).otherwise(30.0))
    request = EndpointRequest("OS", "median", subgroup="age_years > 80", arm="A")
    frame = estimate_endpoints(first_only, [request])
    assert frame["n"].to_list() == [60, 0, 0, 0]
    assert frame["value"].is_nan().to_list() == [False, True, True, True]


def test_row_order_does_not_matter(trial):
    requests = [EndpointRequest("OS", "hazard_ratio", treatment="A", control="B"), "EFS", "CR"]
    shuffled = trial.sample(fraction=1.0, shuffle=True, seed=1)
    given = estimate_endpoints(trial, requests).sort("request", "arm", "replicate")
    again = estimate_endpoints(shuffled, requests).sort("request", "arm", "replicate")
    assert given["value"].to_list() == pytest.approx(again["value"].to_list(), rel=1e-12)


def test_nothing_asked_gives_an_empty_frame_of_the_same_shape(trial):
    assert estimate_endpoints(trial, []).schema == pl.Schema(estimate_schema())


def test_bands_hold_the_curves_they_summarize(trial):
    frame = survival_bands(trial, "OS", [0.0, 3.0, 6.0, 13.0, 20.0])
    arm = frame.filter(arm="A")
    assert arm["survival"][0] == 1.0
    assert arm["at_risk"][0] == 61.5
    requests = [EndpointRequest("OS", "survival_at", time_months=6.0, arm="A")]
    values = estimate_endpoints(trial, requests)["value"].to_numpy()
    assert arm["survival"][2] == pytest.approx(np.median(values))
    assert arm["low"][2] == pytest.approx(values.min())
    assert arm["high"][2] == pytest.approx(values.max())
    # followed for 400 days, 13.1 months
    assert not np.isnan(arm["survival"][3])
    assert np.isnan(arm["survival"][4])


def test_band_of_one_replicate_has_no_width(trial):
    frame = survival_bands(trial.filter(replicate=0), "OS", [6.0])
    assert frame["low"].is_nan().all()
    assert not frame["survival"].is_nan().any()


def test_usual_months_hold_the_first_day_and_reach_the_last(trial):
    frame = survival_bands(trial, "EFS", arms=["A"])
    assert frame["month"][1] == pytest.approx(1 / DAYS_PER_MONTH)
    assert frame["month"].max() >= 400 / DAYS_PER_MONTH
    assert frame["survival"][0] == 1.0
    # who never responds fails on day 1
    assert frame["survival"][1] < 0.7


def test_bands_are_for_times_only(trial):
    with pytest.raises(InputError, match="time-to-event"):
        survival_bands(trial, "CR", [1.0])


def test_replicates_may_be_worked_out_a_few_at_a_time(trial, monkeypatch):
    requests = [
        "CR",
        EndpointRequest("OS", "median"),
        EndpointRequest("OS", "hazard_ratio", treatment="A", control="B", strata=("prior_hsct",)),
        EndpointRequest("OS", "survival_at", time_months=6.0, subgroup="age_years >= 70"),
    ]
    whole = estimate_endpoints(trial, requests)
    monkeypatch.setattr("engager.analysis.estimate._MOST_TOGETHER", 150)
    parts = estimate_endpoints(trial, requests)
    assert [one["replicate"].unique().sort().to_list() for one, _ in _groups(trial, np.arange(4))] == [
        [0, 1],
        [2, 3],
    ]
    names = [name for name in whole.columns if name not in ("value", "low", "high", "p_value")]
    assert parts.select(names).equals(whole.select(names))
    for name in ("value", "low", "high", "p_value"):
        # Newton steps of a Cox fit end with the last replicate worked out beside it
        np.testing.assert_allclose(parts[name].to_numpy(), whole[name].to_numpy(), rtol=1e-12)


def test_a_month_that_too_few_trials_observe_is_left_open_also_where_nobody_entered(trial):
    every = survival_bands(trial, "OS", [3.0], ["A"], replicates=range(4))
    assert np.isfinite(every["survival"].item())
    half = survival_bands(trial, "OS", [3.0], ["A"], replicates=range(8))
    assert np.isnan(half["survival"].item())
    assert half["n_replicates"].item() == 8
