"""Taking a study out of a posterior by weights: against posteriors that are known."""

import numpy as np
import pytest

from engager.calibration import likelihood_of_study, weighted_quantiles, without
from engager.calibration.population.reweighting import generalized_pareto, ridge_expectation


def test_without_a_study_the_posterior_is_that_of_the_others():
    # prior N(0, 1), study a says 0.5 and study b -0.5, both with variance 1: N(0, 1/3) by both, N(-0.25, 1/2) by b
    rng = np.random.default_rng(3)
    draws = rng.normal(0.0, np.sqrt(1 / 3), size=(4000, 1))
    idle = rng.normal(size=(4000, 20))
    simulated = draws + rng.normal(size=(4000, 1))
    found = without(likelihood_of_study(np.hstack([draws, idle]), simulated, np.array([0.5])))
    mean = found.weight @ draws[:, 0]
    assert mean == pytest.approx(-0.25, abs=0.04)
    assert found.weight @ (draws[:, 0] - mean) ** 2 == pytest.approx(0.5, rel=0.1)
    assert found.is_trusted
    assert found.effective < 4000


def test_a_study_that_carries_the_posterior_cannot_be_weighted_away():
    rng = np.random.default_rng(4)
    # one figure ten times as sure as the prior
    draws = rng.normal(1.0, 0.1, size=(300, 1))
    simulated = draws + 0.1 * rng.normal(size=(300, 1))
    found = without(likelihood_of_study(draws, simulated, np.array([1.4])))
    assert not found.is_trusted


def test_equal_likelihoods_leave_equal_weights():
    found = without(np.zeros(200))
    np.testing.assert_allclose(found.weight, 1 / 200)
    assert found.effective == pytest.approx(200)


def test_many_idle_unknowns_explain_nothing():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(200, 3))
    expected, away = ridge_expectation(rng.normal(size=(200, 100)), noise)
    assert expected.var(axis=0).max() < 0.1
    assert away.var() == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize("shape", [0.2, 0.8])
def test_the_shape_of_a_pareto_tail_is_found(shape):
    uniform = (np.arange(2000) + 0.5) / 2000
    found, scale = generalized_pareto(2.0 * np.expm1(-shape * np.log1p(-uniform)) / shape)
    assert found == pytest.approx(shape, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.1)


def test_weighted_quantiles_are_those_of_repeated_values():
    values, weight = np.array([1.0, 2.0, 3.0, np.inf, np.nan]), np.array([0.1, 0.4, 0.2, 0.2, 0.1])
    low, middle, high = weighted_quantiles(values, weight, np.array([0.025, 0.5, 0.975]))
    assert (low, middle, high) == (1.0, 2.0, np.inf)
