"""When the trial next has something to decide about a patient.

In: where patients stand. Out: an instant for each, later than now, up to which nothing is planned but what the engine
carries out by itself. Not here: what is decided then (`decisions`), and what comes unplanned (`strikes`).
"""

from __future__ import annotations

import numpy as np

from engager.core import BoolArray, FloatArray, IntArray
from engager.protocol import Regimen, Visits
from engager.trial.course import Course
from engager.trial.dosing import DosePlan


class Calendar:
    """The instants of one arm.

    Parameters
    ----------
    horizon : day on which follow-up ends for everybody.

    Notes
    -----
    On treatment a patient's days begin in the morning, at whole days since randomization: visits, doses and the ends of
    cycles and pauses fall on mornings. Off treatment there are visits every `Visits.after_treatment_every_days`.
    Blood counts on treatment are not waited for: hardly any of them decides anything (`counts_before`).
    """

    def __init__(self, course: Course, plan: DosePlan, visits: Visits, horizon: float):
        self.course, self.plan, self.regimen, self.horizon = course, plan, plan.regimen, horizon
        self.counts_every = visits.counts_every_days
        self.clinic_every = visits.after_treatment_every_days
        days = visits.marrow_day_list()
        self._marrow_days = np.array([*days, np.inf])
        self._is_marrow_day = np.isin(np.arange(max(days, default=0) + 2), days)

    def next_decision(self, rows: IntArray) -> FloatArray:
        """The nearest of marrow, visit off treatment, change of dose, end of a cycle or pause, transplant and later
        therapy: array (row,).
        """
        course = self.course
        treated = course.on_treatment[rows]
        until = np.full(rows.size, self.horizon)
        until[treated] = np.minimum(self.horizon, self._on_treatment(rows[treated]))
        # who is on treatment waits for no transplant and no other therapy
        off = rows[~treated]
        now = course.clock[off]
        nearest = np.minimum(self.horizon, _next_multiple(now, self.clinic_every))
        for planned in (course.hsct_planned[off], course.next_line_day[off]):
            nearest = np.where(planned > now, np.minimum(planned, nearest), nearest)
        until[~treated] = nearest
        return until

    def counts_before(self, rows: IntArray, until: FloatArray) -> FloatArray:
        """Mornings of blood counts between the clocks of those on treatment and `until`: array (row, time), filled up
        with `until`.
        """
        course, every = self.course, self.counts_every
        # every so many days of the cycle, or since randomization while the drug pauses
        passed = course.cycle_day[rows] - 1
        in_cycle = course.morning[rows] + (_next_multiple(passed, every) - passed)
        first = np.where(course.hold_days[rows] > 0, _next_multiple(course.clock[rows], every), in_cycle)
        first = np.where(course.on_treatment[rows], first, np.inf)
        n_times = int(np.max(np.ceil((until - first) / every), initial=0.0))
        return np.minimum(first[:, None] + every * np.arange(n_times), until[:, None])

    def is_morning(self, rows: IntArray) -> BoolArray:
        """Whether these patients stand at the beginning of a day."""
        now = self.course.clock[rows]
        found: BoolArray = now == np.floor(now)
        return found

    def is_marrow_day(self, cycle_day: IntArray) -> BoolArray:
        """Whether a marrow is planned on these days of a cycle."""
        found: BoolArray = self._is_marrow_day[np.minimum(cycle_day, self._is_marrow_day.size - 1)]
        return found

    def is_clinic_day(self, rows: IntArray) -> BoolArray:
        """Whether these patients, off treatment, are seen today."""
        found: BoolArray = self.course.clock[rows] % self.clinic_every == 0
        return found

    def _on_treatment(self, rows: IntArray) -> FloatArray:
        course = self.course
        now = course.clock[rows]
        # cycle days and pauses are counted up to this morning
        morning, today = course.morning[rows], course.cycle_day[rows]
        cycle = course.cycle[rows]
        # within the cycle, as the cycle day on which something falls
        marrow = self._marrow_days[np.searchsorted(self._marrow_days, today, side="right")]
        over = cycle_lengths(self.regimen, cycle) + 1
        change = self.plan.next_change(cycle, today)
        restart = np.where(course.restart_days[rows] > 0, today + np.ceil(course.restart_days[rows]), np.inf)
        nearest = np.minimum.reduce([marrow, over, change, restart])
        pause = course.hold_days[rows]
        paused = morning + np.ceil(pause)
        # on hold, dexamethasone is ordered for a day at a time
        paused = np.where(course.dexamethasone_days[rows] > 0, np.floor(now) + 1, paused)
        return np.where(pause > 0, paused, morning + (nearest - today))


def cycle_lengths(regimen: Regimen, cycle: IntArray) -> IntArray:
    """Days of each patient's cycle: array (row,)."""
    longer = regimen.longer_cycles
    if longer is None:
        return np.full(cycle.shape, regimen.cycle_days, dtype=np.int64)
    return np.where(cycle >= longer.from_cycle, longer.cycle_days, regimen.cycle_days)


def _next_multiple(now: FloatArray | IntArray, every: float) -> FloatArray:
    return (np.floor(now / every) + 1.0) * every
