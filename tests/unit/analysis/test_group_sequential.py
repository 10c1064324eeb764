"""Group-sequential bounds against published ones, and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from engager.analysis import efficacy_bounds
from engager.analysis.group_sequential import alpha_spent, crossing
from engager.core import InputError

THIRDS = (1 / 3, 2 / 3, 1.0)


def test_obrien_fleming_type_bounds_are_the_published_ones():
    # rpact: getDesignGroupSequential(kMax = 3, alpha = 0.025, typeOfDesign = "asOF")$criticalValues
    assert efficacy_bounds(THIRDS, 0.025) == pytest.approx([3.7103, 2.5114, 1.9930], abs=5e-5)


def test_one_look_spends_all_alpha():
    # R: qnorm(0.025, lower.tail = FALSE)
    assert efficacy_bounds([1.0], 0.025) == pytest.approx([1.959963985], abs=1e-8)


@pytest.mark.parametrize(
    "bounds",
    [
        # Constant bounds of Pocock, three looks: rpact typeOfDesign = "P", 2.289.
        [2.2895, 2.2895, 2.2895],
        # O'Brien and Fleming's own, three looks: rpact typeOfDesign = "OF", 3.471, 2.454, 2.004.
        [3.4711, 2.4544, 2.0040],
    ],
)
def test_classical_bounds_keep_alpha(bounds):
    assert crossing(THIRDS, bounds).upper.sum() == pytest.approx(0.025, abs=1e-5)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_bounds_spend_what_they_should_at_every_look(spending):
    looks = (0.3, 0.55, 0.9, 1.0)
    bounds = efficacy_bounds(looks, 0.05, spending)
    spent = np.cumsum(crossing(looks, bounds).upper)
    assert spent == pytest.approx(alpha_spent(looks, 0.05, spending), abs=1e-9)
    assert spent[-1] == pytest.approx(0.05)


def test_crossing_agrees_with_brute_force():
    looks, upper, lower, drift = np.array([0.4, 0.7, 1.0]), [2.8, 2.3, 2.0], [0.0, 0.6, -np.inf], 2.2
    generator = np.random.default_rng(7)
    steps = np.sqrt(np.diff(looks, prepend=0)) * generator.standard_normal((400_000, 3))
    z = (np.cumsum(steps, axis=1) + drift * looks) / np.sqrt(looks)
    going = np.ones(len(z), dtype=bool)
    up, down = [], []
    for k in range(3):
        up.append((going & (z[:, k] > upper[k])).mean())
        down.append((going & (z[:, k] < lower[k])).mean())
        going &= (z[:, k] <= upper[k]) & (z[:, k] >= lower[k])
    found = crossing(looks, upper, lower, drift)
    # Four standard errors of a share among 400 000.
    assert found.upper == pytest.approx(up, abs=4 * 0.5 / np.sqrt(400_000))
    assert found.lower == pytest.approx(down, abs=4 * 0.5 / np.sqrt(400_000))


def test_power_of_one_look_is_the_normal_formula():
    # R: pnorm(qnorm(0.975) + qnorm(0.9) - qnorm(0.975)) is 0.9
    assert crossing([1.0], [1.959964], drift=1.959964 + 1.281552).upper[0] == pytest.approx(0.9, abs=1e-6)


def test_two_near_looks_are_integrated_as_well_as_far_ones():
    bounds = efficacy_bounds([0.5, 0.99, 1.0], 0.025)
    assert np.all(np.isfinite(bounds))
    assert crossing([0.5, 0.99, 1.0], bounds).upper.sum() == pytest.approx(0.025, abs=1e-8)


@pytest.mark.parametrize("looks", [[0.5, 0.5, 1.0], [0.0, 1.0], [0.5, 1.2], [0.8, 0.5]])
def test_fractions_that_do_not_rise_are_refused(looks):
    with pytest.raises(InputError, match="must rise"):
        alpha_spent(looks, 0.025)


def test_bounds_need_a_final_look():
    with pytest.raises(InputError, match="must end with 1"):
        efficacy_bounds([0.5, 0.8], 0.025)
