"""Contraction and correlation of draws whose answers are known; reasons for what is held."""

import numpy as np
import pytest

from engager.calibration import Posterior, assess_identifiability
from engager.calibration.population.unknowns import unknowns_of
from engager.calibration.sensitivity.identifiability import prior_of, unbounded
from engager.model import load_model

N = 4000
NAMES = ("k_kill", "h_crs", "ET50", "sensitivity~salvage_line")


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


@pytest.fixture(scope="module")
def unknowns(model):
    by_name = {one.name: one for one in unknowns_of(model)}
    return [by_name[name] for name in NAMES]


@pytest.fixture(scope="module")
def told(model, unknowns):
    """A Gaussian posterior: one sharp, one as wide as the prior, two that trade with each other."""
    mean, sd = prior_of(unknowns)
    z = np.random.default_rng(1).normal(size=(N, 4))
    z[:, 3] = 0.95 * z[:, 2] + np.sqrt(1 - 0.95**2) * z[:, 3]
    z = mean + sd * (z * [0.2, 1.0, 0.5, 0.5] + [1.0, 0.0, 0.0, 0.0])
    draws = np.column_stack([one.value(z[:, k]) for k, one in enumerate(unknowns)])
    return assess_identifiability(Posterior(model.id, model.hash, (*NAMES, "gone"), np.c_[draws, draws[:, 0]]), model)


def test_contraction_is_the_ratio_of_spreads(told):
    found = {one.name: one for one in told.unknowns}
    for name, ratio in zip(NAMES, (0.2, 1.0, 0.5, 0.5), strict=True):
        assert found[name].low < ratio < found[name].high
    assert found["k_kill"].shift == pytest.approx(1.0, abs=0.02)
    assert [one.name for one in told.hardly_informed()] == ["h_crs"]


def test_pairs_that_trade_are_found_and_only_they(told):
    (pair,) = told.strong_pairs()
    assert {pair.a, pair.b} == {"ET50", "sensitivity~salvage_line"}
    assert pair.low < 0.95 < pair.high
    assert told.correlations == pytest.approx(told.correlations.T)


def test_unknowns_that_the_table_lost_are_named(told):
    assert told.missing == ("gone",)


def test_the_unbounded_scale_is_the_inverse_of_the_bounded_one(unknowns):
    z = np.linspace(-4, 4, 9)
    values = np.column_stack([one.value(z) for one in unknowns])
    np.testing.assert_allclose(unbounded(unknowns, values), np.column_stack([z] * 4), atol=1e-9)


def test_an_unknown_whose_limits_reach_the_prior_s_spread_may_be_uninformed(told):
    assert [one.name for one in told.uninformed()] == [one.name for one in told.unknowns if one.high >= 1.0]
    assert all(one.low <= one.contraction <= one.high for one in told.unknowns)
    assert {one.name for one in told.uninformed()} < {one.name for one in told.unknowns}


def test_everything_held_has_a_reason_and_is_not_fitted(told, model):
    assert {"time courses", "table"} == {one.by for one in told.held}
    assert all(one.reason for one in told.held)
    fitted = {one.name for one in unknowns_of(model)}
    assert not {one.name for one in told.held if one.by == "table"} & fitted
