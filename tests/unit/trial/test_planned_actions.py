"""A regimen becomes doses in one place, whoever asks: a trial, one patient, the sensitivity of patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engager
from engager.core import InputError
from engager.engine import Action
from engager.model import load_model
from engager.protocol import Regimen, executable_regimen
from engager.study import simulate_patient
from engager.trial import planned_actions

ADULT, ADULT_M2 = np.array([75.0]), np.array([1.9])


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def rows(schedule):
    """(day, action, index, value) of each action of one patient."""
    return list(zip(schedule.time.tolist(), schedule.action, schedule.index, schedule.value.tolist(), strict=True))


def dexamethasone(schedule, model):
    return [
        (day, value) for day, _, index, value in rows(schedule)[:99] if index == model.system.index("dex") and _ == 0
    ]


def test_a_child_of_15_kg_gets_dexamethasone_by_surface_in_every_command(model):
    regimen = executable_regimen("blinatumomab-under-45kg")
    schedule = planned_actions(regimen, np.array([15.0]), np.array([0.66]), 84.0, model)
    assert dexamethasone(schedule, model) == [
        (0.0, pytest.approx(3.3)),
        (7.0, pytest.approx(3.3)),
        (42.0, pytest.approx(3.3)),
    ]
    assert regimen.premedication.dose_mg(np.array([0.66, 10.0])).tolist() == pytest.approx([3.3, 20.0])
    size = {"weight_kg": 15.0, "height_cm": 0.66**2 * 3600 / 15.0}
    given = simulate_patient(regimen, days=1, changes=size).columns["il6_pg_per_mL"].max()
    adults = regimen.model_copy(update={"premedication": executable_regimen("blinatumomab").premedication})
    as_for_adults = simulate_patient(adults, days=1, changes=size).columns["il6_pg_per_mL"].max()
    assert given > 1.1 * as_for_adults  # 20 mg would hold more of the first IL-6 back


def test_plan_and_trial_premedicate_on_the_same_days(model, premedicated_days):
    regimen = Regimen.model_validate(
        {
            "drug": "blinatumomab", "cycle_days": 14, "cycles": 2,
            "doses": [{"days": "3-5", "amount": 9, "unit": "ug/day"}, {"days": "6-9", "amount": 28, "unit": "ug/day"},
                      {"days": "11-14", "amount": 9, "unit": "ug/day"}],
            "premedication": {"dexamethasone_mg": 16},
        }
    )  # fmt: skip
    planned = [day for day, _ in dexamethasone(planned_actions(regimen, ADULT, ADULT_M2, 28.0, model), model)]
    assert planned == premedicated_days(regimen) == [2.0, 5.0, 10.0, 16.0, 19.0, 24.0]


def test_rates_change_only_where_the_plan_does(model):
    schedule = planned_actions(executable_regimen("blinatumomab"), ADULT, ADULT_M2, 50.0, model)
    rates = [(day, value) for day, action, _, value in rows(schedule) if action == int(Action.SET_INPUT)]
    assert rates == [(0.0, 9.0), (7.0, 28.0), (28.0, 0.0), (42.0, 28.0)]


def test_a_course_of_chemotherapy_is_given_on_its_days(model):
    regimen = Regimen(drug="chemotherapy", cycle_days=28, cycles=2)
    schedule = planned_actions(regimen, ADULT, ADULT_M2, 60.0, model)
    assert schedule.time.tolist() == [*range(5), *range(28, 33)]
    assert set(schedule.index.tolist()) == {model.system.index("chemo_drug")}


def test_a_model_without_the_part_is_refused_by_name():
    other = load_model("hosseini-2020")
    with pytest.raises(InputError, match=r"doses\.chemotherapy"):
        planned_actions(Regimen(drug="chemotherapy", cycle_days=28, cycles=1), ADULT, ADULT_M2, 9.0, other)


def test_nobody_else_turns_a_regimen_into_actions():
    package = Path(engager.__file__).parent
    others = [package / "study", package / "calibration" / "sensitivity", package / "report", package / "app"]
    files = [path for folder in others for path in folder.rglob("*.py")]
    # one dose of another model, no regimen
    files = [path for path in files if path.name != "kinetics_checks.py"]
    found = [path for path in files if "Action." in path.read_text(encoding="utf-8")]
    assert not found
