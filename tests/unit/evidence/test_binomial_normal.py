"""Where the binomial-normal model has an answer, and where it must say that it has none."""

from __future__ import annotations

import numpy as np
import pytest

from engager.evidence.synthesis.binomial_normal import fit_binomial_normal, log_likelihood, log_likelihood_slope


@pytest.mark.parametrize(
    ("events", "n", "reason"),
    [
        ([0, 0, 0], [10, 20, 30], "no study had an event"),
        ([10, 20], [10, 20], "every patient"),
        ([0, 10, 0, 10], [10, 10, 10, 10], "no finite estimate"),
        ([5], [10], "1 study is too few to be pooled; it takes at least 2"),
        ([5, 11], [10, 10], "events must lie in 0 to n"),
        ([np.nan, 1], [10, 10], "events must lie in 0 to n"),
        ([5, 1], [np.nan, 10], "events must lie in 0 to n"),
        ([5, 1], [np.inf, 10], "events must lie in 0 to n"),
    ],
)
def test_models_without_a_maximum_say_why(events, n, reason):
    with pytest.raises(ValueError, match=reason):
        fit_binomial_normal(np.array(events, dtype=float), np.array(n, dtype=float))


def test_covariate_that_is_the_same_everywhere_is_refused():
    design = np.column_stack([np.ones(3), np.full(3, 2.0)])
    with pytest.raises(ValueError, match="not independent"):
        fit_binomial_normal(np.array([3, 5, 7.0]), np.full(3, 10.0), design)


def test_equal_studies_have_no_variance_between_them_and_the_pooled_share():
    fit = fit_binomial_normal(np.full(5, 12.0), np.full(5, 40.0))
    assert fit.tau2 == 0.0
    assert 1 / (1 + np.exp(-fit.coefficients[0])) == pytest.approx(0.3)
    # The variance of a logit of 60 events in 200 patients.
    assert fit.covariance[0, 0] == pytest.approx(1 / 60 + 1 / 140)


def test_known_mean_and_variance_are_recovered():
    random = np.random.default_rng(20260102)
    logit = -0.5 + 0.8 * random.standard_normal(400)
    n = np.full(400, 60.0)
    events = random.binomial(60, 1 / (1 + np.exp(-logit))).astype(float)
    fit = fit_binomial_normal(events, n)
    # Four standard errors.
    assert fit.coefficients[0] == pytest.approx(-0.5, abs=4 * fit.standard_errors[0])
    assert np.sqrt(fit.tau2) == pytest.approx(0.8, abs=4 * 0.8 / np.sqrt(2 * 400))


def test_covariate_effect_is_recovered():
    random = np.random.default_rng(20260103)
    x = np.linspace(-1, 1, 300)
    logit = 0.2 + 1.1 * x + 0.5 * random.standard_normal(300)
    events = random.binomial(50, 1 / (1 + np.exp(-logit))).astype(float)
    fit = fit_binomial_normal(events, np.full(300, 50.0), np.column_stack([np.ones(300), x]), ("mean", "x"))
    assert fit.coefficients[1] == pytest.approx(1.1, abs=4 * fit.standard_errors[1])


@pytest.mark.parametrize(
    ("events", "n", "mean", "se", "tau"),
    [
        ([0, 0, 0, 0, 7], [9, 31, 14, 25, 40], -5.9223, 3.539, 3.0252),
        ([0, 0, 3, 0, 0, 0, 0, 11], [5, 8, 12, 30, 22, 10, 6, 15], -5.6933, 3.184, 4.2850),
        ([0, 0, 1, 2, 0, 5], [100, 400, 250, 80, 1000, 60], -6.2847, 1.485, 2.6923),
        ([0, 0, 0, 0, 0, 0, 0, 1], [12] * 8, -4.5539, 1.005, 0.0),
    ],
)
def test_mostly_empty_studies_are_pooled_as_dense_integration_does(events, n, mean, se, tau):
    # Means and tau maximize the likelihood integrated over z on 40,001 points from -12 to 12.
    fit = fit_binomial_normal(np.array(events, dtype=float), np.array(n, dtype=float))
    assert fit.coefficients[0] == pytest.approx(mean, abs=2e-3)
    assert np.sqrt(fit.tau2) == pytest.approx(tau, abs=2e-3)
    assert np.sqrt(fit.covariance[0, 0]) == pytest.approx(se, abs=2e-3)


@pytest.mark.parametrize("log_tau", [-20.0, -1.0, 0.5, 2.5])
def test_slope_is_that_of_the_log_likelihood(log_tau):
    k, m = np.array([0.0, 4, 9, 20]), np.array([12.0, 10, 9, 60])
    x = np.column_stack([np.ones(4), [0.0, 1, 1, 2]])
    theta, step = np.array([-0.4, 0.7, log_tau]), 1e-5 * np.eye(3)

    def height(theta):
        return log_likelihood(theta[:-1], np.exp(theta[-1]), k, m, x)

    differences = [(height(theta + one) - height(theta - one)) / 2e-5 for one in step]
    slope = log_likelihood_slope(theta[:-1], np.exp(log_tau), k, m, x)
    np.testing.assert_allclose(slope, differences, rtol=1e-6, atol=1e-7)
