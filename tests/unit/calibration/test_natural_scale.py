"""What figures feel of spreads and numbers, and the chain rule back."""

import numpy as np
import pytest

from engager.calibration.population.natural_scale import NaturalScale, Spread
from engager.calibration.population.unknowns import Unknown, half_normal, standard_normal
from engager.core import Stream

UNKNOWNS = (
    Unknown("k", 1.0, 100.0, 20.0, is_log=True),
    half_normal("trial_effect:k", 0.4),
    half_normal("spread chemotherapy", 0.7),
    standard_normal("effect one k"),
    standard_normal("effect two k"),
    standard_normal("strength flag"),
)
SCALE = NaturalScale(
    UNKNOWNS,
    [Spread(1, np.array([3, 4])), Spread(2, np.array([5]))],
    np.array([False] * 5 + [True]),
    (-1.0, 1.0),
)


def test_numbers_become_products_and_spreads_act_through_them_alone():
    members = np.array([[0.7, 0.3, -0.2, 1.5, -2.0, 0.8]])
    study, regimen = UNKNOWNS[1].value(np.array([0.3]))[0], UNKNOWNS[2].value(np.array([-0.2]))[0]
    expected = [0.7 - UNKNOWNS[0].prior_mean, 0.0, 0.0, 1.5 * study, -2.0 * study, 0.8 * regimen]
    assert SCALE.of(members)[0] == pytest.approx(expected)


def test_a_strength_beyond_its_range_is_felt_as_the_end_of_the_range():
    assert SCALE.of(np.array([[0.0, 0.0, 3.0, 0.0, 0.0, 4.0]]))[0, 5] == 1.0
    assert SCALE.of(np.array([[0.0, 0.0, 3.0, 0.0, 0.0, -4.0]]))[0, 5] == -1.0


@pytest.mark.parametrize("last", [0.5, 6.0])
def test_slopes_follow_the_chain_rule(last):
    member, slopes = np.array([[0.4, -0.6, 1.1, 0.9, -1.3, last]]), np.array([[1.0, 5.0, 5.0, -2.0, 0.5, 3.0]])
    found = SCALE.gradient(member, slopes)[0]
    for i in range(6):
        step = np.zeros((1, 6))
        step[0, i] = 1e-6
        by_hand = np.sum(slopes * (SCALE.of(member + step) - SCALE.of(member - step))) / 2e-6
        assert found[i] == pytest.approx(by_hand, abs=1e-6)


def test_spreads_are_redrawn_to_their_distribution_given_the_products():
    products = np.array([0.5, -0.3])
    members = np.zeros((4000, 6))
    members[:, 1] = np.random.default_rng(1).normal(size=4000)
    members[:, [3, 4]] = products / UNKNOWNS[1].value(members[:, 1])[:, None]
    rows = np.arange(4000)
    for k in range(25):
        members = SCALE.spreads_redrawn(members, Stream(1, "s", k), rows)
    np.testing.assert_allclose(SCALE.of(members)[:, [3, 4]], np.tile(products, (4000, 1)))
    grid = np.linspace(1e-3, 2.0, 20_000)
    density = np.exp(-2 * np.log(grid) - 0.5 * np.sum(products**2) / grid**2 - 0.5 * (grid / 0.4) ** 2)
    density /= density.sum()
    drawn = UNKNOWNS[1].value(members[:, 1])
    mean = float(density @ grid)
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(np.sqrt(density @ (grid - mean) ** 2), rel=0.05)


def test_a_spread_near_zero_stays_a_number():
    members = np.array([[0.0, -45.0, 0.0, 1.0, -1.0, 0.0]])
    assert np.isfinite(SCALE.spreads_redrawn(members, Stream(1), np.array([0]))).all()
