"""Doses and premedication by body size."""

import numpy as np
import pytest

from engager.model import load_model
from engager.protocol import Regimen
from engager.trial.dosing import DosePlan


@pytest.fixture
def regimen():
    return Regimen.model_validate(
        {
            "drug": "blinatumomab", "cycle_days": 42, "cycles": 2,
            "doses": [{"cycles": "1", "days": "1-7", "amount": 9, "unit": "ug/day"},
                      {"cycles": "1", "days": "8-28", "amount": 28, "unit": "ug/day"}],
            "weight_bands": [{"below_kg": 45, "doses": [
                {"cycles": "1", "days": "1-7", "amount": 5, "unit": "ug/m2/day", "cap": 9},
                {"cycles": "1", "days": "8-28", "amount": 15, "unit": "ug/m2/day", "cap": 28}]}],
            "premedication": {"dexamethasone_mg_per_m2": 5, "dexamethasone_mg": 20},
        }
    )  # fmt: skip


def test_a_small_child_gets_its_dose_by_surface_and_an_adult_the_flat_one(regimen):
    plan = DosePlan(regimen, np.array([20.0, 44.9, 45.0, 80.0]), np.array([0.8, 2.0, 1.4, 2.0]), load_model("b-all"))
    rows, cycle = np.arange(4), np.ones(4, dtype=np.int64)
    np.testing.assert_allclose(plan.amount(rows, cycle, np.full(4, 1)), [4.0, 9.0, 9.0, 9.0])
    np.testing.assert_allclose(plan.amount(rows, cycle, np.full(4, 8)), [12.0, 28.0, 28.0, 28.0])


def test_dexamethasone_per_surface_is_capped(regimen):
    plan = DosePlan(regimen, np.array([20.0, 80.0]), np.array([0.8, 5.0]), load_model("b-all"))
    np.testing.assert_allclose(plan.dexamethasone_mg, [4.0, 20.0])
