"""Helpers for tests of the trial layer."""

from __future__ import annotations

import numpy as np
import pytest

from engager.model import initial_states, load_model
from engager.population import PopulationValues
from engager.protocol import Protocol
from engager.trial.course import start_course
from engager.trial.dosing import ActionList, DosePlan, plan_day
from engager.trial.recruit import recruit
from engager.trial.toxicity import advance_days


@pytest.fixture
def premedicated_days():
    """A function: days on which the only patient of a regimen, without events, gets dexamethasone."""
    return _premedicated_days


def _premedicated_days(regimen):
    """Days on which the only patient of a course without events gets dexamethasone."""

    arms = {"a": {"n": 1, "regimen": regimen.model_dump(mode="json", exclude_none=True)}}
    protocol = Protocol.model_validate({"study": "premedication", "arms": arms})
    model = load_model("b-all")
    recruits = recruit(protocol, "a", model, 1, [0], lambda replicate: PopulationValues())
    course = start_course(recruits, model, initial_states(model.system, recruits.parameters), False)
    plan = DosePlan(regimen, recruits.covariates["weight_kg"], recruits.covariates["bsa_m2"], model)
    rows, dex, days = np.array([0]), model.system.index("dex"), []
    for day in range(28):
        actions = ActionList()
        course.clock[:] = day
        plan_day(course, plan, rows, actions)
        schedule = actions.schedule(rows)
        if dex in schedule.index.tolist():
            days.append(float(day))
        course.clock[:] = day + 1
        advance_days(course, rows, regimen)
    return days
