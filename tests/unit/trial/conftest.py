"""Helpers for tests of the trial layer."""

from __future__ import annotations

import numpy as np
import pytest

from engager.model import initial_states, load_model
from engager.population import PopulationValues
from engager.protocol import Protocol
from engager.trial.assumptions import Assumptions
from engager.trial.course import start_course
from engager.trial.dosing import ActionList, DosePlan, plan_day
from engager.trial.recruit import recruit
from engager.trial.treatment import advance_days


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


class Ward:
    """Patients of one arm whose draws are given: what is to happen can be worked out by hand.

    Parameters
    ----------
    draws : by purpose, what each patient draws: array (patient,) or (patient, draw); half for what is not named.
    """

    def __init__(self, monkeypatch, n=4, regimen="blinatumomab", draws=None, in_remission=False, **study):
        raw = {"study": "ward", "arms": {"a": {"n": n, "regimen": regimen}}, **study}
        self.protocol, self.model, self.rows = Protocol.model_validate(raw), load_model("b-all"), np.arange(n)
        self.regimen = self.protocol.arms["a"].regimen
        self.recruits = recruit(self.protocol, "a", self.model, 1, [0], lambda replicate: PopulationValues())
        self.draws = draws or {}
        monkeypatch.setattr(type(self.recruits), "draw", lambda *asked, **how: self._draw(*asked, **how))
        states = initial_states(self.model.system, self.recruits.parameters)
        self.course = start_course(self.recruits, self.model, states, in_remission)
        self.values = PopulationValues()
        self.assumed = Assumptions({0: self.values}, self.recruits.replicate)
        self.actions = ActionList()

    def _draw(self, recruits, purpose, kind="uniform", n_draws=1, rows=None, occasion=None):
        shape = (recruits.n,) if n_draws == 1 else (recruits.n, n_draws)
        given = np.broadcast_to(np.asarray(self.draws.get(purpose, 0.5), dtype=float), shape)
        return given.copy() if rows is None else given[rows]

    def index(self, name):
        system = self.model.system
        return system.inputs.index(name) if name in system.inputs else system.index(name)

    def done(self):
        """Actions so far: (patient, time, action, place in the model, value); then the list is empty."""
        schedule, self.actions = self.actions.schedule(self.rows), ActionList()
        who = np.repeat(self.rows, np.diff(schedule.offsets))
        what = (schedule.time, schedule.action, schedule.index, schedule.value)
        return [(int(row), *(one.item() for one in part)) for row, *part in zip(who, *what, strict=True)]

    def events(self, name):
        """What was noted under a name: (patient, day, grade, detail)."""
        return [
            (int(row), float(day), int(grade), detail)
            for rows, days, event, grades, detail in self.course.log
            for row, day, grade in zip(rows, days, grades, strict=True)
            if event == name
        ]


@pytest.fixture
def ward(monkeypatch):
    """A function that opens a `Ward`."""
    return lambda **given: Ward(monkeypatch, **given)
