"""What a patient gets after the study's treatment has failed: who goes on to it, when, and what it does."""

from __future__ import annotations

import numpy as np

from engager.core import BoolArray, FloatArray, IntArray
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

    def plan(self, rows: IntArray) -> None:
        """Decide at these patients' clocks, once for each patient, who goes on and when."""
        course = self.course
        rows = rows[np.isinf(course.later_therapy_day[rows])]
        goes_on = course.recruits.draw("later-therapy", rows=rows) < self.assumed.of("later_therapy_share", rows)
        begin = course.clock[rows] + self.assumed["later_therapy_delay_days"]
        course.later_therapy_day[rows] = np.where(goes_on, begin, np.nan)

    def begin(self, rows: IntArray, actions: ActionList) -> None:
        """What happens at once to those whose time has come."""
        course = self.course
        due = rows[course.later_therapy_day[rows] == course.clock[rows]]
        course.note(due, course.later_therapy_day[due], "later_therapy")
        for clone in _CLONES:
            place = course.system.index(clone)
            actions.add(due, course.later_therapy_day[due], Action.MULTIPLY_STATE, place, self._left[due])

    def give(self, rows: IntArray, fresh: BoolArray, until: FloatArray, actions: ActionList) -> None:
        """Days of the salvage course between these patients' clocks and `until`.

        Parameters
        ----------
        fresh : array (row,): what is due at the clock itself has not been given yet.
        """
        course = self.course
        begin, now = course.later_therapy_day[rows], course.clock[rows]
        for offset in range(int(self.assumed["chemotherapy_days"])):
            day = begin + offset
            due = (day < until) & ((day > now) | ((day == now) & fresh))
            actions.add(rows[due], day[due], Action.ADD_TO_STATE, course.system.index("chemo_drug"), 1.0)
