"""Response of nodal disease: the size of the tumor on images, as the criteria for lymphoma read it.

The size is the sum of products of diameters, which goes with the volume to the power 2/3. Complete response: what is
left of the tumor is too small to be told from none; partial response: half the size or less; progression: half again
the smallest size seen, and large enough to be a lesion (Cheson 2007, without the marrow and without new lesions, which
the models do not hold).
"""

from __future__ import annotations

import numpy as np

from engager.core import B_CELLS_GONE_PER_UL, IL6_HIGH_PG_PER_ML, BoolArray, FloatArray, IntArray
from engager.model import evaluate_outputs
from engager.protocol import Visits
from engager.trial.assumptions import Assumptions
from engager.trial.course import CR, NO_RESPONSE, PR, Course
from engager.trial.response.assessment import Assessment, VisitErrors, record_visit

# A diameter product goes with the volume to this power.
_SIZE_POWER = 2.0 / 3.0
_COLUMN = {"neutrophils_per_uL": "anc_per_uL"}
_BLOOD = ("anc_per_uL", "platelets_per_uL", "b_per_uL", "il6_pg_per_mL")


class ImagedResponse(Assessment):
    """Observation and response of one arm's patients with a tumor; what `Assessment` is for a marrow.

    Parameters
    ----------
    window_days : a response counts when first seen by this day; infinite: always.
    """

    def __init__(self, course: Course, visits: Visits, assumptions: Assumptions, window_days: float):
        super().__init__(course, visits, assumptions, window_days, in_remission=False)
        self._errors = VisitErrors(course, 5)
        course.tumor_entry[:] = self._cells(np.arange(course.n))

    def visit(self, rows: IntArray, has_marrow: BoolArray, kind: IntArray | int) -> IntArray:
        """Blood counts, and images where a marrow would be taken; nobody's blood tells of the tumor."""
        if not rows.size:
            return rows
        told, error = self._look(rows)
        tumor = np.full(rows.size, np.nan)
        imaged, error = rows[has_marrow], error[has_marrow]
        if imaged.size:
            volume_left = self._cells(imaged) / self.course.tumor_entry[imaged]
            size = volume_left**_SIZE_POWER * np.exp(self.assumed["tumor_size_error_cv"] * error)
            self._judge(imaged, size, volume_left * self.course.recruits.covariates["tumor_mL"][imaged])
            tumor[has_marrow] = 100.0 * size
        kinds = np.broadcast_to(np.asarray(kind), rows.shape)
        record_visit(self.course, rows, kinds, {**told, "tumor_percent": tumor})
        return rows[:0]

    def imaging(self, rows: IntArray) -> None:
        """Nothing beside the images of `visit`."""

    def due_in_follow_up(self, rows: IntArray, number: FloatArray) -> IntArray:
        """Rows off treatment who have images at their visit of this number: those without progression."""
        free = np.isnan(self.course.progression_day[rows])
        found: IntArray = rows[free & (number % self.assumed["images_every_visits"] == 0)]
        return found

    def progressed(self, rows: IntArray) -> IntArray:
        """Rows whose images have shown progression."""
        found: IntArray = rows[~np.isnan(self.course.progression_day[rows])]
        return found

    def partly_responding(self, rows: IntArray) -> BoolArray:
        """Who is in partial response at least."""
        found: BoolArray = self.course.remission[rows] >= PR
        return found

    def _cells(self, rows: IntArray) -> FloatArray:
        course = self.course
        found: FloatArray = np.sum([course.column(name)[rows] for name in course.roles.tumor], axis=0)
        return np.maximum(found, 0.0)

    def _look(self, rows: IntArray) -> tuple[dict[str, FloatArray], FloatArray]:
        """What a visit tells by column, and the error of its images in standard deviations."""
        course, seen = self.course, self.course.roles.seen
        parameters, inputs = course.recruits.parameters[rows], course.infusion[rows, None]
        found = evaluate_outputs(course.system, list(seen.values()), course.states[rows], parameters, inputs)
        error = self._errors.of(rows)
        told = {name: np.full(rows.size, np.nan) for name in ("marrow_blasts_percent", "mrd_log10", *_BLOOD)}
        for k, (name, own) in enumerate(seen.items()):
            counted = np.exp(self.assumed["count_error_cv"] * error[:, 1 + k])
            told[_COLUMN.get(name, name)] = np.maximum(found[own], 0.0) * counted
        day = course.clock[rows]
        gone = (told["b_per_uL"] < B_CELLS_GONE_PER_UL) & np.isnan(course.b_depleted_day[rows])
        course.b_depleted_day[rows[gone]] = day[gone]
        high = (told["il6_pg_per_mL"] >= IL6_HIGH_PG_PER_ML) & np.isnan(course.il6_high_day[rows])
        course.il6_high_day[rows[high]] = day[high]
        return told, error[:, 0]

    def _judge(self, rows: IntArray, size: FloatArray, left_mL: FloatArray) -> None:
        """Response or progression by the size seen [share of that at entry] and the volume that is left [mL]."""
        course, assumed, day = self.course, self.assumed, self.course.clock[rows]
        grown = size >= assumed["progression_size_ratio"] * course.tumor_least[rows]
        grown &= left_mL >= assumed["lesion_mL"]
        progressing = rows[grown & np.isnan(course.progression_day[rows])]
        course.tumor_least[rows] = np.minimum(course.tumor_least[rows], size)
        course.progression_day[progressing] = course.clock[progressing]
        course.note(progressing, course.clock[progressing], "progression")
        grade = np.where(size <= assumed["partial_response_size"], PR, NO_RESPONSE)
        grade = np.where(left_mL <= assumed["complete_response_mL"], CR, grade)
        grade[~np.isnan(course.progression_day[rows])] = NO_RESPONSE
        course.remission[rows] = grade
        # a complete response is what treatment of a marrow calls a clear one
        course.marrow_clear[rows] = grade == CR
        counts = ~(course.later_therapy_day[rows] < day) & (day <= self.window_days)
        first = rows[counts & (grade > NO_RESPONSE) & np.isnan(course.response_day[rows])]
        course.response_day[first] = course.clock[first]
        course.response_cycle[first] = np.maximum(course.cycle[first] - (course.cycle_day[first] == 1), 1)
        course.note(first, course.clock[first], "response", course.remission[first])
        complete = rows[counts & (grade == CR) & np.isnan(course.cr_day[rows])]
        course.cr_day[complete] = course.clock[complete]
        course.best[rows[counts]] = np.maximum(course.best[rows], grade)[counts]
        self._relapse(progressing, extramedullary=False)
