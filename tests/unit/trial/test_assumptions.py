"""Assumptions by name, those a calibration moves, and shares that move on their odds."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.population import PopulationValues
from engager.trial.assumptions import Assumptions, assumption_table, shifted_share


def test_a_value_is_the_tables_and_a_name_there_is_not_is_an_error():
    assumed = Assumptions({0: PopulationValues()}, np.zeros(2, dtype=int))
    assert assumed["remission_blasts_percent"] == 5
    assert assumed["crs_severe_split"] == [0.77, 0.20, 0.03]
    with pytest.raises(KeyError):
        assumed["remission_blasts"]


def test_each_patient_has_the_value_of_their_replicate():
    values = {7: PopulationValues(assumption={"recovery_wait_days": 3.0}), 2: PopulationValues()}
    assumed = Assumptions(values, np.array([2, 7, 7, 2]))
    assert assumed.of("recovery_wait_days", np.arange(4)).tolist() == [14.0, 3.0, 3.0, 14.0]
    assert assumed.of("recovery_wait_days", np.array([1])).tolist() == [3.0]


def test_a_spread_is_read_whatever_its_scale_and_is_none_where_none_is_given():
    assumed = Assumptions({0: PopulationValues()}, np.zeros(1, dtype=int))
    assert assumed.spread("crs_duration_days") == 0.5
    assert assumed.spread("conditioning_log10_kill") == 1.0
    assert assumed.spread("recovery_wait_days") == 0.0


def test_an_unknown_assumption_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match="recovery_wait_days"):
        Assumptions({0: PopulationValues(assumption={"recovery_wait_day": 1.0})}, np.zeros(1, dtype=int))


@pytest.mark.parametrize(
    ("share", "shift", "wanted"),
    [(0.5, 0.0, 0.5), (0.5, np.log(3), 0.75), (0.2, np.log(4), 0.5), (0.2, -np.log(4), 1 / 17), (0.0, 5.0, 0.0),
     (1.0, -5.0, 1.0), (1.5, 1.0, 1.0), (-0.5, 1.0, 0.0)],
)  # fmt: skip
def test_a_share_moves_on_its_odds(share, shift, wanted):
    assert shifted_share(share, np.array([shift, 0.0]))[0] == pytest.approx(wanted)


def test_what_a_calibration_may_move_has_a_range_that_holds_its_value():
    movable = {name: row for name, row in assumption_table().items() if row.get("fit")}
    assert len(movable) >= 8
    assert all(row["range"][0] <= row["value"] <= row["range"][1] for row in movable.values())
