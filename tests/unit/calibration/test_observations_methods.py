"""The methods behind the within-patient calibration find again what made the data."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration.courses.cytokines import _order_statistics
from engager.calibration.courses.information import covariance_at, marginal_around, maximize, profile_interval
from engager.calibration.courses.observations import Bin
from engager.calibration.courses.saem import Effect, Likelihood, fit_saem
from engager.core import Stream

# One normal parameter a patient, read four times: mixed effects have a closed form.
N, READS, MU, OMEGA, ERROR = 40, 4, 1.0, 0.5, 0.3


@pytest.fixture(scope="module")
def made():
    patients = np.arange(N)
    truth = MU + OMEGA * Stream(7, "made").of("phi").normal(patients)
    y = truth[:, None] + ERROR * Stream(7, "made").of("error").normal(patients, READS)

    def terms(phi, patient, sizes):
        miss = y[patient] - phi[:, :1]
        squares = (miss**2).sum(axis=1)
        log_likelihood = -0.5 * squares / sizes[0] ** 2 - READS * np.log(sizes[0])
        return log_likelihood, squares[:, None], np.full((phi.shape[0], 1), float(READS))

    likelihood = Likelihood(terms, N, (1.0,))
    fit = fit_saem([Effect("a", 0.0, 1.0)], likelihood, Stream(1, "fit"), n_burn=80, n_smooth=120, n_final=100)
    return y, likelihood, fit


def closed_form(y):
    """Maximum likelihood of a balanced one-way layout."""
    means = y.mean(axis=1)
    within = ((y - means[:, None]) ** 2).sum() / (N * (READS - 1))
    between = max(means.var() - within / READS, 0.0)
    return means.mean(), np.sqrt(between), np.sqrt(within)


def test_saem_finds_the_closed_form_maximum(made):
    y, _, fit = made
    mu, omega, error = closed_form(y)
    assert fit.mu[0] == pytest.approx(mu, abs=0.02)
    assert fit.omega[0] == pytest.approx(omega, rel=0.05)
    assert fit.errors[0] == pytest.approx(error, rel=0.05)


def test_standard_error_and_profile_are_those_of_a_mean(made):
    y, likelihood, fit = made
    marginal = marginal_around(fit, likelihood, Stream(2, "weights"), 1500)
    best = maximize(marginal)
    covariance = covariance_at(marginal, best)
    expected = np.sqrt(y.mean(axis=1).var() / N)
    assert best[0] == pytest.approx(y.mean(), abs=0.01)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(expected, rel=0.1)
    low, high = profile_interval(marginal, best, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * expected, rel=0.15)
    assert marginal.effective_draws(best) > 100


def test_gradient_of_the_marginal_likelihood_is_its_slope(made):
    _, likelihood, fit = made
    marginal = marginal_around(fit, likelihood, Stream(2, "weights"), 500)
    x = marginal.start + 0.1
    _, slope = marginal.cost(x)
    for j in range(x.size):
        step = np.eye(x.size)[j] * 1e-5
        assert slope[j] == pytest.approx((marginal.cost(x + step)[0] - marginal.cost(x - step)[0]) / 2e-5, rel=1e-4)


def test_saem_is_a_function_of_its_seed(made):
    _, likelihood, fit = made
    effects = [Effect("a", 0.0, 1.0)]
    again = fit_saem(effects, likelihood, Stream(1, "fit"), n_burn=80, n_smooth=120, n_final=100)
    assert again.mu == fit.mu
    assert np.array_equal(again.draws, fit.draws)


def test_order_statistics_favor_where_readings_lie():
    one = Bin(0, 1, n=11, median=100, lowest=20, highest=500)
    sizes = [_order_statistics(np.log([center]), 0.9, one, 10.0) for center in (20.0, 100.0, 500.0)]
    assert sizes[1] > max(sizes[0], sizes[2])


def test_readings_below_the_floor_do_not_count():
    """Cut off at the floor, a population half below it explains high readings as well as it should."""
    one = Bin(0, 1, n=5, median=15, lowest=11, highest=30)
    near = _order_statistics(np.log([10.0]), 0.7, one, 10.0)
    far = _order_statistics(np.log([60.0]), 0.7, one, 10.0)
    assert near > far + 5
