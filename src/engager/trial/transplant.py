"""Allogeneic transplantation: who is offered it, when it happens, what it does to the model's states."""

from __future__ import annotations

import numpy as np

from engager.core import IntArray
from engager.engine import Action
from engager.protocol import LaterTherapyBlock, Transplant
from engager.trial.assumptions import Assumptions, shifted_share
from engager.trial.course import NO_RESPONSE, Course
from engager.trial.dosing import ActionList
from engager.trial.later_therapy import JUDGED_AFTER_DAYS


class Transplantation:
    """Transplants of one arm.

    Notes
    -----
    Each patient has one draw that says whether a donor, fitness and will come together; it is compared with the
    protocol's probability. Others say whether a transplant follows a remission by a later line, or comes although
    treatment has failed. Conditioning kills a patient's own share of logs of every leukemic clone, less
    where it is of reduced intensity; graft-versus-leukemia and the hazards of transplantation begin, worse with active
    disease and after an earlier transplant; the graft makes counts of its own. A second transplant is possible after a
    relapse.

    Who is offered a transplant, how often it comes about and how soon stands in the study file with its source. What
    conditioning kills, whom it is reduced for, and what active disease or an earlier transplant add to the risk stands
    in ``data/assumptions.yaml``: hardly any of it was published by patient.
    """

    def __init__(
        self,
        course: Course,
        offer: Transplant,
        later: LaterTherapyBlock,
        arm_id: str,
        assumed: Assumptions,
        mrd_limit: float,
        start_year: int,
    ):
        self.course, self.offer, self.assumed = course, offer, assumed
        self.mrd_limit_log10 = np.log10(mrd_limit)
        self.probability = offer.probability_of(arm_id)
        draws = course.recruits.draw("hsct", "uniform", 2)
        self._wants, self._wants_outside = draws[:, 0], draws[:, 1]
        n_lines = max(len(later.lines), 1)
        self._wants_later = course.recruits.draw("hsct-later", "uniform", n_lines).reshape(course.n, n_lines)
        everybody = np.arange(course.n)
        shift = assumed.of("later_hsct_log_odds", everybody)
        # chance after line 1, 2, ...; none before the first
        self._chance = np.zeros((course.n, n_lines + 1))
        for k, line in enumerate(later.lines):
            self._chance[:, k + 1] = shifted_share(line.hsct, shift)
        self._outside = shifted_share(offer.outside_remission, shift)
        covariates = course.recruits.covariates
        reduced = covariates["age_years"] >= assumed["reduced_intensity_age_years"]
        reduced &= start_year >= assumed["reduced_intensity_since_year"]
        logs = assumed.of("conditioning_log10_kill", everybody) + assumed.spread("conditioning_log10_kill") * (
            course.recruits.draw("conditioning", "normal")
        )
        logs -= np.where(reduced, assumed["reduced_intensity_log10_less"], 0.0)
        self._left = 10.0 ** -np.maximum(logs, 0.0)
        self._is_second = covariates.get("prior_hsct", np.zeros(course.n)) > 0.5
        self._window = np.where(reduced, assumed["reduced_intensity_trm_ratio"], 1.0)

    def decide(self, rows: IntArray, cycles_done: IntArray) -> IntArray:
        """Plan transplants of treated patients at the end of a cycle; returns those planned."""
        course = self.course
        if self.offer.offer == "never":
            return rows[:0]
        # In the remission that treatment brought, as 32 of 81 responders of MT103-211 (evidence: topp-2015-phase2).
        fit = (course.remission[rows] > NO_RESPONSE) & (cycles_done >= self.offer.earliest_after_cycle)
        if self.offer.offer == "in_mrd_response":
            fit &= course.mrd_log10[rows] < self.mrd_limit_log10
        planned = rows[fit & (self._wants[rows] < self.probability) & np.isinf(course.hsct_planned[rows])]
        course.hsct_planned[planned] = course.clock[planned] + self.offer.delay_days
        return planned

    def decide_outside_remission(self, rows: IntArray) -> None:
        """Patients whose treatment has just failed: some are transplanted all the same, once."""
        course = self.course
        # Nobody is transplanted twice with active disease, and nobody waits for two transplants.
        fit = np.isinf(course.hsct_planned[rows]) & (course.n_hsct[rows] == 0) & ~course.hsct_outside[rows]
        chosen = rows[fit & (self._wants_outside[rows] < self._outside[rows])]
        course.hsct_planned[chosen] = course.clock[chosen] + self.offer.delay_days
        course.hsct_outside[chosen] = True

    def decide_later(self, rows: IntArray) -> None:
        """Patients in a remission reached by a later line: some are transplanted as well."""
        course = self.course
        if self.offer.offer == "never":
            return
        line = course.later_line[rows]
        # The line has cleared the marrow, is judged, and was not followed by a transplant yet; a third is not done.
        fit = course.marrow_clear[rows] & (line > 0) & (course.line_day[rows] + JUDGED_AFTER_DAYS <= course.clock[rows])
        fit &= np.isinf(course.hsct_planned[rows]) & ~(course.last_hsct_day[rows] > course.line_day[rows])
        fit &= course.n_hsct[rows] < 2
        rows, line = rows[fit], line[fit]
        again = (course.n_hsct[rows] > 0) * np.log(self.assumed["second_hsct_odds_ratio"])
        chance = shifted_share(self._chance[rows, line], again)
        chosen = rows[self._wants_later[rows, line - 1] < chance]
        course.hsct_planned[chosen] = course.clock[chosen] + self.offer.delay_days

    def perform(self, rows: IntArray, actions: ActionList) -> None:
        """Transplants that are due at these patients' clocks: in remission still, or meant to be outside it."""
        course, system = self.course, self.course.system
        due = rows[course.hsct_planned[rows] <= course.clock[rows]]
        if not due.size:
            return
        # Who has relapsed while a donor was sought is not transplanted in a remission that is over.
        ready = course.marrow_clear[due] | course.hsct_outside[due]
        course.hsct_planned[due[~ready]] = np.inf
        due = due[ready]
        at = course.hsct_planned[due]
        again = self._is_second[due] | (course.n_hsct[due] > 0)
        first = course.n_hsct[due] == 0
        course.hsct_day[due[first]] = at[first]
        # in the response to the study drug, not in what a later line brought
        own = (
            (course.remission[due] > NO_RESPONSE) & ~np.isnan(course.response_day[due]) & (course.later_line[due] == 0)
        )
        course.hsct_in_response[due[first]] = own[first]
        course.last_hsct_day[due] = at
        course.n_hsct[due] += 1
        course.hsct_planned[due], course.hsct_outside[due] = np.inf, False
        course.note(due[first], at[first], "hsct")
        course.note(due[~first], at[~first], "hsct", detail="second")
        roles = course.roles
        for pool in roles.leukemia:
            actions.add(due, at, Action.MULTIPLY_STATE, system.index(pool), self._left[due])
        parts = roles.transplant
        for state in parts["emptied"]:
            actions.add(due, at, Action.MULTIPLY_STATE, system.index(state), self.assumed["engraftment_left"])
        actions.add(due, at, Action.SET_STATE, system.index(parts["stem"]), self.assumed["engraftment_left"])
        for switch in parts["grafted"]:
            actions.add(due, at, Action.SET_STATE, system.index(switch), 1.0)
        window = self._window[due] * np.where(again, self.assumed["second_hsct_trm_ratio"], 1.0)
        window *= np.where(course.marrow_clear[due], 1.0, self.assumed.of("active_disease_trm_ratio", due))
        actions.add(due, at, Action.SET_STATE, system.index(parts["window"]), window)
        late = np.full(due.size, float(self.assumed["transplant_late_effects"]))
        actions.add(due, at, Action.SET_STATE, system.index(parts["late_effects"]), late)
