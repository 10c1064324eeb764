"""What a visit sees, and what it is called: blasts, counts, residual disease, response, relapse.

Decisions use only what is observed here, with the error of a differential, a blood count and an assay. The limits of
counts and blasts that make a CR, CRh or CRi stand in ``data/assumptions.yaml`` with the trials they are from.
"""

from __future__ import annotations

import numpy as np

from engager.core import BoolArray, FloatArray, IntArray, as_normal
from engager.model import evaluate_outputs, parameters_by_column
from engager.protocol import Visits
from engager.trial.assumptions import Assumptions
from engager.trial.course import CR, CRH, CRI, FOLLOW_UP, NO_RESPONSE, Course

# Partial remission in the definitions of most trials: 25 % blasts or fewer.
PARTIAL_REMISSION_PERCENT = 25.0


class Assessment:
    """Observation and response assessment for one arm.

    Parameters
    ----------
    window_days : a response counts when first seen by this day; infinite: always.
    outside : array (patient,) of bool; at the last look there was extramedullary disease large enough to be noticed.
        Nobody is in response while there is, whatever the marrow shows.
    in_remission : patients entered in remission; residual disease is then read in everybody.
    """

    def __init__(
        self, course: Course, visits: Visits, assumptions: Assumptions, window_days: float, in_remission: bool
    ):
        self.course, self.visits, self.assumed = course, visits, assumptions
        self.window_days, self.in_remission = window_days, in_remission
        self.outside = np.zeros(course.n, dtype=bool)
        self._errors = VisitErrors(course, 4)
        seen = list(course.roles.seen.values())
        self._parameters = parameters_by_column(course.system, seen, course.recruits.parameters)

    def visit(self, rows: IntArray, has_marrow: BoolArray, kind: IntArray | int) -> IntArray:
        """Blood counts, and a marrow where one is taken: remission or not, residual disease, relapse.

        Parameters
        ----------
        rows : who is seen, each once.
        has_marrow : array (row,). kind : array (row,), of `VISIT_KINDS`.

        Returns
        -------
        Rows without a marrow in whose blood blasts were seen.
        """
        if not rows.size:
            return rows
        kind = np.broadcast_to(np.asarray(kind), rows.shape)
        self._look_outside(rows[has_marrow | (kind == FOLLOW_UP)])
        seen = self._observe(rows)
        sampled = rows[has_marrow]
        self._read_marrow(sampled, seen["marrow_blasts_percent"][has_marrow])
        self._classify(rows, seen)
        self._read_mrd(sampled, seen["log10_mrd"][has_marrow])
        record_visit(self.course, rows, kind, self._of_marrow(rows, seen, has_marrow))
        with_blasts = seen["blood_blasts_per_uL"] >= self.assumed["blood_blasts_seen_per_uL"]
        found: IntArray = rows[with_blasts & ~has_marrow]
        return found

    def _read_marrow(self, rows: IntArray, blasts: FloatArray) -> None:
        """What the marrow shows, and a relapse; `_classify` then says what remission that is."""
        if not rows.size:
            return
        course = self.course
        clear = blasts <= self.assumed["remission_blasts_percent"]
        was_clear = course.marrow_clear[rows]
        course.marrow_clear[rows] = clear
        course.blasts_seen[rows] = blasts
        relapsed = rows[was_clear & ~clear & ~np.isnan(course.response_day[rows])]
        self._relapse(relapsed, extramedullary=False)

    def due_in_follow_up(self, rows: IntArray, number: FloatArray) -> IntArray:
        """Rows off treatment whose marrow is due at their visit of this number: those in remission."""
        controlled = self.course.marrow_clear[rows]
        found: IntArray = rows[controlled & (number % self.assumed["marrow_every_visits_in_remission"] == 0)]
        return found

    def progressed(self, rows: IntArray) -> IntArray:
        """Rows whose marrow shows no fewer blasts than at entry, once an early marrow has passed."""
        course = self.course
        entry = course.recruits.covariates["marrow_blasts_percent"][rows]
        least = np.maximum(entry * self.assumed["progression_blasts_ratio"], PARTIAL_REMISSION_PERCENT)
        worse = ~course.marrow_clear[rows] & (course.blasts_seen[rows] >= least)
        found: IntArray = rows[worse & (course.clock[rows] >= self.assumed["progression_from_day"])]
        return found

    def partly_responding(self, rows: IntArray) -> BoolArray:
        """Who is in partial remission, by the last marrow."""
        found: BoolArray = self.course.blasts_seen[rows] <= PARTIAL_REMISSION_PERCENT
        return found

    def imaging(self, rows: IntArray) -> None:
        """Extramedullary disease large enough to be noticed is a relapse for a patient in response."""
        course = self.course
        self._look_outside(rows)
        self._relapse(rows[self.outside[rows] & (course.remission[rows] > NO_RESPONSE)], extramedullary=True)

    def _look_outside(self, rows: IntArray) -> None:
        """Images, which every visit in follow-up and every marrow comes with."""
        if not self.course.roles.sanctuary or not rows.size:
            return
        cells = self.course.column(self.course.roles.sanctuary)[rows]
        self.outside[rows] = cells >= self.assumed["sanctuary_relapse_cells"]

    def _observe(self, rows: IntArray) -> dict[str, FloatArray]:
        course = self.course
        seen = course.roles.seen
        inputs = course.infusion[:, None]
        found = evaluate_outputs(course.system, list(seen.values()), course.states, self._parameters, inputs, rows=rows)
        true = {name: found[own] for name, own in seen.items()}
        error = self._errors.of(rows)
        share = np.clip(true["marrow_blasts_percent"] / 100.0, 0.0, 1.0)
        counted = np.sqrt(share * (1.0 - share) / self.assumed["blast_count_cells"])
        cv = self.assumed["count_error_cv"]
        return {
            "marrow_blasts_percent": 100.0 * np.clip(share + counted * error[:, 0], 0.0, 1.0),
            "log10_mrd": true["log10_mrd"] + self.assumed["mrd_error_log10"] * error[:, 1],
            "blood_blasts_per_uL": true["blood_blasts_per_uL"],
            "neutrophils_per_uL": np.maximum(true["neutrophils_per_uL"], 0.0) * np.exp(cv * error[:, 2]),
            "platelets_per_uL": np.maximum(true["platelets_per_uL"], 0.0) * np.exp(cv * error[:, 3]),
        }

    def _classify(self, rows: IntArray, seen: dict[str, FloatArray]) -> None:
        """CR, CRh or CRi of patients whose last marrow was clear, by today's counts."""
        course, assumed = self.course, self.assumed
        anc, platelets = seen["neutrophils_per_uL"], seen["platelets_per_uL"]
        full_anc, full_platelets = assumed["cr_neutrophils_per_uL"], assumed["cr_platelets_per_uL"]
        has_anc, has_platelets = anc > full_anc, platelets > full_platelets
        half = (anc > assumed["crh_neutrophils_per_uL"]) & (platelets > assumed["crh_platelets_per_uL"])
        grade = np.where(half, CRH, np.where(has_anc | has_platelets, CRI, NO_RESPONSE))
        grade = np.where(has_anc & has_platelets, CR, grade)
        clear = course.marrow_clear[rows]
        grade[~clear | ~np.isnan(course.relapse_day[rows]) | self.outside[rows]] = NO_RESPONSE
        # Counts may fall again in a remission; the class stays the best of this remission.
        course.remission[rows] = np.where(clear, np.maximum(course.remission[rows], grade), NO_RESPONSE)
        day = course.clock[rows]
        # What a later therapy brings is not a response to the study drug.
        counts = (grade > NO_RESPONSE) & ~(course.later_therapy_day[rows] < day) & (day <= self.window_days)
        rows, grade = rows[counts], grade[counts]
        first = rows[np.isnan(course.response_day[rows])]
        course.response_day[first] = course.clock[first]
        # The morning of a cycle's first day still shows what the cycle before has done.
        course.response_cycle[first] = np.maximum(course.cycle[first] - (course.cycle_day[first] == 1), 1)
        course.note(first, course.clock[first], "response", course.remission[first])
        for least, when in ((CRH, course.crh_day), (CR, course.cr_day)):
            new = rows[(grade >= least) & np.isnan(when[rows])]
            when[new] = course.clock[new]
        course.best[rows] = np.maximum(course.best[rows], grade)

    def _read_mrd(self, rows: IntArray, reading: FloatArray) -> None:
        """Residual disease of patients in remission; the lowest reading within the window is kept.

        A reading after a relapse or under a later therapy tells nothing of the study drug, as with responses.
        """
        if not rows.size:
            return
        course = self.course
        assessed = course.marrow_clear[rows] if self.in_remission else course.remission[rows] > NO_RESPONSE
        day = course.clock[rows]
        assessed &= (day <= self.window_days) & ~self.outside[rows]
        assessed &= np.isnan(course.relapse_day[rows]) & ~(course.later_therapy_day[rows] < day)
        rows, reading, day = rows[assessed], reading[assessed], day[assessed]
        limit = np.log10(self.visits.mrd.limit)
        floor = limit + np.log10(self.assumed.of("mrd_sensitivity", rows))
        for below, when in (
            (np.inf, course.mrd_first_day),
            (limit, course.mrd_response_day),
            (floor, course.mrd_undetectable_day),
        ):
            new = (reading < below) & np.isnan(when[rows])
            when[rows[new]] = day[new]
        better = ~(reading >= course.mrd_log10[rows])
        chosen = rows[better]
        course.mrd_day[chosen] = day[better]
        course.mrd_undetectable[chosen] = (reading < floor)[better]
        course.mrd_log10[chosen] = np.maximum(reading, floor)[better]

    def _relapse(self, rows: IntArray, *, extramedullary: bool) -> None:
        course = self.course
        rows = rows[np.isnan(course.relapse_day[rows]) & ~np.isnan(course.response_day[rows])]
        if not rows.size:
            return
        day = course.clock[rows]
        course.relapse_day[rows] = day
        course.remission[rows] = NO_RESPONSE
        course.relapse_is_extramedullary[rows] = extramedullary
        without = set(course.roles.pools.get("antigen_negative", ()))
        cells = {clone: course.column(clone)[rows] for clone in course.roles.clones}
        negative = _total(cells, without, rows.size) > _total(cells, set(cells) - without, rows.size)
        course.relapse_is_negative[rows] = negative
        course.note(rows, day, "relapse", detail="extramedullary" if extramedullary else "marrow")

    def _of_marrow(self, rows: IntArray, seen: dict[str, FloatArray], has_marrow: BoolArray) -> dict[str, FloatArray]:
        """What a visit tells, by column; of a marrow only where one was taken."""
        blank = np.full(rows.size, np.nan)
        return {
            "marrow_blasts_percent": np.where(has_marrow, seen["marrow_blasts_percent"], np.nan),
            "tumor_percent": blank,
            "anc_per_uL": seen["neutrophils_per_uL"],
            "platelets_per_uL": seen["platelets_per_uL"],
            "b_per_uL": blank,
            "il6_pg_per_mL": blank,
            "mrd_log10": np.where(has_marrow & self.course.marrow_clear[rows], seen["log10_mrd"], np.nan),
        }


class VisitErrors:
    """What chance adds to the readings of each visit: a few visits of everybody are drawn at a time.

    Drawing costs by the call, not by the number, when few are drawn; patients make their visits each on its own days,
    so a call for each visit would draw for few. What is drawn depends on the patient and the number of the visit only.

    Parameters
    ----------
    n_readings : standard normal draws of one visit.
    """

    # visits drawn at a time, and how many of them are over when a patient gets new ones along with others
    _AHEAD, _NEARLY = 8, 6

    def __init__(self, course: Course, n_readings: int):
        self.course, self._n_readings = course, n_readings
        self._first = np.full(course.n, -self._AHEAD, dtype=np.int64)
        self._drawn = np.zeros((course.n, self._AHEAD, n_readings))

    def of(self, rows: IntArray) -> FloatArray:
        """Array (row, reading) for the next visit of each of these patients, which is then counted."""
        number = self.course.n_seen[rows]
        place = number - self._first[rows]
        if np.any(place >= self._AHEAD):
            self._draw(rows)
            place = number - self._first[rows]
        self.course.n_seen[rows] += 1
        # made normal when read, since some of what is drawn ahead never is
        return as_normal(self._drawn.reshape(-1, self._n_readings).take(rows * self._AHEAD + place, axis=0))

    def _draw(self, rows: IntArray) -> None:
        course = self.course
        wanting = course.is_alive & (course.n_seen - self._first >= self._NEARLY)
        wanting[rows] |= course.n_seen[rows] - self._first[rows] >= self._AHEAD
        who = np.flatnonzero(wanting)
        first = course.n_seen[who]
        occasion = (first[:, None] + np.arange(self._AHEAD)).ravel()
        drawn = course.recruits.draw("visit", "uniform", self._n_readings, np.repeat(who, self._AHEAD), occasion)
        self._first[who], self._drawn[who] = first, drawn.reshape(who.size, self._AHEAD, self._n_readings)


def record_visit(course: Course, rows: IntArray, kind: IntArray, told: dict[str, FloatArray]) -> None:
    """Keep what a visit of these rows told, by column; `kind` is of `VISIT_KINDS`."""
    course.visits.append(
        {
            "row": rows,
            "day": course.clock[rows],
            "cycle": course.cycle[rows],
            "cycle_day": course.cycle_day[rows],
            "kind": kind,
            **told,
            "dose_ug_per_day": course.infusion[rows] + course.injected[rows],
            "on_treatment": course.on_treatment[rows],
        }
    )


def _total(cells: dict[str, FloatArray], clones: set[str], n: int) -> FloatArray:
    """Cells of these clones: array (row,)."""
    return sum((cells[name] for name in cells if name in clones), np.zeros(n))
