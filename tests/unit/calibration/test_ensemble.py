"""The ensemble smoother against a problem whose posterior is known."""

import numpy as np
import pytest

from engager.calibration.ensemble import assimilate, misfit
from engager.core import Stream


def linear_gaussian(n_members, portions, seed=4):
    """Two unknowns, three data, d = G m + noise; prior N(0, I)."""
    g = np.array([[1.0, 0.5], [0.0, 1.0], [1.0, -1.0]])
    observed, variance = np.array([1.0, -0.5, 2.0]), np.array([0.2, 0.5, 0.3])
    members = Stream(seed, "prior").normal(np.arange(n_members), 2)
    for portion in range(portions):
        members = assimilate(
            members, members @ g.T, observed, variance, float(portions), Stream(seed, "p", portion)
        )
    precision = np.eye(2) + g.T @ np.diag(1 / variance) @ g
    covariance = np.linalg.inv(precision)
    return members, covariance @ g.T @ (observed / variance), covariance


@pytest.mark.parametrize("portions", [1, 4])
def test_linear_gaussian_posterior_is_found(portions):
    n = 20_000
    members, mean, covariance = linear_gaussian(n, portions)
    standard_error = np.sqrt(np.diag(covariance) / n)
    # 6 standard errors: the ensemble's own covariance adds noise of the same order
    np.testing.assert_allclose(members.mean(axis=0), mean, atol=6 * standard_error.max())
    np.testing.assert_allclose(np.cov(members.T), covariance, atol=6 * covariance.max() / np.sqrt(n))


def test_a_datum_nobody_could_estimate_teaches_nothing():
    members = Stream(1, "prior").normal(np.arange(200), 2)
    simulated = np.stack([members[:, 0], np.full(200, np.nan)], axis=1)
    with_gap = assimilate(members, np.where(np.isnan(simulated), 0.0, simulated), np.array([1.0, 0.0]),
                          np.array([0.1, 1e12]), 1.0, Stream(2, "x"))  # fmt: skip
    assert abs(with_gap[:, 0].mean() - 1.0) < 0.2
    assert misfit(np.array([[1.0, np.nan]]), np.array([0.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(1.0)
