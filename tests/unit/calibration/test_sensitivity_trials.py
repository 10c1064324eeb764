"""A trial as a function of unknowns: spreads from prior or posterior, and common chance that is common."""

import numpy as np
import pytest

from engager.calibration import Posterior, TrialFunction, one_arm
from engager.core import InputError
from engager.model import load_model
from engager.protocol import shipped_protocol


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


@pytest.fixture(scope="module")
def short():
    return one_arm(shipped_protocol("tower"), months=3.0)


@pytest.fixture(scope="module")
def posterior(model):
    rng = np.random.default_rng(1)
    draws = np.column_stack([np.exp(rng.normal(np.log(3.0), 0.3, 40)), np.exp(rng.normal(np.log(60.0), 0.4, 40))])
    return Posterior(model.id, model.hash, ("k_kill", "h_crs"), draws, fixed={"CL": 50.0})


def test_one_arm_keeps_the_arm_and_drops_what_needs_two(short):
    assert short.arm_ids == ("blinatumomab",)
    assert not short.targets
    assert short.follow_up.months == 3.0
    with pytest.raises(InputError, match="blinatumomab"):
        one_arm(shipped_protocol("tower"), "blinatumomb")


def test_ranges_are_those_of_the_posterior_or_of_the_prior(short, model, posterior):
    narrow = TrialFunction(short, model, patients=4, seed=1, posterior=posterior)
    wide = TrialFunction(short, model, patients=4, seed=1)
    assert narrow.names == ["k_kill", "h_crs"]
    assert len(wide.names) > 20
    # A normal on the unbounded scale, so only about the draws' own quantiles.
    assert narrow.value(0, 0.05) == pytest.approx(np.quantile(posterior.draws[:, 0], 0.05), rel=0.15)
    k = wide.names.index("k_kill")
    assert wide.value(k, 0.05) < narrow.value(0, 0.05) < narrow.value(0, 0.95) < wide.value(k, 0.95)
    assert narrow.settings(np.zeros(2)).typical["CL"] == 50.0


def test_the_design_covers_every_unknown_evenly(short, model, posterior):
    design = TrialFunction(short, model, patients=4, seed=1, posterior=posterior).design(64)
    assert design.shape == (64, 2)
    assert np.abs(design.mean(axis=0)).max() < 0.05
    assert np.abs(np.corrcoef(design, rowvar=False)[0, 1]) < 0.35


def test_common_chance_moves_only_what_the_unknown_moves(short, model, posterior):
    function = TrialFunction(short, model, patients=400, seed=1, posterior=posterior)
    shares = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.999]])
    first, again, more = function.with_common_chance(shares)
    np.testing.assert_array_equal(first, again)
    crs = function.outputs.index("CRS_grade3plus")
    assert more[crs] > first[crs]


def test_sets_of_their_own_chance_differ_by_chance(short, model, posterior):
    function = TrialFunction(short, model, patients=20, seed=1, posterior=posterior)
    seen = function.with_own_chance(np.zeros((4, 2)))
    assert seen.shape == (4, len(function.outputs))
    assert np.ptp(seen[:, function.outputs.index("CR/CRh/CRi")]) > 0
