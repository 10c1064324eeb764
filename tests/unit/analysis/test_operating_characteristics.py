"""Stopping rules on statistics whose distribution is known: the numbers theory gives, within Monte Carlo error."""

from __future__ import annotations

import numpy as np
import pytest

from engager.analysis import LooksAtTrials, characteristics, decide, efficacy_bounds
from engager.analysis.group_sequential import crossing
from engager.analysis.operating_characteristics import Probability

LOOKS = np.array([0.5, 0.75, 1.0])


def trials(drift=0.0, n=40_000, seed=2):
    steps = np.sqrt(np.diff(LOOKS, prepend=0)) * np.random.default_rng(seed).standard_normal((n, 3))
    z = (np.cumsum(steps, axis=1) + drift * LOOKS) / np.sqrt(LOOKS)
    ones = np.ones_like(z)
    return LooksAtTrials(
        statistic=z,
        takes_place=ones.astype(bool),
        estimate=z / np.sqrt(LOOKS),
        patients=ones * [200, 300, 300],
        events=ones * [100, 150, 200],
        months=ones * [10, 14, 20],
        is_log=False,
        is_short=np.zeros(n, dtype=bool),
    )


@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_stopping_probabilities_are_those_of_the_integral(drift):
    upper, lower = efficacy_bounds(LOOKS, 0.025), np.array([0.0, 0.5, -np.inf])
    seen = trials(drift)
    found = characteristics(seen, decide(seen, upper, lower), drift)
    expected = crossing(LOOKS, upper, lower, drift)
    for k in range(3):
        one = found.stops_with_success[k]
        assert one.value == pytest.approx(expected.upper[k], abs=4 * max(one.standard_error, 1e-4))
    for k in range(2):
        one = found.stops_for_futility[k]
        assert one.value == pytest.approx(expected.lower[k], abs=4 * max(one.standard_error, 1e-4))
    every = [*found.stops_with_success, *found.stops_for_futility]
    assert sum(one.value for one in every) == pytest.approx(1.0)


def test_type_1_error_is_alpha_without_futility():
    seen = trials()
    found = characteristics(seen, decide(seen, efficacy_bounds(LOOKS, 0.025), np.full(3, -np.inf)), 0.0)
    assert found.success.value == pytest.approx(0.025, abs=4 * found.success.standard_error)
    assert found.success.low < 0.025 < found.success.high


def test_stopping_early_for_success_flatters_the_estimate():
    upper = efficacy_bounds(LOOKS, 0.025, "pocock")
    seen = trials(2.8)
    early = characteristics(seen, decide(seen, upper, np.full(3, -np.inf)), 2.8)
    never = characteristics(seen, decide(seen, np.full(3, np.inf), np.full(3, -np.inf)), 2.8)
    assert early.bias > 0.1
    assert never.bias == pytest.approx(0.0, abs=4 / np.sqrt(40_000))


@pytest.mark.parametrize(("end", "n"), [(0.0, 120), (np.inf, 120), (0.0, 4)])
def test_ratios_of_trials_without_events_in_one_arm_count_in_the_middle_estimate(end, n):
    seen = trials(n=200)
    ratios = np.repeat(np.linspace(0.4, 0.6, 200)[:, None], 3, axis=1)
    ratios[:n] = end
    fixed = LooksAtTrials(**{**vars(seen), "estimate": ratios, "is_log": True})
    found = characteristics(fixed, decide(fixed, np.full(3, np.inf), np.full(3, -np.inf)), 0.5)
    ordered = np.sort(ratios[:, 2])
    assert (found.estimate_low, found.estimate_median) == pytest.approx((ordered[4], ordered[99]), rel=1e-12)
    # their mean has no size; without the few of the last row it has about that of the rest
    assert np.isnan(found.bias) if n == 120 else found.bias == pytest.approx(0.0, abs=0.02)


def test_sizes_are_those_at_the_look_where_the_trial_ended():
    seen = trials(n=4)
    fixed = LooksAtTrials(**{**vars(seen), "statistic": np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9], [0, 0, 0.0]])})
    decided = decide(fixed, np.array([3.0, 3, 3]), np.full(3, -np.inf))
    found = characteristics(fixed, decided, 1.0)
    assert decided.look.tolist() == [0, 1, 2, 2]
    assert decided.success.tolist() == [True, True, True, False]
    assert found.expected_months == pytest.approx((10 + 14 + 20 + 20) / 4)
    assert found.expected_events == pytest.approx((100 + 150 + 200 + 200) / 4)


def test_a_look_that_is_not_made_or_not_known_decides_nothing():
    seen = trials(n=2)
    statistic = np.array([[9.0, 0, 0], [np.nan, 0, np.nan]])
    takes_place = np.array([[False, True, True], [True, True, True]])
    fixed = LooksAtTrials(**{**vars(seen), "statistic": statistic, "takes_place": takes_place})
    decided = decide(fixed, np.array([3.0, 3, 3]), np.full(3, -np.inf))
    assert decided.look.tolist() == [2, 2]
    assert decided.success.tolist() == [False, False]


def test_a_probability_tells_its_error():
    one = Probability.of(np.array([True] * 30 + [False] * 70))
    assert one.standard_error == pytest.approx(np.sqrt(0.3 * 0.7 / 100))
    # R: binom.test(30, 100)$conf.int
    assert (one.low, one.high) == pytest.approx((0.2124064, 0.3998147), abs=1e-6)
