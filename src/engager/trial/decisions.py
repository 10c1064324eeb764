"""What the protocol decides from what a visit has observed: go on, stop, wait, a transplant, the next therapy.

In: patients who were seen, and what was seen. Out: courses with treatment ended or something planned. Not here: how a
response is read (`response`), how transplants and later therapy are drawn and given, what a toxicity does to the drug.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engager.core import BoolArray, IntArray
from engager.protocol import Regimen
from engager.trial.assumptions import Assumptions
from engager.trial.course import CR, NO_RESPONSE, Course
from engager.trial.later_therapy import LaterTherapy
from engager.trial.response.assessment import Assessment
from engager.trial.response.images import ImagedResponse
from engager.trial.transplant import Transplantation
from engager.trial.treatment import stop_treatment


class Decisions:
    """The decisions about the patients of one arm.

    Parameters
    ----------
    assessment : of their responses.
    transplantation, later_therapy : what a decision may plan.
    """

    def __init__(
        self,
        course: Course,
        regimen: Regimen,
        assumptions: Assumptions,
        assessment: Assessment | ImagedResponse,
        transplantation: Transplantation,
        later_therapy: LaterTherapy,
    ):
        self.course, self.regimen, self.assumed = course, regimen, assumptions
        self.assessment, self.transplantation, self.later_therapy = assessment, transplantation, later_therapy

    def on_treatment(self, rows: IntArray, at_marrow: IntArray, ended: IntArray) -> None:
        """A relapse or growth ends treatment; at the end of a cycle there is more to decide."""
        if not rows.size:
            return
        course = self.course
        self._end_for_relapse(rows[course.hold_days[rows] <= 0])
        self._end_for_progression(at_marrow[course.on_treatment[at_marrow]])
        self.end_of_cycle(ended[course.is_alive[ended] & course.on_treatment[ended]])

    def off_treatment(self, rows: IntArray) -> None:
        """Transplants, and the next therapy of those whose disease is back or has stayed."""
        if not rows.size:
            return
        self.transplantation.decide_later(rows)
        failing = self.later_therapy.failing(rows)
        self.transplantation.decide_outside_remission(failing)
        self.later_therapy.plan(failing)

    def fail(self, rows: IntArray, why: str) -> None:
        """Treatment has failed these patients: a transplant all the same, or the next therapy, or nothing more."""
        if not rows.size:
            return
        stop_treatment(self.course, rows, self.course.clock[rows], why)
        self.transplantation.decide_outside_remission(rows)
        self.later_therapy.plan(rows)

    def end_of_cycle(self, rows: IntArray) -> None:
        """Transplant, next cycle, or the end of treatment."""
        if not rows.size:
            return
        course, regimen = self.course, self.regimen
        # First, since who is transplanted in remission needs no further cycle.
        done = course.cycle[rows] - 1
        planned = self.transplantation.decide(rows, done)
        stop_treatment(course, planned, course.clock[planned], "transplant planned")
        rows = rows[course.on_treatment[rows]]
        done = course.cycle[rows] - 1
        # As in TOWER: after two cycles of induction those who respond go on (evidence: tower-2017).
        rule = regimen.continue_if
        if rule is not None:
            self.fail(rows[(done >= rule.after_cycle) & ~self._goes_on(rows, rule.response)], "no response")
            rows = rows[course.on_treatment[rows]]
        if (stop := regimen.stop_if) is not None:
            done = course.cycle[rows] - 1
            complete = rows[(done >= stop.after_cycle) & self._has_response(rows, stop.response)]
            stop_treatment(course, complete, course.clock[complete], "treatment completed")
            rows = rows[course.on_treatment[rows]]
        self._await_recovery(rows)
        finished = rows[course.cycle[rows] > regimen.cycles]
        without = course.remission[finished] == NO_RESPONSE
        self.fail(finished[without], "no response")
        completed = finished[~without]
        stop_treatment(course, completed, course.clock[completed], "treatment completed")

    def _end_for_relapse(self, rows: IntArray) -> None:
        relapsed = rows[~np.isnan(self.course.relapse_day[rows])]
        self.fail(relapsed, "relapse")

    def _end_for_progression(self, rows: IntArray) -> None:
        """A marrow with no fewer blasts than at entry, or a tumor that has grown, ends treatment."""
        self.fail(self.assessment.progressed(rows), "progression")

    def _goes_on(self, rows: IntArray, wanted: Sequence[str]) -> BoolArray:
        """Who has one of the responses that the regimen asks for."""
        course = self.course
        goes_on = self._has_response(rows, wanted)
        if "MRD_response" in wanted:
            goes_on |= ~np.isnan(course.mrd_response_day[rows])
        if "complete_MRD_response" in wanted:
            goes_on |= ~np.isnan(course.mrd_undetectable_day[rows])
        if "PR" in wanted:
            goes_on |= self.assessment.partly_responding(rows)
        return goes_on

    def _has_response(self, rows: IntArray, wanted: Sequence[str]) -> BoolArray:
        """Whether these rows are in a response of one of these names."""
        is_wanted = np.array([name in wanted for name in self.course.response_names])
        found: BoolArray = is_wanted[self.course.remission[rows]]
        return found

    def _await_recovery(self, rows: IntArray) -> None:
        """After chemotherapy the next course waits, once, for counts to recover in a cleared marrow."""
        course = self.course
        if not self.regimen.is_chemotherapy:
            return
        # In a marrow full of blasts counts do not recover by waiting.
        wait = rows[course.marrow_clear[rows] & (course.remission[rows] < CR) & (course.cycle_day[rows] == 1)]
        course.hold_days[wait] = self.assumed["recovery_wait_days"]
        course.note(wait, course.clock[wait], "hold", detail="awaiting recovery of counts")
