"""Strength of chemotherapy regimens."""

import pytest

from engager.core import InputError
from engager.protocol import Protocol
from engager.trial import regimen_strengths, simulate_trial
from engager.trial.regimen_strength import strength_of


def remissions(strength):
    regimen = {"drug": "chemotherapy", "cycle_days": 28, "cycles": 2, "strength": strength}
    protocol = Protocol.model_validate(
        {
            "study": "strong",
            "arms": {"a": {"n": 80, "regimen": regimen}},
            "visits": {"marrow_days": [28]},
            "follow_up": {"months": 3},
        }
    )
    patients = simulate_trial(protocol, replicates=[0], seed=2, n_sampled=0).patients
    return (patients["best_response"] != "none").mean()


def test_a_stronger_regimen_brings_more_remissions():
    weak, strong = remissions(0.1), remissions(8.0)
    assert strong > weak + 0.2


def test_standard_chemotherapy_and_the_unknown_have_strength_one():
    assert strength_of("soc-chemotherapy-tower") == 1.0
    assert strength_of("no-such-regimen") == 1.0


def test_shipped_strengths_hold_their_interval_and_name_their_records():
    for slug, row in regimen_strengths().items():
        assert row.low <= row.strength <= row.high, slug
        assert row.records, slug
        assert 0 <= row.events <= row.n


def test_an_engager_has_no_strength():
    regimen = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 1, "strength": 2,
               "doses": [{"days": "1-28", "amount": 28, "unit": "ug/day"}]}  # fmt: skip
    with pytest.raises((InputError, ValueError), match="strength belongs"):
        Protocol.model_validate({"study": "x", "arms": {"a": {"n": 5, "regimen": regimen}}})
