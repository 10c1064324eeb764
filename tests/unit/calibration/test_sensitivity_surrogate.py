"""The polynomial stand-in: finds what made the data, states its error, and does not mistake noise for a driver."""

import numpy as np
import pytest

from engager.calibration import fit_surrogate, surrogate_indices
from engager.core import Stream

NAMES = [f"x{k}" for k in range(8)]
# y = 2 x0 + (x1^2 - 1)/sqrt(2) + x0 x2: variances 4, 1 and 1 of 6.
FIRST = {"x0": 4 / 6, "x1": 1 / 6, "x2": 0.0, "x5": 0.0}
TOTAL = {"x0": 5 / 6, "x1": 1 / 6, "x2": 1 / 6, "x5": 0.0}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("engager.calibration.sensitivity.surrogate._RESAMPLES", 40)


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(3).normal(size=(300, len(NAMES)))


@pytest.fixture(scope="module")
def smooth(points):
    return 2 * points[:, 0] + (points[:, 1] ** 2 - 1) / np.sqrt(2) + points[:, 0] * points[:, 2]


def indices(points, values, chance=0.0):
    fitted = fit_surrogate(points, values, "y")
    found = surrogate_indices(fitted, points, values, NAMES, Stream(1, "test"), chance)
    return fitted, {one.factor: one for one in found}


@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_indices_of_a_quadratic_function_are_its_variances(points, smooth, noise):
    values = smooth + noise * np.random.default_rng(4).normal(size=smooth.size)
    fitted, found = indices(points, values, noise**2)
    # Without noise what is left is the sampling of 300 sets, about 1/sqrt(300) of each variance.
    tolerance = 0.08 if noise == 0 else 0.15
    for name, share in FIRST.items():
        assert found[name].first == pytest.approx(share, abs=tolerance), name
    for name, share in TOTAL.items():
        assert found[name].total == pytest.approx(share, abs=tolerance), name
    assert fitted.q2 == pytest.approx(6 / (6 + noise**2), abs=0.08)


def test_limits_hold_the_truth(points, smooth):
    _, found = indices(points, smooth + np.random.default_rng(5).normal(size=smooth.size), 1.0)
    assert found["x0"].total_low < TOTAL["x0"] < found["x0"].total_high


def test_pure_noise_predicts_nothing(points):
    fitted, found = indices(points, np.random.default_rng(6).normal(size=len(points)), 1.0)
    assert fitted.q2 < 0.05
    assert len(fitted.terms) <= 3
    assert all(one.total <= 1.0 for one in found.values())


def test_sets_that_could_not_be_estimated_are_left_out(points, smooth):
    values = smooth.copy()
    values[:20] = np.nan
    fitted, found = indices(points, values)
    assert fitted.n_sets == 280
    assert found["x0"].first == pytest.approx(FIRST["x0"], abs=0.1)


def test_a_constant_output_has_no_terms(points):
    fitted, found = indices(points, np.full(len(points), 3.0))
    assert fitted.terms == ()
    assert all(one.total == 0.0 for one in found.values())
