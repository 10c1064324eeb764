"""Allogeneic transplantation: who is offered it, when it happens, what it does to the model's states."""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.engine import Action
from engager.protocol import Transplant
from engager.trial.assumptions import Assumptions
from engager.trial.course import NO_RESPONSE, Course
from engager.trial.dosing import ActionList

_EMPTIED = ("progenitor", "myeloid", "megakaryocytes")


class Transplantation:
    """Transplants of one arm.

    Notes
    -----
    Each patient has one draw that says whether a donor, fitness and will come together; it is compared with
    the protocol's probability. Conditioning kills a patient's own share of logs of every leukemic clone,
    graft-versus-leukemia and transplant-related hazard begin, hematopoiesis starts anew from the graft.
    """

    def __init__(self, course: Course, offer: Transplant, arm_id: str, assumed: Assumptions, mrd_limit: float):
        self.course, self.offer, self.assumed = course, offer, assumed
        self.mrd_limit_log10 = np.log10(mrd_limit)
        self.probability = offer.probability_of(arm_id)
        draws = course.recruits.draw("hsct", "uniform", 2)
        self._wants, self._wants_later = draws[:, 0], draws[:, 1]
        everybody = np.arange(course.n)
        logs = assumed.of("conditioning_log10_kill", everybody) + assumed.spread("conditioning_log10_kill") * (
            course.recruits.draw("conditioning", "normal")
        )
        self._left = 10.0 ** -np.maximum(logs, 0.0)

    def decide(self, rows: IntArray, cycles_done: IntArray) -> IntArray:
        """Plan transplants of treated patients at the end of a cycle; returns those planned."""
        course = self.course
        if self.offer.offer == "never":
            return rows[:0]
        fit = (course.remission[rows] > NO_RESPONSE) & (cycles_done >= self.offer.earliest_after_cycle)
        if self.offer.offer == "in_mrd_response":
            fit &= course.mrd_log10[rows] < self.mrd_limit_log10
        planned = rows[fit & (self._wants[rows] < self.probability) & np.isinf(course.hsct_planned[rows])]
        course.hsct_planned[planned] = course.clock[planned] + self.offer.delay_days
        return planned

    def decide_later(self, rows: IntArray) -> None:
        """Patients in a remission reached by a later therapy: some are transplanted as well."""
        course = self.course
        if self.offer.offer == "never":
            return
        fit = (
            course.marrow_clear[rows]
            & (course.later_therapy_day[rows] + 28 <= course.clock[rows])
            & np.isinf(course.hsct_planned[rows])
            & np.isnan(course.hsct_day[rows])
        )
        chosen = rows[fit & (self._wants_later[rows] < self.assumed.of("later_hsct_share", rows))]
        course.hsct_planned[chosen] = course.clock[chosen] + self.offer.delay_days

    def perform(self, rows: IntArray, actions: ActionList) -> None:
        """Transplants that are due at these patients' clocks, if the patient is still without relapse."""
        course, system = self.course, self.course.system
        due = rows[(course.hsct_planned[rows] <= course.clock[rows]) & np.isnan(course.hsct_day[rows])]
        if not due.size:
            return
        ready = course.marrow_clear[due]
        course.hsct_planned[due[~ready]] = np.nan
        due = due[ready]
        at = course.hsct_planned[due]
        course.hsct_day[due] = at
        course.hsct_in_response[due] = course.remission[due] > NO_RESPONSE
        course.note(due, at, "hsct")
        for clone in ("Lp", "Ln", "Sp", "Lb"):
            actions.add(due, at, Action.MULTIPLY_STATE, system.index(clone), self._left[due])
        for state in _EMPTIED:
            actions.add(due, at, Action.MULTIPLY_STATE, system.index(state), self.assumed["engraftment_left"])
        for switch in ("gvl", "trm_window"):
            actions.add(due, at, Action.SET_STATE, system.index(switch), _one(due))


def _one(rows: IntArray) -> FloatArray:
    return np.ones(rows.size)
