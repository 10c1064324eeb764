"""What every patient is given on a day, and the actions that tell the engine so.

The one place where a regimen becomes doses: a trial gives them day by day and may hold or lower them (`plan_day`), or
those of a course of chemotherapy up to its next decision (`give_courses`); `planned_actions` gives them as planned, for
a patient whom no visit interrupts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.core import BoolArray, FloatArray, IntArray
from engager.engine import Action, Schedule
from engager.model import Model
from engager.protocol import Regimen
from engager.trial.course import Course

# A dose is a step up when it is larger by more than rounding.
_STEP = 1 + 1e-9
# A standard salvage course gives 1 a day for so many days; how strong a regimen is beyond that is its strength.
STANDARD_COURSE_DAYS = 5
# Dexamethasone while the drug is on hold: every eight hours.
_DOSES_A_DAY = 3


@dataclass(frozen=True)
class DosePlaces:
    """Where a regimen's doses go in the engine's arrays.

    Attributes
    ----------
    drug : an input for an infusion, else a state.
    dexamethasone : a state; None when the model has no part for it, which then has no effect there.
    """

    drug: int
    dexamethasone: int | None

    @staticmethod
    def of(model: Model, regimen: Regimen) -> DosePlaces:
        """The places that a regimen needs.

        Raises
        ------
        InputError
            When the model has no part for the regimen's route or drug.
        """
        word = "chemotherapy" if regimen.is_chemotherapy else regimen.route
        model.roles.refuse_without([f"doses.{word}"], f"regimen {regimen.id or regimen.drug}")
        if any(rule.tocilizumab for rule in regimen.rules):
            model.roles.refuse_without(["doses.tocilizumab"], "tocilizumab in toxicity_rules")
        name, dexamethasone = model.roles.doses[word], model.roles.doses.get("dexamethasone")
        return DosePlaces(
            drug=model.system.inputs.index(name) if word == "iv_continuous" else model.system.index(name),
            dexamethasone=None if dexamethasone is None else model.system.index(dexamethasone),
        )


class DosePlan:
    """Planned dose of each patient on each day of each cycle, tabulated when first asked for.

    Parameters
    ----------
    regimen : the arm's treatment.
    weight_kg, bsa_m2 : array (patient,).
    model : whose inputs and states take the doses.

    Attributes
    ----------
    lowest : array (patient,): the smallest dose of the first cycle, given after a hold.
    dexamethasone_mg : array (patient,): before a first dose, a step or a restart.
    places : where the doses go.
    """

    def __init__(self, regimen: Regimen, weight_kg: FloatArray, bsa_m2: FloatArray, model: Model):
        self.regimen, self._weight, self._bsa = regimen, weight_kg, bsa_m2
        self.places = DosePlaces.of(model, regimen)
        self._by_cycle: dict[int, FloatArray] = {}
        self._changes: dict[int, FloatArray] = {}
        self._alike: dict[tuple[object, ...], int] = {}
        first = self._cycle(1)
        positive = np.where(first > 0, first, np.inf)
        self.dexamethasone_mg = regimen.premedication.dose_mg(bsa_m2)
        self.lowest = np.where(np.isfinite(positive.min(axis=1)), positive.min(axis=1), 0.0)

    def set_rates(self, inputs: FloatArray, rates: FloatArray) -> None:
        """Write infusion rates (row,) into the inputs (row, input) of an engine problem."""
        if not self.regimen.is_chemotherapy and self.regimen.route == "iv_continuous":
            inputs[:, self.places.drug] = rates

    def amount(self, rows: IntArray, cycle: IntArray, day: IntArray) -> FloatArray:
        """Planned amount: array (row,) [ug/day for an infusion, ug for one injection]."""
        planned = np.zeros(rows.size)
        for one in np.flatnonzero(np.bincount(cycle)):
            of_cycle = cycle == one
            table = self._cycle(int(one))
            inside = of_cycle & (day <= table.shape[1])
            planned[inside] = table[rows[inside], day[inside] - 1]
        return planned

    @property
    def course_amount(self) -> float:
        """Active chemotherapy of one day of a course: the whole of a course is the same, however many days it takes."""
        segment = self.regimen.segments(1)[0]
        return STANDARD_COURSE_DAYS / (segment.last_day - segment.first_day + 1)

    def course_day(self, cycle: IntArray, day: IntArray) -> NDArray[np.bool_]:
        """Whether chemotherapy is given on these days of these cycles."""
        segment = self.regimen.segments(1)[0]
        return (cycle <= self.regimen.cycles) & (day >= segment.first_day) & (day <= segment.last_day)

    def next_change(self, cycle: IntArray, day: IntArray) -> FloatArray:
        """The next day of each patient's cycle on which another dose or an injection is due; infinite: none.

        Days of chemotherapy are none of these: the engine is told of a whole course (`give_courses`).
        """
        found = np.full(cycle.size, np.inf)
        for one in np.flatnonzero(np.bincount(cycle)):
            days = self._change_days(int(one))
            of_cycle = cycle == one
            found[of_cycle] = days[np.searchsorted(days, day[of_cycle], side="right")]
        return found

    def _change_days(self, cycle: int) -> FloatArray:
        """Days of a cycle on which another dose or an injection is due, the last one infinite."""
        if cycle not in self._changes:
            first = self._first_alike(cycle)
            self._changes[cycle] = self._change_days(first) if first != cycle else self._days_with_change(cycle)
        return self._changes[cycle]

    def _days_with_change(self, cycle: int) -> FloatArray:
        table = self._cycle(cycle)
        days = np.arange(1, table.shape[1] + 1)
        if self.regimen.route == "iv_continuous":
            changes = np.append(np.any(table[:, :1] != 0, axis=0), np.any(table[:, 1:] != table[:, :-1], axis=0))
        else:
            # each injection, and the morning after it
            given = np.any(table > 0, axis=0)
            changes = given | np.concatenate([[False], given[:-1]])
        return np.append(days[changes].astype(float), np.inf)

    def _cycle(self, cycle: int) -> FloatArray:
        """Planned doses of a cycle: array (patient, day)."""
        if cycle not in self._by_cycle:
            first = self._first_alike(cycle)
            self._by_cycle[cycle] = self._cycle(first) if first != cycle else self._doses_in(cycle)
        return self._by_cycle[cycle]

    def _doses_in(self, cycle: int) -> FloatArray:
        if self.regimen.is_chemotherapy or cycle > self.regimen.cycles:
            return np.zeros((self._weight.size, self._length(cycle)))
        return self.regimen.doses_in(cycle, self._weight, self._bsa)

    def _length(self, cycle: int) -> int:
        """Days of a cycle; one that is not planned is as long as the last."""
        return self.regimen.cycle_length(min(cycle, self.regimen.cycles))

    def _first_alike(self, cycle: int) -> int:
        """The first cycle asked for that has the same doses on the same days: most cycles of a regimen are alike."""
        bands = range(len(self.regimen.weight_bands) + 1)
        doses = (self._length(cycle), *(tuple(self.regimen.segments(cycle, band)) for band in bands))
        return self._alike.setdefault(doses, cycle)


class ActionList:
    """Collects what happens to patients at instants of the coming days and hands it to the engine."""

    def __init__(self) -> None:
        self._parts: list[tuple[IntArray, FloatArray, int, int, FloatArray]] = []
        self._joined: tuple[IntArray, FloatArray, IntArray, IntArray, FloatArray] | None = None

    def add(
        self, rows: IntArray, time: FloatArray | float, action: Action, index: int, value: FloatArray | float
    ) -> None:
        """One action of one kind for some rows (row numbers of the course)."""
        if rows.size:
            times, values = np.empty(rows.shape), np.empty(rows.shape)
            times[:], values[:] = time, value
            self._parts.append((rows, times, int(action), index, values))
            self._joined = None

    def schedule(self, rows: IntArray) -> Schedule:
        """The actions of these rows (rising), as patients 0, 1, ... of an engine problem."""
        n = rows.size
        if not self._parts:
            return Schedule.empty(n)
        place = np.full(int(rows.max()) + 1 if n else 1, -1, dtype=np.int64)
        place[rows] = np.arange(n)
        who, when, what, where, value = self._all()
        inside = np.flatnonzero(who < place.size)
        patient = place[who[inside]]
        taken = inside[patient >= 0]
        patient = patient[patient >= 0]
        # the order in which actions were added decides between those of one instant: both sorts are stable
        order = np.lexsort((when[taken], patient))
        offsets = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(patient, minlength=n), out=offsets[1:])
        chosen = taken[order]
        return Schedule(offsets, when[chosen], what[chosen], where[chosen], value[chosen])

    def _all(self) -> tuple[IntArray, FloatArray, IntArray, IntArray, FloatArray]:
        """Every action in the order of adding: row, time, action, index, value."""
        if self._joined is None:
            rows, times, actions, indices, values = zip(*self._parts, strict=True)
            sizes = [one.size for one in rows]
            self._joined = (
                np.concatenate(rows),
                np.concatenate(times),
                np.repeat(np.array(actions, dtype=np.int64), sizes),
                np.repeat(np.array(indices, dtype=np.int64), sizes),
                np.concatenate(values),
            )
        return self._joined


def plan_day(course: Course, plan: DosePlan, rows: IntArray, actions: ActionList) -> None:
    """Give `rows` (on treatment) what the plan says for the day that starts at their clocks.

    Infusion rates are set in ``course.infusion``; injections and dexamethasone become actions.
    """
    _give_dexamethasone_on_hold(course, plan, rows, actions)
    if plan.regimen.is_chemotherapy:
        return
    given = np.where(course.hold_days[rows] > 0, 0.0, plan.amount(rows, course.cycle[rows], course.cycle_day[rows]))
    restarting = (course.restart_days[rows] > 0) & (given > 0)
    given = np.where(restarting, np.minimum(given, plan.lowest[rows]), given)
    before, day = course.last_dose[rows], course.clock[rows]
    steps_up = _give_dose(plan, rows, given, before, day, actions)
    stepped = steps_up & (before > 0)
    course.note(rows[stepped], day[stepped], "dose_step")
    course.last_dose[rows] = _dose_to_compare(plan.regimen, given, before)
    if plan.regimen.route == "iv_continuous":
        course.infusion[rows] = given
    else:
        course.infusion[rows] = 0.0
        course.injected[rows] = given


def give_courses(
    course: Course, plan: DosePlan, rows: IntArray, fresh: BoolArray, until: FloatArray, actions: ActionList
) -> None:
    """Days of the arm's own chemotherapy between these patients' clocks and `until`; see `days_between`."""
    if not plan.regimen.is_chemotherapy:
        return
    segment = plan.regimen.segments(1)[0]
    dosed = course.on_treatment[rows] & (course.hold_days[rows] <= 0) & (course.cycle[rows] <= plan.regimen.cycles)
    places = np.flatnonzero(dosed & (course.cycle_day[rows] <= segment.last_day))
    some = rows[places]
    first = (course.morning[some] + (segment.first_day - course.cycle_day[some])).astype(float)
    n_days = segment.last_day - segment.first_day + 1
    for due, day in days_between(first, n_days, course.clock[some], fresh[places], until[places]):
        actions.add(some[due], day[due], Action.ADD_TO_STATE, plan.places.drug, plan.course_amount)


def days_between(
    first: FloatArray, n_days: int, now: FloatArray, fresh: BoolArray, until: FloatArray
) -> Iterator[tuple[BoolArray, FloatArray]]:
    """Which days of a course of chemotherapy lie between `now` and `until`: for each, who has it, and when.

    Parameters
    ----------
    first : array (row,): when the course began. n_days : one after the other.
    fresh : array (row,): what is due at `now` itself has not been given yet.
    """
    for offset in range(n_days):
        day = first + offset
        yield (day < until) & ((day > now) | ((day == now) & fresh)), day


def _give_dexamethasone_on_hold(course: Course, plan: DosePlan, rows: IntArray, actions: ActionList) -> None:
    """What the rule that holds the drug gives, every eight hours as the label does (evidence: blincyto-smpc-2016)."""
    held = rows[(course.hold_days[rows] > 0) & (course.dexamethasone_days[rows] > 0)]
    course.dexamethasone_days[held] -= 1
    if plan.places.dexamethasone is not None:
        for part in range(_DOSES_A_DAY):
            doses = course.hold_dexamethasone[held] / _DOSES_A_DAY
            times = course.clock[held] + part / _DOSES_A_DAY
            actions.add(held, times, Action.ADD_TO_STATE, plan.places.dexamethasone, doses)


def give_tocilizumab(course: Course, rows: IntArray, actions: ActionList) -> None:
    """One dose, which blocks the receptor of IL-6 wholly at first, for those whose event has just struck."""
    due = rows[course.tocilizumab_due[rows]]
    if due.size:
        place = course.system.index(course.roles.doses["tocilizumab"])
        actions.add(due, course.clock[due], Action.SET_STATE, place, 1.0)
        course.note(due, course.clock[due], "tocilizumab")
        course.tocilizumab_due[due] = False


def planned_actions(
    regimen: Regimen, weight_kg: FloatArray, bsa_m2: FloatArray, until: float, model: Model
) -> Schedule:
    """Every dose of a regimen as planned, as the engine takes it: nothing is held, no cycle delayed.

    Parameters
    ----------
    weight_kg, bsa_m2 : array (patient,).
    until : days from the first dose; doses that begin later are left out.
    model : whose inputs and states take the doses.

    Returns
    -------
    Rates on and off, injections, days of chemotherapy, dexamethasone before the first dose of a cycle and a step.

    Raises
    ------
    InputError
        When the model has no part for the regimen's route or drug.
    """
    plan, actions = DosePlan(regimen, weight_kg, bsa_m2, model), ActionList()
    everybody = np.arange(weight_kg.size, dtype=np.int64)
    before, running = np.zeros(weight_kg.size), np.zeros(weight_kg.size)
    cycle, cycle_day = 1, 1
    for day in range(int(np.ceil(until))):
        in_cycle, on_day = np.full(everybody.size, cycle), np.full(everybody.size, cycle_day)
        if regimen.is_chemotherapy:
            _give_course(plan, everybody, in_cycle, on_day, float(day), actions)
        else:
            given = plan.amount(everybody, in_cycle, on_day)
            _give_dose(plan, everybody, given, before, float(day), actions)
            before = _dose_to_compare(regimen, given, before)
            if regimen.route == "iv_continuous":
                changed = given != running
                actions.add(everybody[changed], float(day), Action.SET_INPUT, plan.places.drug, given[changed])
                running = given
        cycle_day += 1
        if cycle_day > regimen.cycle_length(cycle):
            # The first dose of a cycle is premedicated, also where no day off or lower dose precedes it.
            cycle, cycle_day, before = cycle + 1, 1, np.zeros(everybody.size)
    return actions.schedule(everybody)


def _give_course(
    plan: DosePlan, rows: IntArray, cycle: IntArray, cycle_day: IntArray, day: FloatArray | float, actions: ActionList
) -> None:
    """A day of chemotherapy for those whose course has one."""
    due = plan.course_day(cycle, cycle_day)
    times = np.broadcast_to(day, rows.shape)[due]
    actions.add(rows[due], times, Action.ADD_TO_STATE, plan.places.drug, plan.course_amount)


def _give_dose(
    plan: DosePlan, rows: IntArray, given: FloatArray, before: FloatArray, day: FloatArray | float, actions: ActionList
) -> NDArray[np.bool_]:
    """Injections, and dexamethasone before a dose that is higher than the one before; tells whose is."""
    steps_up = given > before * _STEP
    day = np.broadcast_to(day, rows.shape)
    premedicated = rows[steps_up]
    if plan.places.dexamethasone is not None:
        doses = plan.dexamethasone_mg[premedicated]
        actions.add(premedicated, day[steps_up], Action.ADD_TO_STATE, plan.places.dexamethasone, doses)
    if plan.regimen.route != "iv_continuous":
        due = given > 0
        actions.add(rows[due], day[due], Action.ADD_TO_STATE, plan.places.drug, given[due])
    return steps_up


def _dose_to_compare(regimen: Regimen, given: FloatArray, before: FloatArray) -> FloatArray:
    """The dose that tomorrow's is a step from; days between injections are no interruption."""
    return given if regimen.route == "iv_continuous" else np.where(given > 0, given, before)
