"""Curves rebuilt from printed figures honor every one of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from engager.core import InputError
from engager.evidence import load_records, rebuild_curve, record
from engager.evidence.curves.reconstruction import Anchor, anchors_of, curve_through


def _every_curve():
    for entry in load_records().values():
        for arm in entry.arms:
            endpoints = {
                o.endpoint for o in entry.outcomes if o.arm == arm.id and o.statistic in ("median", "survival_at")
            }
            for endpoint in sorted(
                endpoints - {"neurologic_onset", "CRS_onset", "CRS_resolution", "liver_enzymes_onset"}
            ):
                figures = [o for o in entry.outcomes if o.arm == arm.id and o.endpoint == endpoint and not o.subgroup]
                if anchors_of(figures):
                    yield rebuild_curve(entry, arm.id, endpoint)


def test_every_printed_figure_of_every_record_is_honored():
    count = 0
    for curve in _every_curve():
        count += 1
        name = (curve.record, curve.arm, curve.endpoint)
        for anchor in curve.anchors:
            survival, low, high = curve.at(anchor.time_months)
            assert survival == pytest.approx(anchor.survival, abs=1e-12), name
            if anchor.is_from_n or anchor.level != curve.level:
                continue
            if anchor.is_median:
                # The median's interval ends where the band's edges cross one half.
                if anchor.low is not None:
                    assert curve.at(anchor.low)[1] <= 0.5 + 1e-12, name
                    assert curve.low[curve.time_months < anchor.low].min() >= 0.5, name
                if anchor.high is not None:
                    assert curve.at(anchor.high)[2] >= 0.5 - 1e-12, name
                    beyond = curve.high[curve.time_months > anchor.high]
                    assert beyond.size == 0 or beyond.max() <= 0.5, name
            else:
                assert (low, high) == pytest.approx((anchor.low, anchor.high), abs=1e-12), name
    assert count > 30


def test_curve_falls_and_stays_inside_band_and_limits():
    for curve in _every_curve():
        for values in (curve.survival, curve.low, curve.high, curve.limit_low, curve.limit_high):
            assert np.all(np.diff(values) <= 1e-12)
            assert values.min() >= 0
            assert values.max() <= 1
        assert np.all(curve.low <= curve.survival + 1e-12)
        assert np.all(curve.survival <= curve.high + 1e-12)
        assert np.all(curve.limit_low <= curve.survival + 1e-12)
        assert np.all(curve.survival <= curve.limit_high + 1e-12)


def test_band_is_wider_where_nothing_was_printed():
    curve = rebuild_curve(record("oriol-2010"), "all-relapsed", "OS")
    at_landmark = curve.at(60)
    between = curve.at(20)
    assert between[2] - between[1] > 2 * (at_landmark[2] - at_landmark[1])


def test_known_exponential_curve_is_recovered():
    rate = np.log(2) / 8
    times = [3.0, 8.0, 20.0]
    anchors = [Anchor(t, float(np.exp(-rate * t)), None, None, False, True, 400) for t in times]
    curve = curve_through(anchors, 30)
    assert np.abs(curve.survival - np.exp(-rate * curve.time_months)).max() < 1e-9


def test_sampling_error_from_n_matches_the_binomial():
    curve = curve_through([Anchor(6.0, 0.3, None, None, False, True, 100)], 12)
    _, low, high = curve.at(6)
    se = np.sqrt(0.3 * 0.7 / 100)
    # Symmetric on log(-log S), so only nearly symmetric here.
    assert high - low == pytest.approx(2 * 1.96 * se, rel=0.03)


def test_contradictory_figures_are_refused():
    anchors = [
        Anchor(6.0, 0.4, None, None, False, True, 50),
        Anchor(9.0, 0.5, None, None, True, True, 50),
    ]
    with pytest.raises(InputError, match="cannot rise"):
        curve_through(anchors, 12)


def test_two_figures_of_one_time_may_differ_by_rounding_alone():
    median = Anchor(6.0, 0.5, None, None, True, True, 50)
    with pytest.raises(InputError, match=r"cannot be 0\.9 as well"):
        curve_through([Anchor(6.0, 0.9, None, None, False, True, 50), median], 12)
    assert curve_through([Anchor(6.0, 0.505, None, None, False, True, 50), median], 12).at(6.0)[0] == 0.5


@pytest.mark.parametrize("until", [0.0, -3.0, float("nan"), float("inf")])
def test_a_curve_ends_at_a_month_after_its_start(until):
    with pytest.raises(InputError, match=r"--until.*must be a month above 0"):
        rebuild_curve(record("tower-2017"), "blinatumomab", "OS", until)


def test_arm_without_printed_points_says_so():
    with pytest.raises(InputError, match="no printed median or landmark"):
        rebuild_curve(record("faderl-2011"), "augmented-hyper-cvad-2007", "OS")
    with pytest.raises(InputError, match="augmented-hyper-cvad-2007"):
        rebuild_curve(record("faderl-2011"), "augmented", "OS")


def test_band_holds_the_true_curve_about_as_often_as_it_says():
    """80 trials of 150 patients from one Weibull curve; only median, its interval and one landmark are
    printed.
    """
    random = np.random.default_rng(20260101)
    shape, scale = 0.8, 9.0
    months = np.array([2.0, 4.0, 6.0, 9.0, 12.0, 18.0])
    truth = np.exp(-((months / scale) ** shape))
    held = []
    for _ in range(80):
        event = np.sort(scale * random.weibull(shape, 150))
        # Everybody is followed for 24 months, so the product-limit estimate is the empirical one.
        survival = 1 - np.arange(1, 151) / 150
        half = 1.96 * np.sqrt(150) / 2
        bounds = [float(event[int(np.clip(75 + s * half, 0, 149))]) for s in (-1, 1)]
        at_12 = float(survival[np.searchsorted(event, 12.0) - 1])
        se = np.sqrt(at_12 * (1 - at_12) / 150) / (at_12 * -np.log(at_12))
        low, high = (float(at_12 ** np.exp(s * 1.96 * se)) for s in (1, -1))
        printed = [
            Anchor(float(event[75]), 0.5, *bounds, True, False, 150),
            Anchor(12.0, at_12, low, high, False, False, 150),
        ]
        curve = curve_through(sorted(printed, key=lambda anchor: anchor.time_months), 24)
        held.append([curve.at(t)[1] <= s <= curve.at(t)[2] for t, s in zip(months, truth, strict=True)])
    coverage = np.mean(held, axis=0)
    # At least nominal within three standard errors of 80 trials (0.95 - 3 * 0.024); wider where nothing was
    # printed.
    assert coverage.min() > 0.95 - 0.075, coverage


def _of(time, survival, n):
    return Anchor(time, survival, None, None, is_median=False, is_from_n=True, n=n)


@pytest.mark.parametrize(
    ("anchors", "at", "low", "high"),
    [
        # Clopper-Pearson limits: 20 of 20, 0 of 20, 10 of 10, 1 of 1
        ([_of(1, 1.0, 20), _of(12, 0.5, 20)], 1, 0.025 ** (1 / 20), 1.0),
        ([_of(12, 0.0, 20)], 12, 0.0, 1 - 0.025 ** (1 / 20)),
        ([_of(12, 1.0, 10)], 12, 0.025 ** (1 / 10), 1.0),
        ([_of(12, 1.0, 1)], 12, 0.025, 1.0),
        # printed as 99 % of 20 patients: that is all of them
        ([_of(12, 0.99, 20)], 12, 0.025 ** (1 / 20), 1.0),
    ],
)
def test_where_all_or_none_are_alive_the_band_is_the_exact_interval(anchors, at, low, high):
    curve = curve_through(anchors, 24)
    assert curve.at(at)[1:] == pytest.approx((low, high), abs=1e-9)
    assert np.all(np.diff(curve.low) <= 1e-12)
    assert np.all(np.diff(curve.high) <= 1e-12)


def test_the_exact_interval_has_the_level_asked_for():
    assert curve_through([_of(12, 1.0, 20)], 24, level=0.8).at(12)[1] == pytest.approx(0.1 ** (1 / 20))


def test_one_death_short_of_all_is_wider_than_none():
    # Near the edge, too, the band has width on both sides and holds its point.
    for alive in range(1, 20):
        survival, low, high = curve_through([_of(12, alive / 20, 20)], 24).at(12)
        exact = beta.ppf(0.025, alive, 21 - alive), beta.ppf(0.975, alive + 1, 20 - alive)
        assert low < survival < high
        # never less than two thirds as wide as the exact interval
        assert high - low > 2 / 3 * (exact[1] - exact[0])
