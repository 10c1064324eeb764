"""The ensemble smoother against a problem whose posterior is known."""

import numpy as np
import pytest

from engager.calibration.population.ensemble import assimilate, misfit
from engager.core import Stream


def linear_gaussian(n_members, portions, seed=4):
    """Two unknowns, three data, d = G m + noise; prior N(0, I)."""
    g = np.array([[1.0, 0.5], [0.0, 1.0], [1.0, -1.0]])
    observed, variance = np.array([1.0, -0.5, 2.0]), np.array([0.2, 0.5, 0.3])
    members = Stream(seed, "prior").normal(np.arange(n_members), 2)
    for portion in range(portions):
        members = assimilate(members, members @ g.T, observed, variance, float(portions), Stream(seed, "p", portion))
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


def sparse_problem(rng, n_unknowns=60, n_data=60, n_members=120, portions=5):
    """Unknowns of which a fifth is informed by nothing; standardized errors of the ensemble's means, its widths."""
    g = np.zeros((n_data, n_unknowns))
    informed = n_unknowns * 4 // 5
    for row in g:
        row[rng.choice(informed, 5, replace=False)] = rng.normal(size=5)
    truth = rng.normal(size=n_unknowns)
    observed = g @ truth + 0.5 * rng.normal(size=n_data)
    members = rng.normal(size=(n_members, n_unknowns))
    for portion in range(portions):
        simulated = members @ g.T + 0.15 * rng.normal(size=(n_members, n_data))
        variance = np.full(n_data, 0.25)
        members = assimilate(members, simulated, observed, variance, float(portions), Stream(3, "portion", portion))
    spread = members.std(axis=0)
    return (members.mean(axis=0) - truth) / spread, spread[informed:]


def test_few_members_do_not_make_us_surer_than_we_are():
    rng = np.random.default_rng(5)
    errors, idle = zip(*(sparse_problem(rng) for _ in range(12)), strict=True)
    # if all of a correlation is believed these are 1.6 and 0.7
    assert np.sqrt(np.mean(np.square(errors))) < 1.4
    assert np.mean(idle) > 0.75
