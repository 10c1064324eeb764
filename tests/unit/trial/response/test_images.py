"""Trials of a nodal tumor: response by size, in two published mechanisms under one protocol."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.protocol import Protocol
from engager.trial import simulate_trial

DOSE = {"days": "1-56", "unit": "ug/m2/day"}


def study(model, variant, **keys):
    def arm(amount):
        regimen = {"drug": "blinatumomab", "cycle_days": 56, "cycles": 1, "doses": [{**DOSE, "amount": amount}]}
        return {"n": 30, "regimen": regimen}

    raw = {
        "study": "nodal", "model": {"id": model, "variant": variant}, "population": {"setting": "lymphoma"},
        "arms": {"low": arm(0.5), "high": arm(60)}, "allocation": {"randomized": False, "counterfactual": True},
        "follow_up": {"months": 9},
    }  # fmt: skip
    return Protocol.model_validate({**raw, **keys})


@pytest.fixture(scope="module", params=[("b-all", "lymphoma"), ("hosseini-2020", "nhl")], ids=lambda one: one[0])
def data(request):
    return simulate_trial(study(*request.param), replicates=[0], seed=2, n_sampled=2)


def share(data, arm, condition):
    return float(data.patients.filter(pl.col("arm") == arm).select(condition.fill_null(False).mean()).item())


def test_more_patients_respond_to_the_higher_dose(data):
    responded = pl.col("best_response").is_in(["CR", "PR"])
    assert share(data, "low", responded) < 0.1
    assert share(data, "high", responded) > 0.3
    assert set(data.patients["best_response"].unique()) <= {"CR", "PR", "none"}


def test_nobody_fails_and_nothing_of_a_marrow_is_told(data):
    assert data.n_failed == 0
    assert data.visits["marrow_blasts_percent"].null_count() == data.visits.height
    assert data.patients["mrd_day"].null_count() == data.patients.height


def test_the_class_of_response_follows_the_size_on_images(data):
    visits = data.visits.filter(pl.col("tumor_percent").is_not_null())
    smallest = visits.group_by("arm", "patient").agg(pl.col("tumor_percent").min())
    both = data.patients.join(smallest, on=["arm", "patient"])
    responded = both["best_response"].is_in(["CR", "PR"])
    assert (both.filter(responded)["tumor_percent"] <= 50).all()
    assert (both.filter(~responded & (both["progression_day"].is_null()))["tumor_percent"] > 50).all()
    progressed = data.patients.filter(pl.col("progression_day").is_not_null())
    seen = visits.join(progressed, on=["arm", "patient"]).filter(pl.col("day") == pl.col("progression_day"))
    before = visits.join(progressed, on=["arm", "patient"]).filter(pl.col("day") < pl.col("progression_day"))
    least = before.group_by("arm", "patient").agg(pl.col("tumor_percent").min().alias("least"))
    grown = seen.join(least, on=["arm", "patient"], how="left").with_columns(
        pl.col("least").fill_null(100).clip(0, 100)
    )
    assert seen.height == progressed.height
    assert (grown["tumor_percent"] >= 1.5 * grown["least"] - 1e-9).all()


def test_progression_ends_treatment_and_after_a_response_is_a_relapse(data):
    progressed = data.patients.filter(pl.col("progression_day").is_not_null())
    assert progressed.height > 5
    on_drug = progressed.filter(pl.col("treatment_end_day") == pl.col("progression_day"))
    assert set(on_drug["treatment_end_reason"]) <= {"progression", "relapse"}
    after = progressed.filter(pl.col("response_day").is_not_null())
    np.testing.assert_array_equal(after["relapse_day"], after["progression_day"])


def test_b_cells_and_il6_are_read_at_visits_and_dated(data):
    gone = data.visits.filter(pl.col("b_per_uL") < 1.0).group_by("arm", "patient").agg(pl.col("day").min())
    both = data.patients.join(gone, on=["arm", "patient"], how="left")
    np.testing.assert_array_equal(both["b_depleted_day"], both["day"])
    high = data.visits.filter(pl.col("il6_pg_per_mL") >= 100.0).group_by("arm", "patient").agg(pl.col("day").min())
    both = data.patients.join(high, on=["arm", "patient"], how="left")
    np.testing.assert_array_equal(both["il6_high_day"], both["day"])
    assert data.trajectories["tumor_cells"].null_count() == 0


def test_a_model_without_hazards_loses_nobody():
    found = simulate_trial(study("hosseini-2020", "nhl"), replicates=[0], seed=2, n_sampled=0)
    assert found.patients["death_day"].null_count() == found.patients.height


def test_a_larger_tumor_starts_with_more_cells_and_treatment_stops_when_complete():
    small = study("b-all", "lymphoma", population={"setting": "lymphoma", "tumor_mL": 10})
    large = study("b-all", "lymphoma", population={"setting": "lymphoma", "tumor_mL": 1000})
    entry = [
        simulate_trial(one, replicates=[0], seed=2, n_sampled=2).trajectories.filter(pl.col("day") == 0)["tumor_cells"]
        for one in (small, large)
    ]
    np.testing.assert_allclose(entry[1], 100 * entry[0])
    # 1.6e11 cells in 49.6 mL
    np.testing.assert_allclose(entry[0], 1.6e11 / 4.96, rtol=0.01)


def test_treatment_is_complete_with_a_response_that_the_regimen_names():
    regimen = {"drug": "blinatumomab", "cycle_days": 28, "cycles": 4,
               "doses": [{"days": "1-28", "amount": 60, "unit": "ug/m2/day"}],
               "stop_if": {"after_cycle": 2, "response": ["CR"]}}  # fmt: skip
    one = study("b-all", "lymphoma", arms={"a": {"n": 40, "regimen": regimen}}, allocation={})
    data = simulate_trial(one, replicates=[0], seed=2, n_sampled=0)
    complete = data.patients.filter(pl.col("treatment_end_reason") == "treatment completed")
    early = complete.filter(pl.col("n_cycles") == 2)
    assert early.height > 3
    assert set(early["best_response"]) == {"CR"}
