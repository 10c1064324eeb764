"""Death from disease, infection, transplant and other causes: hazards that the model integrates.

The model's part `hazards` names integrated hazards by cause. A patient dies when their sum passes the patient's own
exponential draw; the cause is drawn in proportion to the hazards at that instant. Death from toxicity is not here
(`toxicity`).
"""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.trial.course import Course
from engager.trial.tables import CAUSE_NAMES, cause_names


class Deaths:
    """Draws of one arm's patients, and who has died.

    Attributes
    ----------
    threshold : array (patient,): the summed hazard at which each patient dies.
    """

    def __init__(self, course: Course):
        self.course = course
        # the tables' code of each of the model's causes, in the model's order
        self._code = np.array([CAUSE_NAMES.index(cause) for cause in course.roles.hazards], dtype=np.int64)
        self.threshold = course.recruits.draw("death", "exponential")

    def strike(self, rows: IntArray, hazards: FloatArray) -> None:
        """Deaths of these rows at their clocks.

        Parameters
        ----------
        rows : patients whose summed hazard has reached their threshold.
        hazards : array (row, cause) [1/day]: each of the model's hazards at that instant, in their order.
        """
        if not rows.size:
            return
        course = self.course
        course.death_day[rows] = course.clock[rows]
        mark = course.recruits.draw("death-cause", rows=rows) * hazards.sum(axis=1)
        course.death_cause[rows] = self._code[
            (np.cumsum(hazards, axis=1) < mark[:, None]).sum(axis=1).clip(0, self._code.size - 1)
        ]
        course.is_alive[rows] = False
        for cause in np.unique(course.death_cause[rows]):
            of_cause = rows[course.death_cause[rows] == cause]
            course.note(of_cause, course.death_day[of_cause], "death", detail=cause_names(course.roles)[cause])
