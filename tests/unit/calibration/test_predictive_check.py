"""Predictive checks: observed percentiles are those of the readings, bands are of cohorts, floors are kept."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration import level_check, load_observations, load_time_course_fit, predictive_check
from engager.population import PopulationValues


@pytest.fixture(scope="module")
def checks():
    return {one.id: one for one in predictive_check(1, n_patients=80)}


def test_every_observed_course_is_checked(checks):
    data = load_observations()
    assert set(checks) == {*data.courses, *data.binned}
    for one in checks.values():
        assert one.n_failed == 0
        known = np.isfinite(one.low)
        assert np.all((one.low <= one.middle)[known] & (one.middle <= one.high)[known])
        assert one.inside.shape == one.observed.shape == (3, one.days.size)


@pytest.mark.parametrize("name", ["OBS-T1", "OBS-B1"])
def test_observed_percentiles_are_those_of_the_readings(checks, name):
    readings, check = load_observations().courses[name], checks[name]
    for k in range(check.days.size):
        ordered = np.sort(readings.values[:, k])
        # 19 patients: quarters fall on the 5.5th, 10th and 14.5th reading from below.
        by_hand = [(ordered[4] + ordered[5]) / 2, ordered[9], (ordered[13] + ordered[14]) / 2]
        assert check.observed[:, k] == pytest.approx(by_hand)


def test_bins_show_lowest_median_and_highest_as_printed(checks):
    printed = load_observations().binned["OBS-IL6a"]
    assert checks["OBS-IL6a"].percentiles == (0.0, 50.0, 100.0)
    assert checks["OBS-IL6a"].observed.T.tolist() == [[b.lowest, b.median, b.highest] for b in printed.bins]
    assert checks["OBS-IL6a"].doses == (5.0, 15.0, 60.0)


def test_readings_below_the_floor_are_dropped_or_kept_at_it(checks):
    for name, is_dropped in (("OBS-IL6a", True), ("OBS-IL6b", True), ("OBS-B1", False)):
        check = checks[name]
        assert check.is_dropped is is_dropped
        known = check.low[np.isfinite(check.low)]
        assert np.all(known > check.floor) if is_dropped else np.all(known >= check.floor)
        assert np.all((check.above_floor >= 0) & (check.above_floor <= 1))
    # B cells vanish within a day: simulated readings then stand at the floor, none above it.
    assert checks["OBS-B1"].high[1, -1] == checks["OBS-B1"].floor


def test_a_model_that_releases_nothing_has_no_band_and_nothing_inside():
    silent = {**load_time_course_fit().population, "k_IL6": 1e-9, "IL6_base": 1e-6, "IL6_base.sd": 0.0}
    found = {one.id: one for one in predictive_check(1, n_patients=20, population=PopulationValues.read(silent))}
    check = found["OBS-IL6a"]
    assert np.all(np.isnan(check.low))
    assert not check.inside.any()
    assert check.above_floor.max() == 0.0


def test_a_cohort_that_is_the_model_lies_inside_and_another_does_not(checks):
    check = checks["OBS-T1"]
    assert np.all((check.low <= check.middle) & (check.middle <= check.high))
    double = {**load_time_course_fit().population}
    double["cd8_start"] *= 5
    moved = {one.id: one for one in predictive_check(1, n_patients=80, population=PopulationValues.read(double))}[
        "OBS-T1"
    ]
    assert moved.inside[:, 0].sum() == 0
    assert check.inside[:, 0].sum() == 3


def test_levels_are_the_infusion_over_clearance():
    fit = load_time_course_fit().population
    levels = level_check(1, n_patients=300)
    assert [one.dose for one in levels] == [9.0, 28.0]
    assert [(one.observed, one.observed_sd) for one in levels] == [(228, 356), (616, 537)]
    low, high = levels
    # Dose over clearance, same patients at both doses: levels are in proportion to the dose.
    assert high.mean / low.mean == pytest.approx(28 / 9, rel=1e-3)
    # ug/day over L/day is ug/L; the mean of a log-normal 1/CL is exp(sd^2 / 2) above its median.
    typical = 1000 * 9 / fit["CL"] * np.exp(fit["CL.sd"] ** 2 / 2)
    assert low.mean == pytest.approx(typical, rel=0.15)
    assert low.low < low.mean < low.high


def test_the_same_seed_gives_the_same_check():
    one, two = (predictive_check(3, n_patients=20) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.low, b.low, equal_nan=True)
