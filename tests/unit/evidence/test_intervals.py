"""Exact intervals, also where nobody or everybody had the event."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from engager.evidence import exact_interval_of, record
from engager.evidence.records.intervals import exact_interval, standard_error_from_interval


@pytest.mark.parametrize(("events", "n"), [(91, 271), (1, 12), (11, 12)])
def test_bounds_are_where_the_binomial_tails_hold(events, n):
    low, high = exact_interval(events, n)
    assert binom.sf(events - 1, n, low) == pytest.approx(0.025, abs=1e-10)
    assert binom.cdf(events, n, high) == pytest.approx(0.025, abs=1e-10)


def test_nobody_and_everybody():
    # The bound solves (1 - high)^n = 0.025.
    assert exact_interval(0, 20) == (0.0, pytest.approx(1 - 0.025 ** (1 / 20)))
    assert exact_interval(20, 20) == (pytest.approx(0.025 ** (1 / 20)), 1.0)


def test_printed_interval_of_tower_is_the_exact_one():
    outcome = record("tower-2017").outcomes[0]
    assert exact_interval_of(outcome) == pytest.approx((outcome.low, outcome.high), abs=0.001)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="events"):
        exact_interval(3, 2)


def test_standard_error_behind_an_interval():
    assert standard_error_from_interval(-1.959963984540054, 1.959963984540054) == pytest.approx(1)
