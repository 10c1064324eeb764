"""Published beside simulated: what is asked for a target, and when a figure is inside, worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.calibration import compare, request_of
from engager.calibration.comparison.compare import Comparison, published_interval
from engager.calibration.comparison.curves import FarthestPoint, _distances, _log_minus_log, farthest_point
from engager.evidence import curve_information
from engager.protocol import Protocol
from engager.trial import TrialData

DOSES = [{"days": "1-28", "amount": 28, "unit": "ug/day"}]
REGIMEN = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 2, "doses": DOSES}
NONE = dict.fromkeys(
    ("treatment_end_day", "mrd_day", "hsct_day", "relapse_day", "response_day", "crh_day", "cr_day", "death_day"),
    pl.Float64,
) | {"hsct_in_response": pl.Boolean, "mrd_below_limit": pl.Boolean, "mrd_undetectable": pl.Boolean,
     "fatal_adverse_event": pl.Boolean}  # fmt: skip


def study(*targets, arms=("a",), **keys):
    raw = {"study": "beside", "arms": {arm: {"n": 20, "regimen": REGIMEN} for arm in arms},
           "population": {"marrow_blasts_percent": 50}, "targets": list(targets), **keys}  # fmt: skip
    return Protocol.model_validate(raw)


def virtual(protocol, responders, n=20, arm="a", day=29.0):
    """A trial of n in each replicate, of whom so many reach CR on a day; all are watched for 400 days."""
    rows = [
        {"replicate": k, "arm": arm, "patient": i, "failed": False, "followup_day": 400.0, "treated": True,
         "start_day": 0.0, "best_response": "CR" if i < events else "none", "response_day": day if i < events else None,
         "cr_day": day if i < events else None, "crh_day": day if i < events else None,
         "response_cycle": 1 if i < events else None, "death_cause": None, "crs_grade": 0, "neurologic_grade": 0,
         **dict.fromkeys(("treatment_end_day", "mrd_day", "hsct_day", "relapse_day", "death_day", "hsct_in_response",
                          "fatal_adverse_event", "mrd_below_limit", "mrd_undetectable"))}
        for k, events in enumerate(responders) for i in range(n)
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema_overrides={**NONE, "death_cause": pl.String, "response_cycle": pl.Int32})
    empty = table.select("replicate", "arm", "patient").clear()
    return TrialData(protocol, table, empty, empty, empty)


CR = {"arm": "a", "endpoint": "CR", "events": 10, "n": 20, "use": "fit", "source": "made-up"}


# ---- the interval ----
def test_a_share_is_beside_the_middle_and_the_ends_of_its_replicates():
    # 39 replicates: the ends of 95 % are the first and the last
    responders = [8, *range(3, 11), *range(3, 11), *range(3, 11), *range(3, 11), 2, 12, 4, 5, 6, 7]
    assert len(responders) == 39
    (one,) = compare(virtual(study(CR), responders))
    assert (one.median, one.low, one.high) == pytest.approx((np.median(responders) / 20, 2 / 20, 12 / 20))
    assert one.coverage == pytest.approx(0.95)
    assert one.is_inside is True
    assert (one.published, one.n, one.use, one.source, one.study, one.arm) == (
        0.5, 20, "fit", ("made-up",), "beside", "a",
    )  # fmt: skip
    (out,) = compare(virtual(study({**CR, "events": 13}), responders))
    assert out.is_inside is False
    (edge,) = compare(virtual(study({**CR, "events": 12}), responders))
    assert edge.is_inside is True


def test_few_replicates_claim_less_and_very_few_judge_nothing():
    (few,) = compare(virtual(study(CR), [9, 10, 11] * 7))
    assert few.coverage == pytest.approx(20 / 22)
    (fewest,) = compare(virtual(study(CR), [9, 10, 11]))
    assert fewest.is_inside is None
    assert fewest.median == 0.5


@pytest.mark.parametrize("n", [9, 10])
def test_ten_replicates_are_the_fewest_that_are_judged(n):
    (one,) = compare(virtual(study(CR), [10] * n))
    assert one.is_inside is (True if n == 10 else None)


def test_a_figure_nobody_reached_has_no_number():
    median = {"arm": "a", "endpoint": "OS", "statistic": "median", "value_months": 6, "n": 20}
    (one,) = compare(virtual(study(median), [5] * 20))
    assert (one.median, one.low, one.high) == (None, None, None)


def test_targets_keep_their_order_and_those_no_trial_answers_are_left_out():
    unanswered = {"arm": "a", "endpoint": "GVHD_any", "proportion": 0.1, "n": 20}
    os12 = {"arm": "a", "endpoint": "OS", "value": 0.5, "time_months": 12, "n": 20}
    found = compare(virtual(study(os12, unanswered, CR), [5] * 20))
    assert [one.endpoint for one in found] == ["OS", "CR"]
    assert [one.time_months for one in found] == [12, None]
    assert found[0].median == 1.0


def test_a_response_after_the_window_of_the_target_does_not_count():
    target = {**CR, "window_weeks": 12}
    assert compare(virtual(study(target), [10] * 20, day=84.0))[0].median == 0.5
    assert compare(virtual(study(target), [10] * 20, day=84.5))[0].median == 0.0


# ---- the request ----
def asked(target, *endpoints, **keys):
    protocol = study(target, endpoints=list(endpoints), **keys) if endpoints else study(target, **keys)
    return request_of(protocol.targets[0].estimand, protocol)


def test_a_target_is_asked_for_in_its_arm_and_subgroup():
    found = asked({**CR, "subgroup": "age_years >= 35"})
    assert (found.endpoint, found.statistic, found.arm, found.subgroup) == ("CR", "proportion", "a", "age_years >= 35")
    assert (found.treatment, found.control, found.strata) == (None, None, ())


def test_a_comparison_is_asked_for_between_its_arms_and_within_strata():
    ratio = {"endpoint": "OS", "measure": "HR", "treatment": "a", "control": "b", "value": 0.7}
    found = asked(ratio, arms=("a", "b"), allocation={"strata": ["prior_hsct"]})
    assert (found.arm, found.treatment, found.control, found.strata) == (None, "a", "b", ("prior_hsct",))
    difference = {"endpoint": "CR", "measure": "difference", "treatment": "a", "control": "b", "value": 0.1}
    assert asked(difference, arms=("a", "b"), allocation={"strata": ["prior_hsct"]}).strata == ()


@pytest.mark.parametrize(
    ("no_response", "day"), [("event_at_start", 1.0), ("ignored", None), ("event_at_window_end", 28.0)]
)
def test_who_never_responds_fails_efs_as_the_study_says(no_response, day):
    target = {"arm": "a", "endpoint": "EFS", "value_months": 3, "n": 20}
    found = asked(target, {"id": "EFS", "window_weeks": 4, "no_response": no_response})
    assert (found.no_response_event_day, found.response_window_days) == (day, 28.0)


def test_efs_without_a_window_has_the_usual_twelve_weeks_and_its_targets_own_counts_first():
    target = {"arm": "a", "endpoint": "EFS", "value_months": 3, "n": 20}
    assert asked(target, "EFS").response_window_days == 84.0
    assert asked({**target, "window_cycles": 1}, {"id": "EFS", "window_weeks": 4}).response_window_days == 42.0


def test_time_counts_from_where_the_endpoint_starts():
    target = {"arm": "a", "endpoint": "OS", "value_months": 3, "n": 20}
    assert asked(target, {"id": "OS", "origin": "treatment_start"}).origin == "treatment"
    assert asked(target, {"id": "OS", "origin": "hsct"}).origin == "hsct"
    assert asked({**target, "endpoint": "RFS"}, {"id": "RFS", "censor_at_hsct": True}).censor_at_hsct


def test_a_share_has_the_window_of_its_target_or_else_of_its_endpoint():
    assert asked({**CR, "window_weeks": 6}, {"id": "CR", "window_weeks": 12}).window_days == 42.0
    assert asked(CR, {"id": "CR", "window_weeks": 12}).window_days == 84.0
    assert asked({**CR, "window_cycles": 2}).window_days == 84.0


@pytest.mark.parametrize(
    ("target", "endpoint", "setting", "among"),
    [
        ("all", None, "relapsed_refractory", "everyone"), ("CR", None, "relapsed_refractory", "CR"),
        (None, "all", "relapsed_refractory", "everyone"), (None, None, "relapsed_refractory", "everyone"),
        ("all", None, "mrd_positive", "all"),
    ],
)  # fmt: skip
def test_residual_disease_is_counted_among_whom_the_study_says(target, endpoint, setting, among):
    rate = {"arm": "a", "endpoint": "MRD_response", "events": 5, "n": 20} | ({"among": target} if target else {})
    population = {"setting": setting} | ({"mrd_log10": -3} if setting == "mrd_positive" else {})
    found = asked(rate, {"id": "MRD_response", "among": endpoint}, population=population)
    assert found.among == among


# ---- the printed interval ----
def row(**keys):
    usual = {"study": "s", "arm": "a", "endpoint": "CR", "statistic": "proportion", "time_months": None,
             "subgroup": None, "published": 0.5, "published_low": None, "published_high": None, "n": 10, "source": (),
             "median": 0.5, "low": 0.2, "high": 0.8, "coverage": 0.95, "is_inside": True}  # fmt: skip
    return Comparison(**{**usual, **keys})


def test_a_share_without_a_printed_interval_has_the_exact_one():
    # binom.test(5, 10)$conf.int
    assert published_interval(row()) == pytest.approx((0.1870860, 0.8129140), abs=1e-6)
    assert published_interval(row(published_low=0.3, published_high=0.7)) == (0.3, 0.7)
    assert published_interval(row(published_high=0.7)) == pytest.approx((0.1870860, 0.8129140), abs=1e-6)
    assert published_interval(row(n=None)) == (None, None)
    assert published_interval(row(statistic="median")) == (None, None)


def test_a_comparison_in_json_has_points_only_for_a_curve():
    assert "points" not in row().as_json()
    assert row(points=((3.0, 0.8, 0.7, 0.9),)).as_json()["points"] == [
        {"time_months": 3.0, "value": 0.8, "low": 0.7, "high": 0.9}
    ]
    assert row().as_json()["simulated"] == {"median": 0.5, "low": 0.2, "high": 0.8}


# ---- curves ----
@pytest.fixture(scope="module")
def curve():
    return curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")


def simulated(curve, shifts, n):
    """Curves that lie beside the published one by so much on log(-log S), half an event taken off either side."""
    share = (np.asarray(curve.survival) * curve.n + 0.5) / (curve.n + 1)
    return (np.exp(-np.exp(np.log(-np.log(share)) + np.asarray(shifts)[:, None])) * (n + 1) - 0.5) / n


def test_a_curve_in_the_middle_of_the_simulated_ones_is_inside(curve):
    shifts = np.linspace(-0.3, 0.3, 39)
    found = farthest_point(curve, simulated(curve, shifts, curve.n), np.full(39, curve.n))
    assert found.is_inside
    assert found.median == pytest.approx(curve.survival[found.index])
    assert found.low < found.median < found.high
    assert found.coverage == 0.95


@pytest.mark.parametrize(("beside", "inside"), [(0.0, True), (0.9, True), (1.1, False), (-0.9, True), (-1.1, False)])
def test_the_band_ends_at_the_farthest_of_39_simulated_curves(curve, beside, inside):
    """All points move together, so the band is that of one number: the widest of its distances from the others."""
    shifts = np.linspace(-1.0, 1.0, 39)
    spread, others = np.std(shifts, ddof=1), np.delete(shifts, 0)
    reach = (others.mean() - shifts[0]) / np.std(others, ddof=1) * spread
    found = farthest_point(curve, simulated(curve, shifts + beside * reach, curve.n), np.full(39, curve.n))
    assert found.is_inside == inside
    published = float(curve.survival[found.index])
    assert (found.low <= published <= found.high) == inside


@pytest.mark.parametrize(("times", "stretch"), [(1, 1.0), (4, 2.0)])
def test_larger_trials_are_stretched_to_the_published_size(curve, times, stretch):
    shifts = np.linspace(-1.0, 1.0, 39)
    spread, others = np.std(shifts, ddof=1), np.delete(shifts, 0)
    reach = stretch * (others.mean() - shifts[0]) / np.std(others, ddof=1) * spread
    n = times * curve.n
    for beside, inside in ((0.97, True), (1.03, False)):
        found = farthest_point(curve, simulated(curve, shifts + beside * reach, n), np.full(39, n))
        assert found.is_inside == inside


def test_no_band_is_narrower_than_the_patients_own_scatter(curve):
    """Simulated curves without any scatter, all beside the published one by the same."""
    share = (np.asarray(curve.survival) * curve.n + 0.5) / (curve.n + 1)
    seen = set()
    for beside in np.linspace(0.01, 0.8, 12):
        middle = np.exp(-np.exp(np.log(-np.log(share)) + beside))
        least = 1.959964 * np.sqrt((1 - middle) / (curve.n * middle)) / -np.log(middle)
        found = farthest_point(curve, simulated(curve, np.full(39, beside), curve.n), np.full(39, curve.n))
        assert found.is_inside == (beside <= least.min())
        assert found.index == np.argmin(least)
        seen.add(found.is_inside)
    assert seen == {True, False}


@pytest.mark.parametrize(("n_trials", "is_judged"), [(3, False), (4, True), (9, True)])
def test_four_trials_are_the_fewest_that_have_a_spread(curve, n_trials, is_judged):
    survival = simulated(curve, np.linspace(-0.3, 0.3, n_trials), curve.n)
    found = farthest_point(curve, survival, np.full(n_trials, curve.n))
    assert np.isfinite([found.median, found.low, found.high]).all() == is_judged
    assert found.is_inside is None  # fewer than ten judge nothing


def test_a_trial_is_measured_against_the_others_alone():
    scaled = np.array([[0.1, 2.0], [0.4, 2.5], [-0.3, 1.0], [0.9, 4.0], [0.2, 2.2]])
    found = _distances(scaled, scaled.mean(axis=0), scaled.std(axis=0, ddof=1))
    for k in range(5):
        others = np.delete(scaled, k, axis=0)
        assert found[k] == pytest.approx(np.abs(scaled[k] - others.mean(axis=0)) / others.std(axis=0, ddof=1))


def test_where_everybody_lives_half_an_event_is_taken():
    assert _log_minus_log(np.array([1.0, 0.0, 0.5]), 10.0) == pytest.approx(
        np.log(-np.log([10.5 / 11, 0.5 / 11, 5.5 / 11]))
    )


def test_trials_that_watched_nobody_that_long_are_left_out(curve):
    survival = simulated(curve, np.linspace(-0.3, 0.3, 25), curve.n)
    survival[18:, -1] = np.nan
    found = farthest_point(curve, survival, np.full(25, curve.n))
    assert found.coverage == pytest.approx(18 / 19)
    nothing = farthest_point(curve, survival[15:21], np.full(6, curve.n))
    assert nothing == FarthestPoint(0, pytest.approx(np.nan, nan_ok=True), pytest.approx(np.nan, nan_ok=True),
                                    pytest.approx(np.nan, nan_ok=True), 0.0, None)  # fmt: skip
