"""The ensemble smoother against problems whose posterior is known."""

import numpy as np
import pytest

from engager.calibration.population.ensemble import assimilate, misfit, portion_shares, portion_variance
from engager.core import Stream


def linear_gaussian(n_members, portions, seed=4):
    """Two unknowns, three data, d = G m + noise; prior N(0, I)."""
    g = np.array([[1.0, 0.5], [0.0, 1.0], [1.0, -1.0]])
    observed, variance = np.array([1.0, -0.5, 2.0]), np.array([0.2, 0.5, 0.3])
    members = Stream(seed, "prior").normal(np.arange(n_members), 2)
    for portion in range(portions):
        members = assimilate(members, members @ g.T, observed, portions * variance, Stream(seed, "p", portion))
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
                          np.array([0.1, 1e12]), Stream(2, "x"))  # fmt: skip
    assert abs(with_gap[:, 0].mean() - 1.0) < 0.2
    assert misfit(np.array([[1.0, np.nan]]), np.array([0.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(1.0)


@pytest.mark.parametrize("simulation_noise", [0.0, 1.0, 3.0])
def test_the_noise_of_small_trials_costs_no_information(simulation_noise):
    n, portions, variance = 20_000, 4, np.array([1.0])
    members = Stream(7, "prior").normal(np.arange(n), 1).reshape(n, 1)
    for portion in range(portions):
        noise = np.sqrt(simulation_noise) * Stream(8, "trial", portion).normal(np.arange(n), 1).reshape(n, 1)
        error = portion_variance(variance, simulation_noise, 1 / portions)
        members = assimilate(members, members + noise, np.array([2.0]), error, Stream(9, "p", portion))
    # prior N(0, 1) and one datum 2 of variance 1: N(1, 1/2), whatever the size of the trials
    assert members.mean() == pytest.approx(1.0, abs=0.03)
    assert members.var() == pytest.approx(0.5, abs=0.03)


def hierarchical_problem(rng, per_datum, n_common=70, n_studies=20, n_effects=5, n_figures=6):
    """Slopes of figures of many studies on common unknowns and on effects of their own study, as in the shipped fit.

    Returns slopes (datum, unknown), and which unknowns a datum may concern (unknown, datum).
    """
    study = np.repeat(np.arange(n_studies), n_figures)
    slopes = np.zeros((study.size, n_common + n_studies * n_effects))
    concerns = np.ones(slopes.T.shape, dtype=bool)
    concerns[n_common:] = np.repeat(np.arange(n_studies), n_effects)[:, None] == study
    for j, row in enumerate(slopes):
        row[rng.choice(n_common, per_datum, replace=False)] = rng.normal(size=per_datum) * np.exp(
            0.5 * rng.normal(size=per_datum)
        )
        row[n_common:][concerns[n_common:, j]] = 0.35 * rng.normal(size=n_effects)
    return slopes, concerns


def inverted(rng, per_datum, n_members, portions=4):
    """Truth, members after the data, and the exact posterior's mean and standard deviation."""
    slopes, concerns = hierarchical_problem(rng, per_datum)
    n_data, n_unknowns = slopes.shape
    truth = rng.normal(size=n_unknowns)
    observed = slopes @ truth + rng.normal(size=n_data)
    members = rng.normal(size=(n_members, n_unknowns))
    error = portion_variance(np.ones(n_data), 1.0, 1 / portions)
    for portion in range(portions):
        simulated = members @ slopes.T + rng.normal(size=(n_members, n_data))
        members = assimilate(members, simulated, observed, error, Stream(3, "portion", portion), concerns)
    covariance = np.linalg.inv(np.eye(n_unknowns) + slopes.T @ slopes)
    return truth, members, covariance @ slopes.T @ observed, np.sqrt(np.diag(covariance))


@pytest.mark.parametrize("per_datum", [6, 12])
def test_intervals_cover_what_they_say_at_the_density_of_the_fit(per_datum):
    """Some 170 unknowns, 100 of them effects of single studies, and 120 data, as in the shipped fit."""
    inside, widths = [], []
    for seed in range(12):
        truth, members, _, sd = inverted(np.random.default_rng(seed), per_datum, n_members=400)
        low, high = np.quantile(members, [0.025, 0.975], axis=0)
        inside.append((truth > low) & (truth < high))
        widths.append(members.std(axis=0) / sd)
    # 2040 unknowns: a standard error of half a percent
    assert 0.93 <= np.mean(inside) <= 0.97
    assert np.mean(widths) == pytest.approx(1.0, abs=0.12)


def test_means_are_near_the_known_posterior():
    _, members, mean, sd = inverted(np.random.default_rng(5), 6, n_members=400)
    assert np.sqrt(np.mean(((members.mean(axis=0) - mean) / sd) ** 2)) < 0.45


def test_an_unknown_that_no_figure_informs_keeps_its_width():
    rng = np.random.default_rng(2)
    slopes, concerns = hierarchical_problem(rng, 6)
    idle = rng.normal(size=(400, 30))
    members = np.concatenate([rng.normal(size=(400, slopes.shape[1])), idle], axis=1)
    concerns = np.concatenate([concerns, np.ones((30, concerns.shape[1]), dtype=bool)])
    simulated = members[:, : slopes.shape[1]] @ slopes.T
    moved = assimilate(members, simulated, np.zeros(120), np.ones(120), Stream(1, "p"), concerns)
    assert np.mean(moved[:, -30:].std(axis=0) / idle.std(axis=0)) > 0.9


def test_portions_grow_and_give_the_data_once():
    assert portion_shares(1).tolist() == [1.0]
    shares = portion_shares(7)
    assert shares.sum() == pytest.approx(1.0)
    assert (np.diff(shares) > 0).all()
    assert shares[-1] / shares[0] == pytest.approx(8.0)


def test_growing_portions_overshoot_less_where_figures_bend():
    # two figures, exponential in the unknowns; the posterior by weighting two million draws of the prior
    def figures(members):
        return np.stack([np.exp(1.2 * members[:, 0]), np.exp(-1.2 * members[:, 0]) + members[:, 1]], axis=1)

    observed, variance = np.array([5.0, 0.5]), np.array([0.3, 0.1])
    true_mean, true_sd = np.array([1.314, 0.265]), np.array([0.096, 0.303])
    error = {}
    for kind, shares in (("equal", np.full(4, 0.25)), ("growing", portion_shares(4))):
        members = Stream(1, "prior").normal(np.arange(4000), 2).reshape(4000, 2)
        for k, share in enumerate(shares):
            step = Stream(1, "portion", k)
            members = assimilate(members, figures(members), observed, variance / share, step)
        error[kind] = np.abs(members.mean(axis=0) - true_mean) + np.abs(members.std(axis=0) - true_sd)
    assert (error["growing"] < 0.85 * error["equal"]).all()
