"""What every patient is given on a day, and the actions that tell the engine so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engager.engine import Action, Schedule
from engager.model import System
from engager.protocol import Regimen
from engager.trial.course import Course, FloatArray, IntArray


class DosePlan:
    """Planned dose of each patient on each day of each cycle, tabulated when first asked for.

    Parameters
    ----------
    regimen : the arm's treatment.
    weight_kg, bsa_m2 : array (patient,).

    Attributes
    ----------
    lowest : array (patient,): the smallest dose of the first cycle, given after a hold.
    dexamethasone_mg : array (patient,): before a first dose, a step or a restart.
    """

    def __init__(self, regimen: Regimen, weight_kg: FloatArray, bsa_m2: FloatArray):
        self.regimen, self._weight, self._bsa = regimen, weight_kg, bsa_m2
        self._by_cycle: dict[int, FloatArray] = {}
        first = self._cycle(1)
        positive = np.where(first > 0, first, np.inf)
        given = regimen.premedication
        per_m2 = given.dexamethasone_mg_per_m2 * bsa_m2
        most = given.dexamethasone_mg or np.inf
        self.dexamethasone_mg = (
            np.minimum(per_m2, most) if given.dexamethasone_mg_per_m2 else np.full(bsa_m2.size, given.dexamethasone_mg)
        )
        self.lowest = np.where(np.isfinite(positive.min(axis=1)), positive.min(axis=1), 0.0)

    def amount(self, rows: IntArray, cycle: IntArray, day: IntArray) -> FloatArray:
        """Planned amount: array (row,) [ug/day for an infusion, ug for one injection]."""
        planned = np.zeros(rows.size)
        for one in np.unique(cycle):
            of_cycle = cycle == one
            table = self._cycle(int(one))
            inside = of_cycle & (day <= table.shape[1])
            planned[inside] = table[rows[inside], day[inside] - 1]
        return planned

    def course_day(self, cycle: IntArray, day: IntArray) -> NDArray[np.bool_]:
        """Whether chemotherapy is given on these days of these cycles."""
        segment = self.regimen.segments(1)[0]
        return (cycle <= self.regimen.cycles) & (day >= segment.first_day) & (day <= segment.last_day)

    def _cycle(self, cycle: int) -> FloatArray:
        if cycle not in self._by_cycle:
            days = range(1, self.regimen.cycle_length(min(cycle, self.regimen.cycles)) + 1)
            if self.regimen.is_chemotherapy:
                self._by_cycle[cycle] = np.zeros((self._weight.size, len(days)))
            else:
                columns = [self.regimen.dose_at(cycle, day, self._weight, self._bsa) for day in days]
                self._by_cycle[cycle] = np.stack(columns, axis=1)
        return self._by_cycle[cycle]


class ActionList:
    """Collects what happens to patients at instants of the coming days and hands it to the engine."""

    def __init__(self) -> None:
        self._parts: list[tuple[IntArray, FloatArray, int, int, FloatArray]] = []

    def add(
        self, rows: IntArray, time: FloatArray | float, action: Action, index: int, value: FloatArray | float
    ) -> None:
        """One action of one kind for some rows (row numbers of the course)."""
        if rows.size:
            times = np.broadcast_to(np.asarray(time, dtype=float), rows.shape)
            values = np.broadcast_to(np.asarray(value, dtype=float), rows.shape)
            self._parts.append((rows, times, int(action), index, values))

    def schedule(self, rows: IntArray) -> Schedule:
        """The actions of these rows (rising), as patients 0, 1, ... of an engine problem."""
        n = rows.size
        if not self._parts:
            return Schedule.empty(n)
        place = np.full(int(rows.max()) + 1 if n else 1, -1, dtype=np.int64)
        place[rows] = np.arange(n)
        who, when, what, where, value = [], [], [], [], []
        for part_rows, times, action, index, values in self._parts:
            inside = part_rows < place.size
            spots = np.where(inside, place[np.minimum(part_rows, place.size - 1)], -1)
            taken = spots >= 0
            who.append(spots[taken])
            when.append(times[taken])
            what.append(np.full(taken.sum(), action, dtype=np.int64))
            where.append(np.full(taken.sum(), index, dtype=np.int64))
            value.append(values[taken])
        patient, time = np.concatenate(who), np.concatenate(when)
        order = np.lexsort((np.arange(patient.size), time, patient))
        offsets = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(patient, minlength=n), out=offsets[1:])
        return Schedule(
            offsets,
            np.ascontiguousarray(time[order]),
            np.concatenate(what)[order],
            np.concatenate(where)[order],
            np.ascontiguousarray(np.concatenate(value)[order]),
        )


def plan_day(course: Course, plan: DosePlan, rows: IntArray, day: float, actions: ActionList) -> None:
    """Give `rows` (on treatment) what the plan says for the day that starts at `day`.

    Infusion rates are set in ``course.infusion``; injections, chemotherapy and dexamethasone become actions.
    """
    system, regimen = course.system, plan.regimen
    given = np.where(course.hold_days[rows] > 0, 0.0, plan.amount(rows, course.cycle[rows], course.cycle_day[rows]))
    restarting = (course.restart_days[rows] > 0) & (given > 0)
    given = np.where(restarting, np.minimum(given, plan.lowest[rows]), given)
    if regimen.is_chemotherapy:
        due = plan.course_day(course.cycle[rows], course.cycle_day[rows]) & (course.hold_days[rows] <= 0)
        actions.add(rows[due], day, Action.ADD_TO_STATE, system.index("chemo_drug"), 1.0)
        return
    before = course.last_dose[rows]
    steps_up = given > before * (1 + 1e-9)
    premedicated = rows[steps_up]
    actions.add(premedicated, day, Action.ADD_TO_STATE, system.index("dex"), plan.dexamethasone_mg[premedicated])
    course.note(rows[steps_up & (before > 0)], day, "dose_step")
    if regimen.route == "iv_continuous":
        course.infusion[rows] = given
        course.last_dose[rows] = given
    else:
        target = "depot" if regimen.route == "subcutaneous" else "drug_b"
        due = given > 0
        actions.add(rows[due], day, Action.ADD_TO_STATE, system.index(target), given[due])
        course.infusion[rows] = 0.0
        course.injected[rows] = given
        # Days between injections are no interruption.
        course.last_dose[rows] = np.where(due, given, before)


def input_index(system: System) -> int:
    """Place of the infusion rate among the inputs."""
    return system.inputs.index("infusion")
