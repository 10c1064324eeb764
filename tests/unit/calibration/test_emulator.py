"""Emulated figures against functions that are known."""

import numpy as np
import pytest

from engager.calibration.population.emulator import fit_emulator

N_UNKNOWNS = 40


def figures(x):
    """Two figures: one bends in the first two unknowns, the other is a straight line."""
    bent = 0.5 + 1.2 * x[:, 0] - 0.7 * x[:, 1] + 0.4 * x[:, 0] ** 2 - 0.6 * x[:, 0] * x[:, 1] + 0.3 * x[:, 2]
    return np.stack([bent, 2.0 - 0.8 * x[:, 3]], axis=1)


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1500, N_UNKNOWNS))
    noise = 0.5 * rng.normal(size=(1500, 2))
    concerns = np.ones((N_UNKNOWNS, 2), dtype=bool)
    return x, figures(x) + noise, concerns


@pytest.fixture(scope="module")
def emulator(problem):
    x, y, concerns = problem
    return fit_emulator(x, y, concerns, x)


def test_noise_is_averaged_over_all_trials(emulator):
    fresh = np.random.default_rng(2).normal(size=(4000, N_UNKNOWNS))
    away = emulator.expected(fresh) - figures(fresh)
    # of one trial the error is 0.5; least squares with all 118 terms would leave 0.5 sqrt(118/1500) = 0.14
    assert np.all(np.sqrt(np.mean(away**2, axis=0)) < 0.11)
    assert np.sqrt(emulator.noise) == pytest.approx([0.5, 0.5], rel=0.05)


def test_doubt_is_about_the_error_that_there_is(problem):
    """Over fits to new noise; each takes its widths as known, and so tells somewhat too little."""
    x, _, concerns = problem
    told, found = [], []
    for seed in range(6):
        y = figures(x) + 0.5 * np.random.default_rng(seed).normal(size=(1500, 2))
        one = fit_emulator(x[:300], y[:300], concerns, x[300:])
        told.append(one.doubt)
        found.append(np.mean((one.expected(x[300:]) - figures(x[300:])) ** 2, axis=0))
    ratio = np.mean(told, axis=0) / np.mean(found, axis=0)
    assert np.all((ratio > 0.3) & (ratio < 1.2))


def test_what_a_figure_cannot_depend_on_has_no_slope(problem):
    x, y, concerns = problem
    concerns = concerns.copy()
    concerns[3, 1] = False
    one = fit_emulator(x, y, concerns, x)
    assert one.slopes[1, 3] == 0.0
    assert np.all(one.directions[one.first_bend[1] :, 3] == 0.0)


def test_an_unknown_that_shows_nothing_is_left_out(emulator):
    assert np.abs(emulator.slopes[:, 4:]).max() < 0.05


def test_trials_without_the_figure_are_left_out(problem):
    x, y, concerns = problem
    some = y.copy()
    some[::3, 0] = np.nan
    kept = np.arange(1500) % 3 != 0
    whole, part = fit_emulator(x, some, concerns, x), fit_emulator(x[kept], y[kept], concerns, x)
    np.testing.assert_allclose(whole.expected(x[:5])[:, 0], part.expected(x[:5])[:, 0])
    nobody = fit_emulator(x, np.full((1500, 1), np.nan), concerns[:, :1], x)
    # infinite doubt: no information
    assert np.isinf(nobody.doubt[0])
    assert np.isfinite(nobody.expected(x)).all()


def test_slopes_are_those_of_the_figures(emulator):
    at, step = np.random.default_rng(3).normal(size=N_UNKNOWNS), 1e-5
    ends = (
        np.stack([at + step * row for row in np.eye(N_UNKNOWNS)]),
        np.stack([at - step * row for row in np.eye(N_UNKNOWNS)]),
    )
    by_hand = (emulator.expected(ends[0]) - emulator.expected(ends[1])) / (2 * step)
    np.testing.assert_allclose(emulator.jacobian(at), by_hand.T, atol=1e-6)
    weight = np.array([[0.3, -2.0]])
    _, pull = emulator.expected_and_pull(at[None, :])
    np.testing.assert_allclose(emulator.pulled_back(weight, pull), weight @ by_hand.T, atol=1e-6)


def test_in_other_units_of_the_figure_it_is_the_same(problem):
    x, y, concerns = problem
    one, small = fit_emulator(x[:300], y[:300], concerns, x), fit_emulator(x[:300], 1e-3 * y[:300], concerns, x)
    np.testing.assert_allclose(small.expected(x[:5]), 1e-3 * one.expected(x[:5]), rtol=1e-6)
    np.testing.assert_allclose(small.noise, 1e-6 * one.noise, rtol=1e-6)


def test_a_figure_that_nothing_moves_is_its_mean_with_all_its_scatter():
    """The unknown and the figure are orthogonal, so there is no slope to be seen."""
    x = np.array([[1.0], [1.0], [-1.0], [-1.0]] * 5)
    y = 3.0 + np.array([[0.5], [-0.5], [0.5], [-0.5]] * 5)
    one = fit_emulator(x, y, np.ones((1, 1), dtype=bool), x)
    assert one.expected(np.array([[-4.0], [4.0]])) == pytest.approx(3.0)
    assert one.noise == pytest.approx(0.25)
    assert one.doubt == pytest.approx(0.25 / 20)


def test_unknowns_that_never_varied_tell_nothing():
    x, y = np.full((20, 2), 0.7), np.random.default_rng(1).normal(size=(20, 1))
    one = fit_emulator(x, y, np.ones((2, 1), dtype=bool), x)
    assert np.isinf(one.doubt[0])
    assert one.expected(x[:1]) == pytest.approx(y.mean())
