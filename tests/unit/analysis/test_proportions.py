"""Limits of shares, of their difference and of their odds: numbers from closed forms, tables and R."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from engager.analysis import exact_interval, risk_difference
from engager.analysis.proportions import _score_statistic, odds_ratio
from engager.core import InputError


@pytest.mark.parametrize(("events", "n"), [(1, 10), (5, 10), (9, 10), (91, 271), (1, 1000), (1, 2)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_exact_limits_are_where_the_tails_of_the_binomial_are(events, n, level):
    found, tail = exact_interval(events, n, level), (1 - level) / 2
    assert found.value == events / n
    assert binom.sf(events - 1, n, found.low) == pytest.approx(tail, rel=1e-9)
    assert binom.cdf(events, n, found.high) == pytest.approx(tail, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 10, 109])
def test_exact_limits_of_nobody_and_everybody(n):
    nobody, everybody = exact_interval(0, n), exact_interval(n, n)
    assert (nobody.low, nobody.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / n)))
    assert (everybody.low, everybody.high) == (pytest.approx(0.025 ** (1 / n)), 1.0)


def test_of_no_patients_there_is_no_share():
    assert np.isnan([*exact_interval(0, 0)]).all()
    found = exact_interval([0, 3], [0, 6])
    assert np.isnan(found.value[0])
    assert found.value[1] == 0.5
    for function in (risk_difference, odds_ratio):
        assert np.isnan([*function(0, 0, 3, 6)]).all()
        assert np.isnan([*function(3, 6, 0, 0)]).all()


@pytest.mark.parametrize("counts", [(-1, 10), (11, 10), (np.nan, 10)])
def test_counts_that_cannot_be_are_refused_with_their_value(counts):
    with pytest.raises(InputError, match="0 <= events <= n"):
        exact_interval(*counts)


# Newcombe 1998, table II: (b) 9/10 and 3/10, (c) 10/10 and 0/20, (e) 5/56 and 0/29; methods 10 and 5
@pytest.mark.parametrize(
    ("counts", "newcombe", "score"),
    [((56, 70, 48, 80), (0.0524, 0.3339), (0.0528, 0.3382)), ((9, 10, 3, 10), (0.1705, 0.8090), (0.1700, 0.8406)),
     ((10, 10, 0, 20), (0.6791, 1.0), (0.7156, 1.0)), ((5, 56, 0, 29), (-0.0381, 0.1926), (-0.0326, 0.1933))],
)  # fmt: skip
def test_limits_of_a_difference_are_those_of_the_published_table(counts, newcombe, score):
    by_squares = risk_difference(*counts, method="newcombe")
    assert by_squares.value == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])
    assert (by_squares.low, by_squares.high) == pytest.approx(newcombe, abs=6e-5)
    by_score = risk_difference(*counts)
    assert (by_score.low, by_score.high) == pytest.approx(score, abs=6e-5)


def test_the_score_statistic_of_equal_shares_is_the_pooled_z():
    # 56/70 against 48/80 at a difference of 0, with the factor N/(N - 1) in the variance
    p = 104 / 150
    z = (56 / 70 - 48 / 80) / np.sqrt(p * (1 - p) * (1 / 70 + 1 / 80) * 150 / 149)
    one = [np.array([float(x)]) for x in (56, 70, 48, 80)]
    assert _score_statistic(*one, np.array([0.0])) == pytest.approx([z])
    assert _score_statistic(*one, np.array([0.2])) == pytest.approx([0.0], abs=1e-12)


def test_score_limits_are_where_the_statistic_is_the_quantile():
    one = [np.array([float(x)]) for x in (9, 10, 3, 10)]
    for level, z in ((0.95, 1.959964), (0.9, 1.644854)):
        found = risk_difference(9, 10, 3, 10, level=level)
        for limit, side in ((found.low, z), (found.high, -z)):
            assert _score_statistic(*one, np.array([limit])) == pytest.approx([side], abs=1e-5)


def test_a_method_there_is_not_is_refused():
    with pytest.raises(InputError, match="newcombe"):
        risk_difference(1, 2, 1, 2, method="wald")


def test_groups_of_one_patient_have_an_odds_ratio_and_empty_ones_have_none():
    found = odds_ratio(1, 1, 0, 1)  # 1 and 0 with a half added to each cell
    assert found.value == pytest.approx(9.0)
    assert np.isfinite([found.low, found.high]).all()
    assert np.isnan(odds_ratio(0, 0, 1, 2).value)
    assert np.isnan(odds_ratio(1, 2, 0, 0).value)


def test_odds_ratio_and_woolfs_limits():
    # log OR = log(12 * 15 / (8 * 5)), standard error sqrt(1/12 + 1/8 + 1/5 + 1/15)
    found, half = odds_ratio(12, 20, 5, 20), 1.959964 * np.sqrt(1 / 12 + 1 / 8 + 1 / 5 + 1 / 15)
    assert found.value == pytest.approx(4.5)
    assert (found.low, found.high) == pytest.approx((4.5 * np.exp(-half), 4.5 * np.exp(half)), rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "cells"),
    [((0, 10, 3, 10), (0.5, 10.5, 3.5, 7.5)), ((10, 10, 3, 10), (10.5, 0.5, 3.5, 7.5)),
     ((3, 10, 0, 10), (3.5, 7.5, 0.5, 10.5)), ((3, 10, 10, 10), (3.5, 7.5, 10.5, 0.5)),
     ((1, 10, 3, 10), (1, 9, 3, 7))],
)  # fmt: skip
def test_a_half_is_added_to_every_cell_when_one_is_empty(counts, cells):
    a, b, c, d = cells
    assert odds_ratio(*counts).value == pytest.approx(a * d / (b * c))
