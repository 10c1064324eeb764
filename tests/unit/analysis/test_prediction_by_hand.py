"""Prediction intervals on numbers small enough to work out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom

from engager.analysis import order_statistics, prediction_interval
from engager.analysis.prediction import Prediction
from engager.core import InputError


def test_ends_are_order_statistics_of_the_replicates():
    # 79 values 1..79: ranks 0.025 * 80 = 2 and 78, the middle 40
    found = prediction_interval(np.arange(79, 0, -1.0))
    assert (found.low, found.median, found.high, found.coverage) == pytest.approx((2.0, 40.0, 78.0, 0.95))
    # of 50 the ranks are 1.275 and 49.725: between neighbors
    found = prediction_interval(np.arange(1.0, 51.0))
    assert (found.low, found.median, found.high) == pytest.approx((1.275, 25.5, 49.725))
    found = prediction_interval(np.arange(1.0, 20.0), level=0.8)
    assert (found.low, found.high, found.coverage) == pytest.approx((2.0, 18.0, 0.8))


def test_order_statistics_of_many_samples_are_those_of_each():
    samples = np.sort(np.random.default_rng(1).normal(size=(30, 12)), axis=1)
    samples[::3, -2:] = np.inf  # a median that some replicates do not reach
    for probability in (0.0, 0.025, 0.3, 0.5, 0.9, 1.0):
        each = [float(order_statistics(sample, probability)) for sample in samples]
        assert order_statistics(samples, probability).tolist() == each
    # between the last finite value and infinity lies infinity, at either of them that
    assert order_statistics(np.array([1.0, 2.0, np.inf, np.inf]), 0.5) == np.inf
    assert order_statistics(np.array([1.0, 2.0, np.inf]), 0.5) == 2.0
    assert order_statistics(np.array([np.inf, np.inf]), 0.4) == np.inf


def test_few_replicates_cover_less_and_none_cover_nothing():
    found = prediction_interval(np.arange(20.0))
    assert (found.low, found.high, found.coverage) == (0.0, 19.0, pytest.approx(19 / 21))
    nothing = prediction_interval([np.nan, np.nan])
    assert (nothing.coverage, nothing.n_replicates, nothing.n_missing, nothing.rescaled) == (0.0, 0, 2, False)


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5])
def test_a_level_is_a_share_between_none_and_all(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        prediction_interval([1.0, 2.0], level=level)


def test_the_ends_belong_to_the_interval():
    found = Prediction(2.0, 1.0, 3.0, 0.95, 39, 0, False)
    assert [found.holds(value) for value in (0.999, 1.0, 3.0, 3.001)] == [False, True, True, False]


def test_one_replicate_is_its_own_interval_and_covers_nothing():
    found = prediction_interval([4.0])
    assert (found.low, found.median, found.high, found.coverage, found.n_replicates) == (4.0, 4.0, 4.0, 0.0, 1)


VALUES = np.array([0.2, 0.3, 0.5, 0.6, 0.7])


@pytest.mark.parametrize(
    ("scale", "there", "back"),
    [
        ("identity", lambda x: x, lambda y: y), ("log", np.log, np.exp),
        ("logit", lambda x: np.log(x / (1 - x)), lambda y: 1 / (1 + np.exp(-y))),
        ("cloglog", lambda x: np.log(-np.log(x)), lambda y: np.exp(-np.exp(y))),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("n", "published", "factor"), [(100, 400, 0.5), (400, 100, 2.0), (111, 100, 1.11**0.5)])
def test_scatter_is_stretched_about_the_median_on_its_scale(scale, there, back, n, published, factor):
    found = prediction_interval(VALUES, n=n, published_n=published, scale=scale)
    wanted = [back(there(0.5) + (there(value) - there(0.5)) * factor) for value in (0.2, 0.7)]
    assert (found.low, found.median, found.high) == pytest.approx((wanted[0], 0.5, wanted[1]))
    assert found.rescaled


@pytest.mark.parametrize(("n", "published"), [(109, 100), (91, 100), (100, None), (100, 0), (None, 100), (0, 100)])
def test_sizes_within_a_tenth_or_unknown_change_nothing(n, published):
    found = prediction_interval(VALUES, n=n, published_n=published, scale="logit")
    assert (found.low, found.high, found.rescaled) == (0.2, 0.7, False)


def test_the_size_of_replicates_is_their_median_of_those_that_counted_somebody():
    found = prediction_interval(VALUES, n=[400, 400, 400, 0, 0], published_n=100, scale="identity")
    assert (found.low, found.high) == pytest.approx((0.5 - 0.6, 0.5 + 0.4))


@pytest.mark.parametrize(
    ("values", "scale", "rescaled"),
    [([-1.0, 0.0, 1.0], "identity", True), ([0.0, 0.0, 1.0], "log", False), ([1.0, np.inf, np.inf], "log", False),
     ([0.0, 1.0, 1.0], "logit", False), ([0.5, 1.0, 1.0], "cloglog", False), ([0.5, 1.0, 2.0], "log", True)],
)  # fmt: skip
def test_a_median_at_the_border_of_its_scale_is_not_stretched(values, scale, rescaled):
    assert prediction_interval(values, n=100, published_n=400, scale=scale).rescaled == rescaled


# ---- counts ----
def test_replicates_that_scatter_as_one_share_does_predict_a_binomial_count():
    # 100 events of 400 in all, and half an event on either side; scatter far below binomial
    shares, n = np.array([0.25, 0.25, 0.24, 0.26]), 100
    found = prediction_interval(shares, n=n, published_n=20, is_count=True, level=0.5)
    mean, tail = 100.5 / 401, (1 - 0.5) / 2
    low, high = binom.ppf(tail, 20, mean), binom.ppf(1 - tail, 20, mean)
    assert (found.low, found.high) == pytest.approx(((low - 0.5) / 20, (high + 0.5) / 20))
    assert (found.median, found.n_replicates, found.rescaled) == (0.25, 4, True)


def test_what_replicates_scatter_beyond_binomial_widens_the_count():
    shares, n = np.array([0.1, 0.5, 0.2, 0.6, 0.3, 0.7]), 100
    found = prediction_interval(shares, n=n, published_n=2000, is_count=True, level=0.5)
    mean = (240 + 0.5) / 601
    binomial = mean * (1 - mean) / n
    between = (np.mean((shares - mean) ** 2) - binomial) / (mean * (1 - mean) - binomial)
    spread = 1 / between - 1
    counts = betabinom(2000, mean * spread, (1 - mean) * spread)
    low, high = counts.ppf(0.25), counts.ppf(0.75)
    assert (found.low, found.high) == pytest.approx(((low - 0.5) / 2000, (high + 0.5) / 2000), abs=1e-9)


def test_missing_replicates_and_empty_ones_count_for_nothing():
    with_gaps = prediction_interval([0.25, np.nan, 0.25, 0.24, 0.26], n=[100, 100, 100, 100, 100], published_n=20,
                                    is_count=True, level=0.5)  # fmt: skip
    without = prediction_interval([0.25, 0.25, 0.24, 0.26], n=100, published_n=20, is_count=True, level=0.5)
    assert (with_gaps.low, with_gaps.high, with_gaps.n_missing) == (without.low, without.high, 1)
    with_empty = prediction_interval([0.25, 0.0, 0.25, 0.24, 0.26], n=[100, 0, 100, 100, 100], published_n=20,
                                     is_count=True, level=0.5)  # fmt: skip
    assert (with_empty.low, with_empty.high) == (without.low, without.high)


def test_trials_of_one_patient_count_each():
    # two events of four patients, and half an event on either side; no two patients of one trial to compare
    found = prediction_interval([1.0, 0.0, 0.0, 1.0], n=[1, 1, 1, 1], published_n=20, is_count=True, level=0.5)
    low, high = binom.ppf(0.25, 20, 0.5), binom.ppf(0.75, 20, 0.5)
    assert (found.low, found.high) == pytest.approx(((low - 0.5) / 20, (high + 0.5) / 20))


def test_a_count_ends_at_nobody_and_everybody():
    never = prediction_interval(np.zeros(60), n=100, published_n=20, is_count=True)
    assert (never.low, never.high) == (0.0, 0.5 / 20)
    always = prediction_interval(np.ones(60), n=100, published_n=20, is_count=True)
    assert (always.low, always.high) == (19.5 / 20, 1.0)


def test_counts_of_the_same_size_are_not_worked_out_anew():
    found = prediction_interval(VALUES, n=100, published_n=100, is_count=True)
    assert (found.low, found.high, found.rescaled) == (0.2, 0.7, False)
