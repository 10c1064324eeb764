"""What a patient gets after the study's treatment has failed: who goes on to it, when, and what it does."""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.engine import Action
from engager.trial.assumptions import Assumptions
from engager.trial.course import Course
from engager.trial.dosing import ActionList

_CLONES = ("Lp", "Ln", "Lb", "Sp")


class LaterTherapy:
    """Therapy of one arm's patients once the study's treatment has failed.

    Notes
    -----
    A standard salvage course, and on top a kill of each patient's own size that stands for agents to which
    resistance to chemotherapy does not extend.
    """

    def __init__(self, course: Course, assumed: Assumptions):
        self.course, self.assumed = course, assumed
        everybody = np.arange(course.n)
        extra = assumed.of("later_extra_log10_kill", everybody) + assumed.spread("later_extra_log10_kill") * (
            course.recruits.draw("later-kill", "normal")
        )
        self._left = 10.0 ** -np.maximum(extra, 0.0)

    def plan(self, rows: IntArray, day: FloatArray | float) -> None:
        """Decide, once for each patient, who goes on and when; `day`: of the decision, one for all or array (row,)."""
        course = self.course
        undecided = np.isinf(course.later_therapy_day[rows])
        day = np.broadcast_to(np.asarray(day, dtype=float), rows.shape)[undecided]
        rows = rows[undecided]
        goes_on = course.recruits.draw("later-therapy", rows=rows) < self.assumed.of("later_therapy_share", rows)
        course.later_therapy_day[rows] = np.where(goes_on, day + self.assumed["later_therapy_delay_days"], np.nan)

    def give(self, rows: IntArray, day: int, length: int, actions: ActionList) -> None:
        """The course of those whose time comes between `day` and `day + length`."""
        course = self.course
        begin = course.later_therapy_day[rows]
        due = rows[(begin >= day) & (begin < day + length)]
        course.note(due, course.later_therapy_day[due], "later_therapy")
        for clone in _CLONES:
            place = course.system.index(clone)
            actions.add(due, course.later_therapy_day[due], Action.MULTIPLY_STATE, place, self._left[due])
        for offset in range(int(self.assumed["chemotherapy_days"])):
            given = rows[(begin + offset >= day) & (begin + offset < day + length)]
            at = course.later_therapy_day[given] + offset
            actions.add(given, at, Action.ADD_TO_STATE, course.system.index("chemo_drug"), 1.0)
