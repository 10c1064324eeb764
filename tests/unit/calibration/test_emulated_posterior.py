"""Draws under an emulator against posteriors that are known."""

import numpy as np
import pytest

from engager.calibration.population.emulated_posterior import EmulatedPosterior
from engager.calibration.population.emulator import Emulator, fit_emulator
from engager.calibration.population.natural_scale import NaturalScale, Spread
from engager.calibration.population.unknowns import half_normal, standard_normal
from engager.core import Stream

SPREAD = 0.4


def linear(slopes):
    """An emulator that knows straight lines."""
    n_data, n = slopes.shape
    straight = np.zeros((n_data, n)), np.zeros(n_data), np.arange(n_data)
    return Emulator(np.zeros(n_data), slopes, *straight, doubt=np.zeros(n_data), noise=np.ones(n_data))


def plain(n):
    """Unknowns that all have standard normal priors and no spread."""
    return NaturalScale([standard_normal(f"u{k}") for k in range(n)], [], np.zeros(n, dtype=bool), (-1.0, 1.0))


def test_linear_figures_give_the_normal_posterior_that_is_known():
    slopes = np.array([[1.0, 0.5], [0.0, 1.0], [3.0, -1.0]])
    observed, variance = np.array([1.0, -0.5, 2.0]), np.array([0.2, 0.5, 0.05])
    draws = EmulatedPosterior(linear(slopes), plain(2), observed, variance).draws(4000, Stream(1), trajectories=40)
    covariance = np.linalg.inv(np.eye(2) + slopes.T @ np.diag(1 / variance) @ slopes)
    mean = covariance @ slopes.T @ (observed / variance)
    error = np.sqrt(np.diag(covariance) / 4000)
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 4 * error)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.08 * covariance.max())


def test_a_figure_that_is_not_seen_says_nothing():
    posterior = EmulatedPosterior(linear(np.eye(2)), plain(2), np.array([3.0, 3.0]), np.array([0.1, 0.1]))
    draws = posterior.draws(2000, Stream(1), np.array([True, False]), trajectories=40)
    assert draws[:, 0].mean() == pytest.approx(3 / 1.1, abs=0.05)
    assert draws[:, 1].mean() == pytest.approx(0.0, abs=0.1)
    assert draws[:, 1].std() == pytest.approx(1.0, abs=0.07)


def test_the_emulator_s_doubt_counts_as_error():
    doubtful = linear(np.eye(1))
    object.__setattr__(doubtful, "doubt", np.array([0.9]))
    draws = EmulatedPosterior(doubtful, plain(1), np.array([2.0]), np.array([0.1])).draws(
        3000, Stream(1), trajectories=40
    )
    # prior N(0, 1) and a datum of variance 1
    assert draws.mean() == pytest.approx(1.0, abs=0.06)
    assert draws.var() == pytest.approx(0.5, abs=0.06)


def test_where_a_figure_bends_the_posterior_is_that_of_weighted_prior_draws():
    # x + x^2 is 1.5 with an error of 0.3: two places, one of them likelier
    bent = linear(np.array([[1.0]]))
    object.__setattr__(bent, "directions", np.array([[1.0]]))
    object.__setattr__(bent, "bends", np.array([1.0]))
    draws = EmulatedPosterior(bent, plain(1), np.array([1.5]), np.array([0.09])).draws(
        3000, Stream(2), trajectories=150
    )
    grid = np.linspace(-5, 5, 20_001)
    density = np.exp(-0.5 * grid**2 - 0.5 * (1.5 - grid - grid**2) ** 2 / 0.09)
    density /= density.sum()
    near = grid > -0.5
    mean = float(density[near] @ grid[near] / density[near].sum())
    # chains start about the likelier place; within it they are exact
    assert draws[draws > -0.5].mean() == pytest.approx(mean, abs=0.02)
    assert np.mean(draws > -0.5) > 0.5


def with_spread(n):
    """Each of n studies prints its effect; one spread is common to them."""
    unknowns = [half_normal("trial_effect:k", SPREAD), *(standard_normal(f"effect s{k} k") for k in range(n))]
    return NaturalScale(unknowns, [Spread(0, np.arange(1, n + 1))], np.zeros(n + 1, dtype=bool), (-1.0, 1.0))


def drawn_spread(effects, error):
    n = len(effects)
    scale = with_spread(n)
    slopes = np.concatenate([np.zeros((n, 1)), np.eye(n)], axis=1)
    posterior = EmulatedPosterior(linear(slopes), scale, np.asarray(effects), np.full(n, error**2))
    draws = posterior.draws(2000, Stream(3), trajectories=150)
    return scale.unknowns[0].value(draws[:, 0])


@pytest.mark.parametrize("error", [0.05, 0.5])
def test_a_spread_has_the_density_that_is_worked_out_by_hand(error):
    effects = np.array([0.5, -0.3, 0.1, 0.45, -0.6, 0.2])
    grid = np.linspace(1e-4, 2.5, 20_000)
    variance = grid**2 + error**2
    log_density = -0.5 * (grid / SPREAD) ** 2 - 3 * np.log(variance) - 0.5 * np.sum(effects**2) / variance
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = float(density @ grid)
    drawn = drawn_spread(effects, error)
    assert drawn.mean() == pytest.approx(mean, rel=0.06)
    assert drawn.std() == pytest.approx(np.sqrt(density @ (grid - mean) ** 2), rel=0.1)


def test_studies_that_agree_have_a_small_spread_and_others_a_large_one():
    rng = np.random.default_rng(2)
    same, apart = (drawn_spread(size * rng.normal(size=20), error=0.1) for size in (0.05, 0.9))
    assert np.quantile(same, 0.95) < 0.25
    assert np.quantile(apart, 0.05) > 0.45


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


def test_intervals_cover_what_they_say_at_the_density_of_the_fit():
    """Some 170 unknowns, 100 of them effects of single studies, and 120 data, as in the shipped fit.

    Simulated with noise as large as the data's error, emulated, drawn, and again.
    """
    inside, widths, away = [], [], []
    for seed, per_datum in enumerate((6, 12, 6, 12)):
        rng = np.random.default_rng(seed)
        slopes, concerns = hierarchical_problem(rng, per_datum)
        n_data, n = slopes.shape
        truth = rng.normal(size=n)
        observed = slopes @ truth + rng.normal(size=n_data)
        members, x, y = rng.normal(size=(400, n)), np.empty((0, n)), np.empty((0, n_data))
        for k in range(2):
            x = np.concatenate([x, members])
            y = np.concatenate([y, members @ slopes.T + rng.normal(size=(400, n_data))])
            emulator = fit_emulator(x, y, concerns, members)
            posterior = EmulatedPosterior(emulator, plain(n), observed, np.ones(n_data))
            members = posterior.draws(400, Stream(seed, "round", k), trajectories=30)
        covariance = np.linalg.inv(np.eye(n) + slopes.T @ slopes)
        mean, sd = covariance @ slopes.T @ observed, np.sqrt(np.diag(covariance))
        low, high = np.quantile(members, [0.025, 0.975], axis=0)
        inside.append((truth > low) & (truth < high))
        widths.append(members.std(axis=0) / sd)
        away.append(((members.mean(axis=0) - mean) / sd) ** 2)
    # 680 unknowns: a standard error of 0.8 percent
    assert 0.93 <= np.mean(inside) <= 0.97
    assert np.mean(widths) == pytest.approx(1.0, abs=0.05)
    assert np.sqrt(np.mean(away)) < 0.3
