"""A virtual trial: recruit, then let the engine carry every patient to its own next decision, and the protocol decide.

Every patient has a clock. A round takes each living patient from where it stands to the nearest of its next marrow,
clinic visit, change of dose, end of a pause or cycle, planned transplant or later therapy (`Calendar`), unless
something strikes before: a death, a toxicity, the loss of a clone's last cell. These are found within the solver's
step, at the instant at which an integrated hazard reaches the patient's draw, so nothing depends on how often one
looks. Blood counts on the way are read from the course as it passes; whom they take off treatment goes back to that
morning, and on from there.

The order of things at a patient's clock:
    1. what struck takes effect (`strikes`): death; a toxicity, which may stop or interrupt the drug at once; a clone
       that is gone.
    2. on treatment, in the morning: the days that have passed are counted (a pause or a cycle may end), the visits of
       this morning are made, and treatment goes on, pauses or ends by what they show (`decisions`). So it is on the
       mornings of blood counts on the way, which come before what strikes later.
    3. off treatment, on a visit day: blood, marrow, imaging; later therapy and transplants are planned.
    4. what is due now is given: the morning's dose with its premedication, a transplant, a later therapy. Then on.

Nothing here looks at hidden states to decide: what a visit observed (`assessment`) and what happened (`toxicity`,
deaths) is all the protocol knows. Hidden states enter only as biology: extinction of a clone below its last cell,
hazards that accumulate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from engager.core import DAYS_PER_MONTH, RESPONSE_WINDOW_DAYS, BoolArray, FloatArray, IntArray
from engager.engine import OdeProblem, Trajectories, solve
from engager.model import Model, evaluate_rates, initial_states
from engager.population import PopulationValues, Settings
from engager.protocol import WINDOWED_RESPONSES, Arm, Endpoint, Protocol, Target
from engager.trial.assumptions import Assumptions, with_trial_effects
from engager.trial.calendar import Calendar
from engager.trial.course import BASELINE, FOLLOW_UP, IN_CYCLE, NO_RESPONSE, SUSPECTED, Course, start_course
from engager.trial.decisions import Decisions
from engager.trial.dosing import ActionList, DosePlan, give_courses, give_tocilizumab, plan_day
from engager.trial.later_therapy import LaterTherapy
from engager.trial.recruit import Lists, recruit
from engager.trial.regimen_strength import arm_strength
from engager.trial.response.assessment import Assessment
from engager.trial.response.images import ImagedResponse
from engager.trial.samples import DailyCourses
from engager.trial.strikes.deaths import Deaths
from engager.trial.strikes.toxicity import Toxicity
from engager.trial.strikes.watch import Strikes
from engager.trial.tables import TrialData, assemble
from engager.trial.transplant import Transplantation
from engager.trial.treatment import advance_days

Progress = Callable[[float], None]
# Shown every problem before it is solved: arm, rows of its course, problem, whose initial states are those of the
# course; what it returns is called with the engine's answer, when these states are those at the end: of the stretch, or
# on the morning to which blood counts took a patient back, whom then nothing stopped.
Witness = Callable[[str, IntArray, OdeProblem], Callable[[Trajectories], None]]

# Of 40,494 patients of 14 studies 8 end otherwise than at 1e-7, and 5 at 1e-4 (docs/decisions/0003-solver-methods.md):
# the engine's own error stays far below assay and sampling error.
RTOL = 3e-4
# The model is stiff (hours beside months); asking the engine to find that out every round would cost more than solving.
METHOD = "rodas5p"


def simulate_here(
    protocol: Protocol,
    *,
    replicates: Sequence[int],
    seed: int,
    n_threads: int | None = None,
    progress: Progress | None = None,
    settings: Callable[[int], PopulationValues | Mapping[str, float]] | None = None,
    n_sampled: int = 24,
    backend: str = "auto",
    arms: Sequence[str] | None = None,
    common_chance: bool = False,
    witness: Witness | None = None,
) -> TrialData:
    """Run whole virtual trials in this process; see `replicates.simulate_trial`.

    Parameters
    ----------
    n_threads : of the solver; None: all cores.
    arms : those to simulate; None: all.
    common_chance : every replicate has the patients and the luck of replicate 0.
    witness : sees every problem and its solution, for measuring.
    """
    values = {one: PopulationValues.read(settings(one) if settings else {}) for one in replicates}
    courses: dict[str, Course] = {}
    chosen = list(protocol.arms) if arms is None else list(arms)
    lists = Lists(protocol, seed, replicates, common_chance)
    for k, arm_id in enumerate(chosen):
        arm, model = protocol.arms[arm_id], protocol.model_of(arm_id)
        drawn = {
            one: with_trial_effects(found.for_model(model), model, protocol.study, seed, 0 if common_chance else one)
            for one, found in values.items()
        }
        choose = drawn.__getitem__
        run = ArmRun(
            protocol, arm_id, arm, model, seed, replicates, choose, n_threads, n_sampled, backend, common_chance,
            witness, lists,
        )  # fmt: skip

        def tell(share: float, done: int = k) -> None:
            if progress is not None:
                progress((done + share) / len(chosen))

        courses[arm_id] = run.run(tell)
    return assemble(protocol, courses)


class ArmRun:
    """One arm of a virtual trial, all replicates at once."""

    def __init__(
        self,
        protocol: Protocol,
        arm_id: str,
        arm: Arm,
        model: Model,
        seed: int,
        replicates: Sequence[int],
        settings: Settings,
        n_threads: int | None,
        n_sampled: int,
        backend: str,
        common_chance: bool = False,
        witness: Witness | None = None,
        lists: Lists | None = None,
    ):
        self.witness = witness
        self.protocol, self.arm_id, self.regimen, self.model = protocol, arm_id, arm.regimen, model
        self.n_threads, self.backend = n_threads, backend
        self.in_remission = protocol.population.setting == "mrd_positive"
        recruits = recruit(protocol, arm_id, model, seed, replicates, settings, common_chance, lists)
        self.assumed = Assumptions({one: settings(one) for one in replicates}, recruits.replicate)
        self.system, self.roles = model.system, model.roles
        states = initial_states(self.system, recruits.parameters)
        self.course = start_course(recruits, model, states, self.in_remission)
        self.strength = arm_strength(self.regimen, settings, recruits.replicate)
        # of the model, with the chemotherapy that each patient gets now; what was drawn for that is kept apart
        self.parameters = recruits.parameters
        self._drawn = {
            name: recruits.parameters[:, self.system.parameters.index(name)].copy()
            for name in (self.roles.chemotherapy_sensitivity, self.roles.marrow_toxicity)
            if name
        }
        self._set_chemotherapy(np.arange(self.course.n))
        weight_kg, bsa_m2 = recruits.covariates["weight_kg"], recruits.covariates["bsa_m2"]
        self.plan = DosePlan(self.regimen, weight_kg, bsa_m2, model)
        window = self._window_days()
        self.assessment = (
            ImagedResponse(self.course, protocol.visits, self.assumed, window)
            if model.roles.is_nodal
            else Assessment(self.course, protocol.visits, self.assumed, window, self.in_remission)
        )
        self.transplantation = Transplantation(
            self.course, protocol.hsct, protocol.later_therapy, arm_id, self.assumed, protocol.visits.mrd.limit,
            protocol.follow_up.start_year,
        )  # fmt: skip
        self.deaths = Deaths(self.course, self.assumed)
        toxicity = Toxicity(self.course, self.regimen, self.assumed)
        self.strikes = Strikes(self.course, self.system, self.regimen, self.deaths, toxicity)
        self.later_therapy = LaterTherapy(self.course, protocol.later_therapy, self.assumed)
        self.decisions = Decisions(
            self.course, self.regimen, self.assumed, self.assessment, self.transplantation, self.later_therapy
        )
        self.is_sampled = (recruits.replicate == 0) & (recruits.number < n_sampled)
        self.horizon = protocol.follow_up.months * DAYS_PER_MONTH
        self.calendar = Calendar(self.course, self.plan, protocol.visits, self.horizon)
        self.atol = np.array(model.roles.tolerance_of(self.system.states))

    def run(self, progress: Progress) -> Course:
        """Follow everybody to death or the end of follow-up."""
        course = self.course
        everybody = np.arange(course.n)
        self.assessment.visit(everybody, np.zeros(course.n, dtype=bool), BASELINE)
        # Who never gets the study's treatment goes on to the next at once.
        self.decisions.fail(np.flatnonzero(~course.on_treatment), "never treated")
        self.daily = DailyCourses(course, np.flatnonzero(self.is_sampled))
        rows = self._followed(everybody)
        while rows.size:
            self._round(rows)
            rows = self._followed(rows)
            progress(1.0 - float(np.sum(1.0 - course.clock[rows] / self.horizon)) / course.n)
        self.daily.keep(self._solve)
        self.deaths.name_causes(lambda dead: self._rates(list(self.roles.hazards.values()), dead))
        progress(1.0)
        return course

    def _followed(self, rows: IntArray) -> IntArray:
        """Those of these patients who are alive and not at the end of follow-up."""
        course = self.course
        return rows[course.is_alive[rows] & (course.clock[rows] < self.horizon)]

    # ---- a round ----
    def _round(self, rows: IntArray) -> None:
        """Give these patients what is due, carry each to its next decision or to what strikes before, and decide."""
        course, actions = self.course, ActionList()
        fresh = course.begun[rows] != course.clock[rows]
        self._begin(rows[fresh], actions)
        until = self.calendar.next_decision(rows)
        give_courses(course, self.plan, rows, fresh, until, actions)
        self.later_therapy.give(rows, fresh, until, actions)
        stopped = self._carry(rows, until, actions)
        self.strikes.take_effect(rows, stopped, until)
        arrived = rows[(course.clock[rows] >= until) & course.is_alive[rows]]
        treated = course.on_treatment[arrived]
        off = arrived[~treated]
        self._today(arrived[treated & self.calendar.is_morning(arrived)], off[self.calendar.is_clinic_day(off)])

    def _begin(self, rows: IntArray, actions: ActionList) -> None:
        """What is given at these patients' clocks; once, also when something strikes at the same instant."""
        course = self.course
        course.begun[rows] = course.clock[rows]
        treated = course.on_treatment[rows]
        mornings = rows[treated & self.calendar.is_morning(rows)]
        if mornings.size:
            plan_day(course, self.plan, mornings, actions)
        give_tocilizumab(course, rows, actions)
        off = rows[~treated]
        line = course.later_line[off]
        self.later_therapy.begin(off, actions)
        self._set_chemotherapy(off[course.later_line[off] != line])
        self.transplantation.perform(off, actions)

    def _carry(self, rows: IntArray, until: FloatArray, actions: ActionList) -> IntArray:
        """Solve these patients from their clocks to `until`, and read the blood counts on the way.

        Returns
        -------
        array (row,) : which strike came before, else -1.
        """
        course = self.course
        start, counts = course.clock[rows], self.calendar.counts_before(rows, until)
        infusion = course.infusion[rows]
        inputs = np.zeros((rows.size, len(self.system.inputs)))
        self.plan.set_rates(inputs, infusion)
        # after a change of the infusion, hours matter again: a step of days would only be refused
        goes_on = infusion == course.infused[rows]
        course.infused[rows] = infusion
        problem = OdeProblem(
            system=self.system,
            parameters=self.parameters,
            save_times=np.column_stack([start, counts, until]),
            inputs=inputs,
            initial=course.states,
            schedule=actions.schedule(rows),
            first_step=np.where(goes_on, course.step[rows], 0.0),
            stops=self.strikes.stops(rows),
            rows=rows,
            in_place=True,
        )
        self.daily.note(rows, problem)
        tell = self.witness(self.arm_id, rows, problem) if self.witness is not None else None
        solution = self._solve(problem)
        course.step[rows] = solution.last_step
        is_failed = solution.status != 0
        course.is_failed[rows] = is_failed
        # who could not be followed was last seen at the beginning of the stretch
        ended = np.where(solution.stopped >= 0, solution.end_time, until)
        course.clock[rows] = np.where(is_failed, start, ended)
        course.is_alive[rows[is_failed]] = False
        back = self._read_counts(rows, np.where(counts < until[:, None], counts, np.inf), solution.values)
        stopped = np.where(is_failed | back, -1, solution.stopped)
        if tell is not None:
            tell(replace(solution, stopped=stopped, end_time=course.clock[rows]))
        return stopped

    def _read_counts(self, rows: IntArray, counts: FloatArray, states: FloatArray) -> BoolArray:
        """The visits for blood counts that these patients have passed, each at its own morning.

        Parameters
        ----------
        counts : array (row, time): their mornings, rising; infinite where there is none.
        states : array (row, time, state) on these mornings.

        Returns
        -------
        array (row,) : whom one of them has taken off treatment. They stand at that morning, the others where they were.
        """
        course, back = self.course, np.zeros(rows.size, dtype=bool)
        is_passed = counts <= course.clock[rows][:, None]
        places = np.flatnonzero(is_passed.any(axis=1))
        clock, at_clock = course.clock[rows[places]], course.states.take(rows[places], axis=0)
        n_times, by_visit = counts.shape[1], states.reshape(-1, states.shape[-1])
        for k in range(n_times):
            seen = places[is_passed[places, k] & ~back[places]]
            here = rows[seen]
            course.clock[here], course.states[here] = counts[seen, k], by_visit.take(seen * n_times + k, axis=0)
            self._today(here, here[:0])
            back[seen] = ~course.on_treatment[here]
        on = np.flatnonzero(~back[places])
        course.clock[rows[places[on]]], course.states[rows[places[on]]] = clock[on], at_clock[on]
        return back

    def _solve(self, problem: OdeProblem) -> Trajectories:
        return solve(problem, method=METHOD, rtol=RTOL, atol=self.atol, n_threads=self.n_threads, backend=self.backend)

    def _rates(self, names: Sequence[str], rows: IntArray) -> FloatArray:
        """How fast states change at these patients' clocks: array (row, name)."""
        course = self.course
        inputs = np.zeros((course.n, len(self.system.inputs)))
        self.plan.set_rates(inputs, course.infusion)
        return evaluate_rates(self.system, names, course.states, self.parameters, inputs, course.clock[rows], rows=rows)

    def _set_chemotherapy(self, rows: IntArray) -> None:
        """The chemotherapy that these patients get from now on has its own strength and toxicity to marrow."""
        if not rows.size:
            return
        course = self.course
        is_later = course.later_line[rows] > 0
        strength = np.where(is_later, course.line_strength[rows], self.strength[rows])
        own_toxicity = np.where(is_later, 1.0, self.regimen.marrow_toxicity)
        for name, factor in (
            (self.roles.chemotherapy_sensitivity, strength),
            (self.roles.marrow_toxicity, own_toxicity),
        ):
            if name:
                self.parameters[rows, self.system.parameters.index(name)] = self._drawn[name][rows] * factor

    # ---- visits ----
    def _today(self, treated: IntArray, off: IntArray) -> None:
        """The visits of this morning and of this clinic day, and what is decided by them."""
        self._visits(treated, off)
        # who is taken off treatment on a clinic day is seen once more, as those off treatment are
        just_off = treated[~self.course.on_treatment[treated]]
        self._visits(treated[:0], just_off[self.calendar.is_clinic_day(just_off)])

    def _visits(self, treated: IntArray, off: IntArray) -> None:
        """The visits that are due, and what is decided by them.

        Parameters
        ----------
        treated : on treatment, in the morning; the days that have passed are counted first.
        off : off treatment, on a clinic day.
        """
        if not treated.size + off.size:
            return
        course, judged = self.course, self.assessment
        ended = advance_days(course, treated, self.regimen)
        at_marrow, at_counts = self._due_on_treatment(treated, ended)
        for_marrow, for_blood = self._due_off_treatment(off)
        rows = np.concatenate([at_marrow, for_marrow, at_counts, for_blood])
        has_marrow = np.arange(rows.size) < at_marrow.size + for_marrow.size
        with_blasts = judged.visit(rows, has_marrow, np.where(course.on_treatment[rows], IN_CYCLE, FOLLOW_UP))
        in_doubt = np.where(
            course.on_treatment[with_blasts], course.remission[with_blasts] > NO_RESPONSE,
            course.marrow_clear[with_blasts],
        )  # fmt: skip
        suspected = with_blasts[in_doubt]
        judged.visit(suspected, np.ones(suspected.size, dtype=bool), SUSPECTED)
        judged.imaging(np.concatenate([at_marrow, off]))
        self.decisions.on_treatment(treated, at_marrow, ended)
        self.decisions.off_treatment(off)

    def _due_on_treatment(self, rows: IntArray, ended: IntArray) -> tuple[IntArray, IntArray]:
        """Who has a marrow this morning, on its day of the cycle; who has blood counts, also while the drug pauses."""
        if not rows.size:
            return rows, rows
        course, visits = self.course, self.protocol.visits
        pausing = course.hold_days[rows] > 0
        cycle_day = course.cycle_day[rows]
        due = self.calendar.is_marrow_day(cycle_day) & (course.cycle[rows] <= self.regimen.cycles)
        # A marrow planned after the last day of a short cycle is done at its end.
        if max(visits.marrow_day_list()) > self.regimen.cycle_days:
            due |= self._are(rows, ended)
        day = np.where(pausing, course.clock[rows], cycle_day - 1.0)
        counts = day % visits.counts_every_days == 0
        due &= ~pausing
        return rows[due], rows[counts & ~due]

    def _due_off_treatment(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Who has a marrow at this clinic visit; who has blood counts only."""
        if not rows.size:
            return rows, rows
        every = self.calendar.clinic_every
        scheduled = self.assessment.due_in_follow_up(rows, np.round(self.course.clock[rows] / every))
        due = self._are(rows, scheduled, self.later_therapy.to_judge(rows, every))
        return rows[due], rows[~due]

    def _are(self, rows: IntArray, *chosen: IntArray) -> BoolArray:
        """Which of these rows are among the chosen ones: array (row,)."""
        marked = np.zeros(self.course.n, dtype=bool)
        for some in chosen:
            marked[some] = True
        return marked[rows]

    # ---- definitions ----
    def _window_days(self) -> float:
        """The widest window of endpoints and targets that count responses; later responses are not responses."""
        counted: list[Endpoint | Target] = [one for one in self.protocol.endpoints if one.id in WINDOWED_RESPONSES]
        counted += [one for one in self.protocol.targets if one.endpoint in WINDOWED_RESPONSES]
        windows = [self.protocol.window_days(one, self.arm_id) for one in counted if one.has_window]
        if self.roles.is_nodal and not windows:
            return np.inf  # the best response of a tumor counts whenever it comes
        usual = [RESPONSE_WINDOW_DAYS] if self.in_remission or not windows else []
        return max(float(window or 0.0) for window in [*windows, *usual])
