"""The daily courses of a few patients: their stretches as the trial carried them, solved once more with every morning
kept.

The trial itself keeps only the ends of stretches. A call for these few in every round would cost what a thousand
patients do; all their stretches together are one call, and the engine gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engager.core import FloatArray, IntArray
from engager.engine import OdeProblem, Trajectories, chosen_patients, joined_problems
from engager.trial.course import Course

# Stretches solved together: a month of days each, 20 MB.
_MOST_STRETCHES = 2000


class DailyCourses:
    """Some patients of one arm, each morning of theirs.

    Parameters
    ----------
    rows : whose days are kept.
    """

    def __init__(self, course: Course, rows: IntArray):
        self.course = course
        self._is_kept = np.zeros(course.n, dtype=bool)
        self._is_kept[rows] = True
        self._stretches: list[tuple[IntArray, FloatArray, OdeProblem]] = []
        _keep(course, rows, course.clock[rows], course.states[rows], course.dose[rows])

    def note(self, rows: IntArray, problem: OdeProblem) -> None:
        """Remember a stretch of these rows, before its end takes the place of its initial states."""
        places = np.flatnonzero(self._is_kept[rows])
        if places.size:
            some = rows[places]
            chosen = chosen_patients(problem, places)
            whole = replace(chosen, save_times=chosen.save_times[:, [0, -1]])
            self._stretches.append((some, self.course.dose[some], whole))

    def keep(self, solve: Callable[[OdeProblem], Trajectories]) -> None:
        """Solve what was remembered and keep the mornings that these patients have reached, with the dose given."""
        if not self._stretches:
            return
        rows, dose = (np.concatenate(column) for column in list(zip(*self._stretches, strict=True))[:2])
        joined = joined_problems([problem for _, _, problem in self._stretches])
        self._stretches.clear()
        ended = self._ends(rows, joined.save_times[:, 0])
        for first in range(0, rows.size, _MOST_STRETCHES):
            places = np.arange(first, min(first + _MOST_STRETCHES, rows.size))
            problem = chosen_patients(joined, places)
            times = daily_times(*problem.save_times.T)
            row, place = _mornings(times, ended[places])
            values = solve(replace(problem, save_times=times)).values[row, place]
            _keep(self.course, rows[places[row]], times[row, place], values, dose[places[row]])

    def _ends(self, rows: IntArray, start: FloatArray) -> FloatArray:
        """Where each stretch ended: where the same patient's next begins, the last where the patient now is."""
        order = np.argsort(rows, kind="stable")
        goes_on = np.append(np.diff(rows[order]) == 0, False)
        ended = np.empty(rows.size)
        ended[order] = np.where(goes_on, np.roll(start[order], -1), self.course.clock[rows[order]])
        return ended


def daily_times(start: FloatArray, until: FloatArray) -> FloatArray:
    """Save times of a stretch: array (row, time): its start, each morning in it, its end; filled up with the end."""
    first = np.floor(start) + 1.0
    n_days = int(np.max(np.floor(until) - first, initial=-1.0)) + 1
    mornings = np.minimum(first[:, None] + np.arange(n_days), until[:, None])
    return np.concatenate([start[:, None], mornings, until[:, None]], axis=1)


def _mornings(times: FloatArray, ended: FloatArray) -> tuple[IntArray, IntArray]:
    """Which of `daily_times` are mornings that were reached: row and place of each."""
    days = times[:, 1:-1]
    # a morning that filled up a row is the end of the stretch, kept once
    reached = (days <= ended[:, None]) & (days == np.floor(days))
    reached &= np.diff(times[:, :-1], axis=1) > 0
    row, place = np.nonzero(reached)
    return row, place + 1


def _keep(course: Course, rows: IntArray, days: FloatArray, states: FloatArray, dose: FloatArray) -> None:
    """Keep one state and dose for each of these rows, which may repeat."""
    if rows.size:
        course.samples.append((rows, days, np.concatenate([states, dose[:, None]], axis=1)))
