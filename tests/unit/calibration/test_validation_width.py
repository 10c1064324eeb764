"""Widths are compared on the scale of the statistic, and an open end is infinitely wide."""

import math

import pytest

from engager.analysis import exact_interval
from engager.calibration import Comparison, width_ratio
from engager.calibration.comparison.validation import likely_interval


def comparison(statistic="proportion", published=0.4, ci=(None, None), n=100, simulated=(0.4, 0.3, 0.5)):
    return Comparison(
        "s", "a", "CR", statistic, None, None, published, *ci, n, (), *simulated, 0.95, True
    )  # fmt: skip


def test_a_share_without_a_printed_interval_has_the_exact_one():
    limits = exact_interval(40, 100)
    assert likely_interval(comparison()) == pytest.approx((limits.low, limits.high))
    assert width_ratio(comparison()) == pytest.approx(0.2 / (limits.high - limits.low))


def test_medians_and_ratios_are_compared_by_factors():
    one = comparison("hazard_ratio", 0.7, (0.4, 1.2), None, (0.8, 0.8, 2.4))
    assert width_ratio(one) == pytest.approx(1.0)


def test_a_median_without_interval_has_the_width_of_its_events():
    low, high = likely_interval(comparison("median", 8.0, n=64, simulated=(8.0, 5.0, 12.0)))
    assert math.log(high / low) == pytest.approx(2 * 1.959964 / math.sqrt(32))


def test_an_open_end_is_infinitely_wide_and_an_unknown_one_is_not_judged():
    assert width_ratio(comparison("median", 8.0, (5.0, 12.0), simulated=(8.0, 5.0, None))) == math.inf
    assert width_ratio(comparison("median", 8.0, (5.0, None))) is None
    assert width_ratio(comparison(n=None)) is None
