"""Acceptance bands by class of endpoint, of engagers alone and between eras."""

import numpy as np
import pytest

from engager.calibration import Comparison, accept, fit_defaults
from engager.calibration.comparison.acceptance import standardized_distance


def figure(study="s", arm="a", endpoint="OS", published=8.0, median=8.0, low=4.0, high=16.0, inside=True, use="fit"):
    statistic = "median" if endpoint in ("OS", "RFS") else "proportion"
    return Comparison(
        study,
        arm,
        endpoint,
        statistic,
        None,
        None,
        published,
        None,
        None,
        100,
        (),
        median,
        low,
        high,
        0.95,
        inside,
        use,
    )


def named(bands):
    return {band.name: band for band in bands}


def test_each_class_of_endpoint_is_judged_alone():
    rows = [figure(endpoint="CR", published=0.4, median=0.4, low=0.3, high=0.5) for _ in range(9)]
    rows += [figure(endpoint="OS", inside=False)]
    bands = named(accept(rows, {"fit_inside": 0.9, "response_inside": 0.9, "os_inside": 0.9, "mrd_inside": 0.9}))
    assert (bands["fit_inside"].found, bands["fit_inside"].is_met) == (0.9, True)
    assert (bands["response_inside"].inside, bands["response_inside"].n) == (9, 9)
    assert bands["os_inside"].is_met is False
    assert bands["mrd_inside"].is_met is None


def test_a_distance_is_in_predictive_standard_deviations():
    # an interval from half to double is two thirds of a log-unit either way
    assert standardized_distance(figure(published=16.0)) == pytest.approx(1.96, abs=0.01)
    assert standardized_distance(figure(published=8.0)) == 0.0
    assert standardized_distance(figure(high=None, published=4.0)) == pytest.approx(-1.96, abs=0.01)
    assert standardized_distance(figure(median=None)) is None


def test_eras_that_cancel_are_found_by_their_difference():
    early = [figure(study=f"old-{k}", published=8.0 / factor) for k, factor in enumerate((1.5, 1.7, 1.9))]
    late = [figure(study=f"new-{k}", published=8.0 * factor) for k, factor in enumerate((1.5, 1.7, 1.9))]
    years = {one.study: year for group, year in ((early, 1995), (late, 2012)) for one in group}
    arms = frozenset((one.study, one.arm) for one in late)
    limits = {"engager_os_distance": 0.3, "os_era_difference": 2.0}
    bands = named(accept([*early, *late], limits, start_year=years, engager_arms=arms))
    assert np.mean([standardized_distance(one) for one in [*early, *late]]) == pytest.approx(0.0, abs=1e-9)
    assert bands["os_era_difference"].is_met is False
    assert bands["engager_os_distance"].is_met is False
    same = {study: 2012 for study in years}
    assert named(accept([*early, *late], limits, start_year=same))["os_era_difference"].is_met is None


def test_patients_whom_two_reports_count_pull_a_mean_once():
    far, near = figure(study="e", published=16.0), figure(study="f", published=8.0)
    again = figure(study="e", published=16.0, use="check")
    arms = frozenset({("e", "a"), ("f", "a")})
    for rows in ([far, near], [far, again, near], [again, far, near]):
        band = accept(rows, {"engager_os_distance": 0.3}, engager_arms=arms)[0]
        assert (band.n, band.found) == (2, pytest.approx(standardized_distance(far) / 2))
    # where the reports differ, the fitted figure is the one
    other = figure(study="e", published=4.0, use="check")
    assert accept([other, far], {"engager_os_distance": 0.3}, engager_arms=arms)[0].found == standardized_distance(far)


def test_every_shipped_band_can_be_judged():
    share = {"published": 0.4, "median": 0.4, "low": 0.3, "high": 0.5}
    rows = [
        figure(study=study, arm=arm, endpoint=endpoint, use=use, **({} if endpoint in ("OS", "RFS") else share))
        for study, arm in (("old", "c"), ("old2", "c"), ("new", "e"), ("new2", "e"))
        for endpoint in ("OS", "RFS", "CR", "MRD_response", "CRS_any", "HSCT_on_study")
        for use in ("fit", "check")
    ]
    years = {"old": 1990, "old2": 1995, "new": 2010, "new2": 2014}
    arms = frozenset({("new", "e"), ("new2", "e")})
    limits = fit_defaults()["acceptance"]
    bands = accept(rows, limits, start_year=years, engager_arms=arms)
    assert [band.name for band in bands] == list(limits)
    undecided = {band.name for band in bands if band.is_met is None}
    assert undecided <= {"os_era_difference"}  # no scatter within an era here
