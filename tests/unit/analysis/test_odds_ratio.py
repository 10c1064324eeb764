"""Odds ratios of shares."""

import numpy as np
import pytest

from engager.analysis import odds_ratio
from engager.calibration import compare
from engager.protocol import Protocol
from engager.trial import simulate_trial


def test_it_is_the_ratio_of_odds_with_woolfs_interval():
    found = odds_ratio(20, 50, 10, 50)
    assert found.value == pytest.approx((20 / 30) / (10 / 40))
    half = 1.959963984540054 * np.sqrt(1 / 20 + 1 / 30 + 1 / 10 + 1 / 40)
    assert (found.low, found.high) == pytest.approx((found.value * np.exp(-half), found.value * np.exp(half)))


def test_an_empty_cell_gets_a_half_and_an_empty_group_is_unknown():
    value, low, high = odds_ratio([0, 3], [10, 3], [5, 0], [10, 0])
    assert value[0] == pytest.approx((0.5 / 10.5) / (5.5 / 5.5))
    assert 0 < low[0] < value[0] < high[0] < np.inf
    assert np.isnan([value[1], low[1], high[1]]).all()


def test_swapping_the_arms_inverts_it():
    forth, back = odds_ratio(20, 50, 10, 50), odds_ratio(10, 50, 20, 50)
    assert forth.value == pytest.approx(1 / back.value)
    assert forth.low == pytest.approx(1 / back.high)


def test_a_target_with_an_odds_ratio_is_compared():
    target = {"endpoint": "CR", "measure": "OR", "treatment": "b", "control": "c", "value": 2.0, "ci95": [1.0, 4.0]}
    arms = {"b": {"n": 20, "regimen": "blinatumomab"}, "c": {"n": 20, "regimen": "flag"}}
    raw = {"study": "odds", "arms": arms, "follow_up": {"months": 4}, "targets": [target]}
    protocol = Protocol.model_validate(raw)
    assert not [note for note in protocol.notes() if "odds" in note]
    (found,) = compare(simulate_trial(protocol, replicates=[0, 1], seed=1, n_sampled=0))
    assert (found.statistic, found.arm, found.published) == ("odds_ratio", "b vs c", 2.0)
    assert 0 < found.low <= found.median <= found.high
