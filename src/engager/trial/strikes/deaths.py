"""Death from disease, infection, transplant and other causes: hazards that the model integrates.

The model's part `hazards` names integrated hazards by cause. A patient dies when their sum passes the patient's own
exponential draw; the cause is drawn in proportion to the hazards at that instant. Who dies of leukemia dies with it of
an infection or a bleeding, so part of these deaths are reported as adverse events; all deaths of another cause are.
Death from toxicity is not here (`toxicity`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engager.core import DISEASES, FloatArray, IntArray
from engager.trial.assumptions import Assumptions
from engager.trial.course import Course
from engager.trial.tables import CAUSE_NAMES, cause_names


class Deaths:
    """Draws of one arm's patients, and who has died.

    Attributes
    ----------
    threshold : array (patient,): the summed hazard at which each patient dies.
    """

    def __init__(self, course: Course, assumed: Assumptions):
        self.course, self._assumed = course, assumed
        # the tables' code of each of the model's causes, in the model's order
        self._code = np.array([CAUSE_NAMES.index(cause) for cause in course.roles.hazards], dtype=np.int64)
        self.threshold = course.recruits.draw("death", "exponential")
        self._struck: list[IntArray] = []

    def strike(self, rows: IntArray) -> None:
        """Deaths of these rows, whose summed hazard has reached their threshold, at their clocks."""
        course = self.course
        course.death_day[rows] = course.clock[rows]
        course.is_alive[rows] = False
        self._struck.append(rows)

    def name_causes(self, hazards_of: Callable[[IntArray], FloatArray]) -> None:
        """Say of what everybody has died who was struck: once for all, at the end, since no decision asks for it.

        Parameters
        ----------
        hazards_of : of rows, array (row, cause) [1/day]: each of the model's hazards, in their order, where those
            patients stand, which is where they died.
        """
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *self._struck])
        if not rows.size:
            return
        course, hazards = self.course, hazards_of(rows)
        mark = course.recruits.draw("death-cause", rows=rows) * hazards.sum(axis=1)
        course.death_cause[rows] = self._code[
            (np.cumsum(hazards, axis=1) < mark[:, None]).sum(axis=1).clip(0, self._code.size - 1)
        ]
        of_disease = np.isin(np.array(cause_names(course.roles))[course.death_cause[rows]], DISEASES)
        reported = course.recruits.draw("death-report", rows=rows) < self._assumed.of("fatal_ae_of_disease", rows)
        course.fatal_adverse_event[rows] = ~of_disease | reported
        for cause in np.unique(course.death_cause[rows]):
            of_cause = rows[course.death_cause[rows] == cause]
            course.note(of_cause, course.death_day[of_cause], "death", detail=cause_names(course.roles)[cause])
