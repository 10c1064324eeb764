"""Death from disease, infection, transplant and other causes: hazards that the model integrates.

The states ``H_*`` of the model are integrated hazards. A patient dies when their sum passes the patient's own
exponential draw; the cause is drawn in proportion to what each hazard grew by. Death from toxicity is not here
(`toxicity`).
"""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.trial.course import Course
from engager.trial.tables import CAUSE_NAMES

HAZARDS = ("H_leukemia", "H_infection", "H_transplant", "H_background")


class Deaths:
    """Draws of one arm's patients, and who has died.

    Attributes
    ----------
    threshold : array (patient,): the summed hazard at which each patient dies.
    """

    def __init__(self, course: Course):
        self.course = course
        self.threshold = course.recruits.draw("death", "exponential")
        self._places = [course.system.index(name) for name in HAZARDS]

    def strike(self, rows: IntArray, before: FloatArray, start: FloatArray | float, length: FloatArray | float) -> None:
        """Deaths of these rows between `start` and `start + length` days.

        Parameters
        ----------
        rows : patients followed over the stretch.
        before : array (row, state): states at the start of the stretch.
        start, length : one number for all, or array (row,).
        """
        course = self.course
        now, then = course.states[rows][:, self._places], before[:, self._places]
        total_now, total_then = now.sum(axis=1), then.sum(axis=1)
        dying = total_now >= self.threshold[rows]
        if not dying.any():
            return
        dead = rows[dying]
        start, length = (np.broadcast_to(np.asarray(one, dtype=float), rows.shape)[dying] for one in (start, length))
        grown = np.maximum(now[dying] - then[dying], 0.0)
        share = (self.threshold[dead] - total_then[dying]) / np.maximum(grown.sum(axis=1), 1e-300)
        course.death_day[dead] = start + length * np.clip(share, 0.0, 1.0)
        mark = course.recruits.draw("death-cause", rows=dead) * grown.sum(axis=1)
        course.death_cause[dead] = 1 + (np.cumsum(grown, axis=1) < mark[:, None]).sum(axis=1).clip(0, 3)
        course.is_alive[dead] = False
        for cause in np.unique(course.death_cause[dead]):
            of_cause = dead[course.death_cause[dead] == cause]
            course.note(of_cause, course.death_day[of_cause], "death", detail=CAUSE_NAMES[cause])
