"""Spreads of a hierarchy against problems whose answer is known."""

import numpy as np
import pytest

from engager.calibration.population.ensemble import assimilate, portion_variance
from engager.calibration.population.ridge import ridge_slopes
from engager.calibration.population.spreads import LinearFigures, Spread, linear_figures, mapped, sampled_spreads
from engager.calibration.population.unknowns import half_normal
from engager.core import Stream

SCALE = 0.4
N_COMMON, N_STUDIES, N_FIGURES = 40, 18, 4


def one_spread(effects, error):
    """Each study's effect is printed once, with its error; nothing is common."""
    n = len(effects)
    figures = LinearFigures(np.concatenate([np.eye(n), np.zeros((n, 1))], axis=1), np.zeros(n))
    spreads = [Spread(n, tuple(range(n)), SCALE)]
    none = np.full(n + 1, np.nan)
    return sampled_spreads(figures, spreads, none, np.asarray(effects), np.full(n, error**2), Stream(1, "s"))[:, 0]


def density_by_hand(grid, effects, error):
    variance = grid**2 + error**2
    log_density = -0.5 * (grid / SCALE) ** 2 - 0.5 * len(effects) * np.log(variance)
    log_density -= 0.5 * np.sum(np.square(effects)) / variance
    density = np.exp(log_density - log_density.max())
    return density / density.sum()


@pytest.mark.parametrize("error", [0.05, 0.5])
def test_a_spread_has_the_density_that_is_worked_out_by_hand(error):
    effects = np.array([0.5, -0.3, 0.1, 0.45, -0.6, 0.2])
    grid = np.linspace(1e-4, 2.5, 20_000)
    density = density_by_hand(grid, effects, error)
    mean = float(density @ grid)
    drawn = one_spread(effects, error)
    # 1600 draws of a random walk are worth a few hundred
    assert drawn.mean() == pytest.approx(mean, rel=0.1)
    assert drawn.std() == pytest.approx(np.sqrt(density @ (grid - mean) ** 2), rel=0.15)


def test_no_data_leave_the_prior():
    drawn = one_spread(np.zeros(6), error=50.0)
    assert drawn.mean() == pytest.approx(SCALE * np.sqrt(2 / np.pi), rel=0.1)


def test_studies_that_agree_have_a_small_spread_and_others_a_large_one():
    rng = np.random.default_rng(2)
    same, apart = (one_spread(size * rng.normal(size=20), error=0.1) for size in (0.05, 0.9))
    assert np.quantile(same, 0.95) < 0.25
    assert np.quantile(apart, 0.05) > 0.5


def hierarchical(seed):
    """Figures of studies that differ in three things, each by its own spread: slopes, concerns, truth, figures."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(N_STUDIES), N_FIGURES)
    n_unknowns = N_COMMON + 3 * N_STUDIES
    concerns = np.ones((n_unknowns, study.size), dtype=bool)
    concerns[N_COMMON:] = np.repeat(np.arange(N_STUDIES), 3)[:, None] == study
    slopes = np.zeros(concerns.T.shape)
    for j, row in enumerate(slopes):
        row[rng.choice(N_COMMON, 8, replace=False)] = rng.normal(size=8)
        row[N_COMMON:][concerns[N_COMMON:, j]] = 1.5 * rng.normal(size=3) + np.array([1.5, 0.0, 0.0])
    spreads = SCALE * np.abs(rng.normal(size=3))
    effects = (rng.normal(size=(N_STUDIES, 3)) * spreads).ravel()
    truth = np.concatenate([rng.normal(size=N_COMMON), effects])
    return slopes, concerns, truth, spreads, slopes @ truth + 0.25 * rng.normal(size=study.size)


def fitted(seed, n_members=400, portions=3):
    """The smoother with its spreads moved between portions; and the spreads with the true slopes."""
    rng = np.random.default_rng(seed + 1000)
    slopes, concerns, truth, sizes, observed = hierarchical(seed)
    n_data, n_unknowns = slopes.shape
    variance = np.full(n_data, 0.25**2)
    own = [tuple(range(N_COMMON + k, n_unknowns, 3)) for k in range(3)]
    spreads = [Spread(n_unknowns + k, own[k], SCALE) for k in range(3)]
    concerns = np.concatenate([concerns, np.zeros((3, n_data), dtype=bool)])
    common = np.concatenate([np.zeros(N_COMMON), np.full(3 * N_STUDIES + 3, np.nan)])
    prior, members = half_normal("s", SCALE), rng.normal(size=(n_members, n_unknowns + 3))
    error = portion_variance(variance, variance, 1 / portions)
    for portion in range(portions):
        natural = members.copy()
        for one in spreads:
            natural[:, one.own] *= prior.value(members[:, one.place])[:, None]
        simulated = natural[:, :n_unknowns] @ slopes.T + 0.25 * rng.normal(size=(n_members, n_data))
        found = linear_figures(natural, simulated, concerns)
        drawn = sampled_spreads(found, spreads, common, observed, variance, Stream(seed, "s", portion))
        members = assimilate(members, simulated, observed, error, Stream(seed, "p", portion), concerns)
        for one, sample in zip(spreads, drawn.T, strict=True):
            members[:, one.place] = prior.unbounded(mapped(members[:, one.place], sample))
    exact = LinearFigures(np.concatenate([slopes, np.zeros((n_data, 3))], axis=1), np.zeros(n_data))
    known = sampled_spreads(exact, spreads, common, observed, variance, Stream(seed, "exact"))
    values = np.stack([prior.value(members[:, one.place]) for one in spreads], axis=1)
    return truth[:N_COMMON], members[:, :N_COMMON], sizes, values, known


def test_the_fit_finds_spreads_as_if_slopes_were_known_and_its_intervals_cover():
    inside, of_spreads = [], []
    for seed in range(3):
        truth, members, sizes, values, known = fitted(seed)
        np.testing.assert_allclose(np.median(values, axis=0), np.median(known, axis=0), atol=0.1)
        low, high = np.quantile(members, [0.025, 0.975], axis=0)
        inside.append((truth > low) & (truth < high))
        low, high = np.quantile(values, [0.025, 0.975], axis=0)
        of_spreads.append((sizes > low) & (sizes < high))
    assert 0.90 <= np.mean(inside) <= 0.98
    # 9 spreads: one outside is chance
    assert np.sum(of_spreads) >= 8


def test_moved_values_keep_their_order_and_take_the_sample_s_distribution():
    values = np.array([0.3, 0.1, 0.9, 0.2])
    moved = mapped(values, np.linspace(0.0, 1.0, 1001))
    assert np.argsort(moved).tolist() == np.argsort(values).tolist()
    np.testing.assert_allclose(np.sort(moved), [0.125, 0.375, 0.625, 0.875], atol=1e-9)
    np.testing.assert_allclose(mapped(moved, moved), moved, atol=0.13)


def test_ridge_slopes_are_per_unit_of_the_unknown():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3)) * np.array([1.0, 10.0, 0.1])
    y = np.stack([2.0 * x[:, 0] - 0.3 * x[:, 1], 5.0 * x[:, 2]], axis=1)
    np.testing.assert_allclose(ridge_slopes(x, y), [[2.0, -0.3, 0.0], [0.0, 0.0, 5.0]], atol=0.05)
