"""Hazard ratios, differences of shares, and the log-rank test at their edges."""

import numpy as np
import pytest
from scipy.optimize import minimize

from engager.analysis import cox_hazard_ratio, exact_interval, log_rank, risk_difference
from engager.core import InputError


def test_hazard_ratio_recovers_what_was_put_in():
    draw = np.random.default_rng(11)
    group = np.arange(300) < 200
    time = draw.exponential(np.where(group, 1 / 0.5, 1.0), (400, 300))
    found = cox_hazard_ratio(time, time < 3.0, group)
    spread = np.std(found.log_hazard_ratio)
    # 4 standard errors of the mean of 400 trials
    assert np.mean(found.log_hazard_ratio) == pytest.approx(np.log(0.5), abs=4 * spread / 20)
    # the standard error tells the scatter; 4 standard errors of a standard deviation
    assert np.mean(found.standard_error) == pytest.approx(spread, rel=4 / np.sqrt(800))
    covered = (found.low < 0.5) & (found.high > 0.5)
    assert covered.mean() == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 400))


def test_log_rank_rejects_equal_arms_as_often_as_it_says():
    draw = np.random.default_rng(12)
    time = draw.exponential(1.0, (2000, 120))
    p = log_rank(time, time < 1.5, np.arange(120) < 80).p_value
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000))


def test_separated_arms_have_no_finite_hazard_ratio():
    time = [[1.0, 2.0, 3.0, 4.0]]
    group = [[True, True, False, False]]
    assert cox_hazard_ratio(time, [[True, True, True, True]], group).value[0] == np.inf
    swapped = cox_hazard_ratio(time, [[True, True, True, True]], np.logical_not(group))
    assert swapped.value[0] == 0.0
    assert np.isnan(swapped.low[0])


def test_two_patients_are_compared_by_who_dies_first():
    both = [True, True]
    assert cox_hazard_ratio([1.0, 2.0], both, [True, False]).value == np.inf
    assert cox_hazard_ratio([2.0, 1.0], both, [True, False]).value == 0.0
    # one of two at risk dies: observed less expected 1/2, variance 1/4
    found = log_rank([1.0, 2.0], both, [True, False])
    assert (found.expected, found.variance, found.chi_square) == (0.5, 0.25, 1.0)


def test_hazard_ratios_of_small_and_lopsided_trials_are_where_the_likelihood_peaks():
    draw = np.random.default_rng(8)
    for n_marked, n_other in ((2, 2), (3, 40), (40, 3), (5, 5)):
        group = np.arange(n_marked + n_other) < n_marked
        for _ in range(6):
            time = draw.permutation(group.size).astype(float)

            def loss(beta, time=time, group=group):
                weight = np.exp(beta * group)
                return -sum(beta * group[k] - np.log(weight[time >= time[k]].sum()) for k in range(group.size))

            found = cox_hazard_ratio(time, np.ones(group.size), group)
            if not np.isfinite(found.log_hazard_ratio):
                continue
            peak, h = float(found.log_hazard_ratio), 1e-3
            assert loss(peak) <= min(loss(peak - h), loss(peak + h))
            curvature = (loss(peak + h) - 2 * loss(peak) + loss(peak - h)) / h**2
            assert found.standard_error == pytest.approx(curvature**-0.5, rel=1e-4)


def test_nothing_to_compare_is_unknown():
    time, nobody = np.ones((1, 4)), np.zeros((1, 4), dtype=bool)
    group = np.array([[True, True, False, False]])
    assert np.isnan(cox_hazard_ratio(time, nobody, group).value[0])
    assert np.isnan(cox_hazard_ratio(time, ~nobody, ~nobody).value[0])
    assert np.isnan(log_rank(time, nobody, group).p_value[0])


def test_exact_interval_of_nothing_and_everything():
    found = exact_interval([0, 10, 0], [10, 10, 0])
    assert found.low[0] == 0
    assert found.high[1] == 1
    # (alpha/2)^(1/n): closed form at the border
    assert found.low[1] == pytest.approx(0.025**0.1)
    assert np.isnan(found.value[2])


def test_counts_that_cannot_be_are_refused():
    for events, n in ((11, 10), (-1, 10), (np.nan, 3)):
        with pytest.raises(InputError, match="events <= n"):
            exact_interval(events, n)


def test_newcombe_matches_his_published_example():
    # Newcombe 1998, table II, 56/70 and 48/80, method 10: 0.0524 to 0.3339
    found = risk_difference(56, 70, 48, 80, method="newcombe")
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def _score_by_search(x1, n1, x0, n0, delta):
    """Miettinen-Nurminen's statistic with the constrained shares found by direct maximization."""

    def loss(share):
        p0, p1 = share[0], share[0] + delta
        if not (0 < p0 < 1 and 0 < p1 < 1):
            return 1e9
        return -(x1 * np.log(p1) + (n1 - x1) * np.log(1 - p1) + x0 * np.log(p0) + (n0 - x0) * np.log(1 - p0))

    grid = np.linspace(max(0, -delta) + 1e-6, min(1, 1 - delta) - 1e-6, 400)
    start = grid[np.argmin([loss([g]) for g in grid])]
    p0 = minimize(loss, [start], method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-13}).x[0]
    p1 = p0 + delta
    n = n1 + n0
    return (x1 / n1 - x0 / n0 - delta) / np.sqrt((p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * n / (n - 1))


@pytest.mark.parametrize(("x1", "n1", "x0", "n0"), [(56, 70, 48, 80), (91, 271, 21, 134), (3, 40, 9, 21)])
def test_score_limits_are_where_the_score_statistic_reaches_its_quantile(x1, n1, x0, n0):
    found = risk_difference(x1, n1, x0, n0)
    assert _score_by_search(x1, n1, x0, n0, float(found.low)) == pytest.approx(1.959964, abs=1e-4)
    assert _score_by_search(x1, n1, x0, n0, float(found.high)) == pytest.approx(-1.959964, abs=1e-4)


def test_difference_at_the_borders_stays_within_bounds():
    found = risk_difference([0, 10, 0], [10, 10, 0], [0, 0, 5], [10, 10, 10])
    assert found.low[0] == pytest.approx(-found.high[0])
    assert found.high[1] == pytest.approx(1.0)
    assert np.isnan(found.value[2])
    with pytest.raises(InputError, match="method"):
        risk_difference(1, 2, 1, 2, method="wald")
