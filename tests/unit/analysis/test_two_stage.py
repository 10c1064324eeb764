"""Single-arm designs against Simon's tables, and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from engager.analysis import TwoStage, responders_needed, simon_design, single_arm_characteristics
from engager.core import InputError


@pytest.mark.parametrize(
    ("shares", "alpha", "power", "optimal", "minimax"),
    [
        # Simon 1989, tables 1 and 2; R: clinfun::ph2simon(pu, pa, ep1 = alpha, ep2 = 1 - power)
        ((0.05, 0.25), 0.10, 0.90, (0, 9, 2, 24), (0, 13, 2, 20)),
        ((0.10, 0.30), 0.05, 0.80, (1, 10, 5, 29), (1, 15, 5, 25)),
        ((0.20, 0.40), 0.05, 0.80, (3, 13, 12, 43), (4, 18, 10, 33)),
        ((0.30, 0.50), 0.05, 0.80, (5, 15, 18, 46), (6, 19, 16, 39)),
    ],
)
def test_designs_are_those_of_the_tables(shares, alpha, power, optimal, minimax):
    assert simon_design(*shares, alpha, power) == TwoStage(*optimal)
    assert simon_design(*shares, alpha, power, "minimax") == TwoStage(*minimax)


def test_error_and_expected_size_are_those_of_the_table():
    # Simon 1989, table 1: p0 0.10, p1 0.30, optimal 1/10, 5/29: EN(p0) 15.0, PET(p0) 0.74
    found = single_arm_characteristics([10, 29], [np.inf, 6], [1, -np.inf], 0.10)
    assert found.expected_patients == pytest.approx(15.0, abs=0.05)
    assert found.futility[0] == pytest.approx(0.74, abs=0.005)
    assert found.success.sum() <= 0.05
    assert single_arm_characteristics([10, 29], [np.inf, 6], [1, -np.inf], 0.30).success.sum() >= 0.80


def test_looks_agree_with_simulation():
    n_by_look, success, futility, share = [12, 25, 40], [9.0, 14.0, 18.0], [2.0, 7.0, -np.inf], 0.38
    generator = np.random.default_rng(3)
    counts = np.cumsum(generator.random((200_000, 40)) < share, axis=1)
    going = np.ones(len(counts), dtype=bool)
    for k, n in enumerate(n_by_look):
        count = counts[:, n - 1]
        won = going & (count >= success[k])
        lost = going & ~won & ((count <= futility[k]) | (k == 2))
        found = single_arm_characteristics(n_by_look, success, futility, share)
        assert found.success[k] == pytest.approx(won.mean(), abs=4 * 0.5 / np.sqrt(len(counts)))
        assert found.futility[k] == pytest.approx(lost.mean(), abs=4 * 0.5 / np.sqrt(len(counts)))
        going &= ~(won | lost)


def test_every_trial_ends():
    found = single_arm_characteristics([20, 40], [np.inf, 15], [3, -np.inf], 0.31)
    assert found.success.sum() + found.futility.sum() == pytest.approx(1.0)


def test_the_exact_test_needs_the_first_count_within_alpha():
    # R: binom.test(24, 80, 0.2, alternative = "greater")$p.value is 0.0224; of 23 it is 0.0397
    assert responders_needed(80, 0.2, 0.025) == 24
    assert responders_needed(2, 0.5, 0.025) == 3


def test_what_no_design_can_do_is_refused():
    with pytest.raises(InputError, match="no two-stage design"):
        simon_design(0.30, 0.31, 0.05, 0.9)
    with pytest.raises(InputError, match="null one below"):
        simon_design(0.5, 0.3, 0.05, 0.8)
