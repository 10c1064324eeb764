"""Injections: what the tables say was given, and premedication before the first dose of each cycle."""

import numpy as np
import polars as pl
import pytest

from engager.protocol import Protocol
from engager.protocol.regimen import Regimen
from engager.trial import simulate_trial

DAYS = [1, 3, 5, 8, 10, 12]
REGIMEN = {
    "drug": "blinatumomab", "route": "subcutaneous", "cycle_days": 14, "cycles": 2,
    "doses": [{"cycles": "1", "days": DAYS, "amount": 120, "unit": "ug"}, {"cycles": "2", "days": DAYS,
              "amount": 100, "unit": "ug/m2", "cap": 150}],
    "premedication": {"dexamethasone_mg": 8}, "toxicity_rules": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    arms = {"sc": {"n": 20, "regimen": REGIMEN}}
    raw = {"study": "injections", "arms": arms, "population": {"marrow_blasts_percent": 10}, "follow_up": {"months": 2}}
    return simulate_trial(Protocol.model_validate(raw), replicates=[0], seed=3)


def test_the_daily_dose_of_the_tables_is_what_was_injected(data):
    patients = data.patients.filter(pl.col("treatment_end_day") >= 28).select("patient", "bsa_m2").sort("patient")
    assert patients.height > 5
    for number, bsa in patients.iter_rows():
        daily = data.trajectories.filter(pl.col("patient") == number).sort("day")
        given = dict(zip(daily["day"].to_list(), daily["dose_ug_per_day"].to_list(), strict=True))
        # what is given on a day is told at its end
        first = [given[float(day)] for day in range(1, 15)]
        assert first == [120.0 if day in DAYS else 0.0 for day in range(1, 15)]
        second = [given[float(day)] for day in range(15, 28)]
        amount = min(100.0 * bsa, 150.0)
        np.testing.assert_allclose(second, [amount if day in DAYS else 0.0 for day in range(1, 14)])
        assert all(given[day] == 0.0 for day in given if day > 28)


@pytest.mark.parametrize("route", ["subcutaneous", "iv_continuous"])
def test_each_cycle_starts_with_premedication(route, premedicated_days):
    raw = {**REGIMEN, "route": route, "doses": [{"days": "1-14", "amount": 28, "unit": "ug"}]}
    if route == "iv_continuous":
        raw["doses"][0]["unit"] = "ug/day"
    regimen = Regimen.model_validate(raw)
    found = premedicated_days(regimen)
    assert found == [0.0, 14.0]
