"""A virtual trial: recruit, then day by day let the engine carry every patient and the protocol decide.

On treatment the steps are days; off treatment they are weeks. Nothing here looks at hidden states to decide:
what a visit observed (`assessment`) and what happened (`toxicity`, deaths) is all the protocol knows. Hidden
states enter only as biology: extinction of a clone below its last cell, hazards that accumulate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engager.core import DAYS_PER_MONTH, DAYS_PER_WEEK, RESPONSE_WINDOW_DAYS, FloatArray, IntArray
from engager.engine import Problem, solve
from engager.model import Model, initial_states, load_model
from engager.population import PopulationValues, Settings
from engager.protocol import WINDOWED_RESPONSES, Arm, Endpoint, Protocol, Target
from engager.trial.assessment import Assessment
from engager.trial.assumptions import Assumptions
from engager.trial.course import CR, NO_RESPONSE, RESPONSE_NAMES, Course, start_course
from engager.trial.deaths import Deaths
from engager.trial.dosing import ActionList, DosePlan, plan_day
from engager.trial.later_therapy import LaterTherapy
from engager.trial.recruit import recruit
from engager.trial.regimen_strength import strength_of
from engager.trial.tables import CAUSE_NAMES, TrialData, assemble
from engager.trial.toxicity import Toxicity, advance_days, stop_treatment
from engager.trial.transplant import Transplantation

Progress = Callable[[float], None]

_CLONES = ("Lp", "Ln", "Sp")
_TOXICITY = CAUSE_NAMES.index("toxicity")
# Trials need counts to about 1 in 10 000; the engine's own error stays far below assay and sampling error.
_RTOL = 1e-4
# The model is stiff (hours beside months); asking the engine to find that out every day would cost more than solving.
_METHOD = "rodas5p"
# Partial remission in the definitions of most trials: 25 % blasts or fewer.
_PARTIAL_REMISSION_PERCENT = 25.0


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
) -> TrialData:
    """Run whole virtual trials in this process; see `replicates.simulate_trial`.

    Parameters
    ----------
    n_threads : of the solver; None: all cores.
    arms : those to simulate; None: all.
    """
    model = load_model(protocol.model)
    read = {one: PopulationValues.read(settings(one) if settings else {}) for one in replicates}
    choose = read.__getitem__
    courses: dict[str, Course] = {}
    chosen = list(protocol.arms) if arms is None else list(arms)
    for k, arm_id in enumerate(chosen):
        arm = protocol.arms[arm_id]
        run = ArmRun(protocol, arm_id, arm, model, seed, replicates, choose, n_threads, n_sampled, backend)

        def tell(share: float, done: int = k) -> None:
            if progress is not None:
                progress((done + share) / len(chosen))

        courses[arm_id] = run.run(tell)
    return assemble(protocol, courses, model)


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
    ):
        self.protocol, self.arm_id, self.regimen, self.model = protocol, arm_id, arm.regimen, model
        self.n_threads, self.backend = n_threads, backend
        self.in_remission = protocol.population.setting == "mrd_positive"
        recruits = recruit(protocol, arm_id, model, seed, replicates, settings)
        self.assumed = Assumptions({one: settings(one) for one in replicates}, recruits.replicate)
        self.system = model.system
        states = initial_states(self.system, recruits.parameters)
        self.course = start_course(recruits, self.system, states, self.in_remission)
        self.strength = self._strength(settings)
        weight_kg, bsa_m2 = recruits.covariates["weight_kg"], recruits.covariates["bsa_m2"]
        self.plan = DosePlan(self.regimen, weight_kg, bsa_m2, model)
        self.toxicity = Toxicity(self.course, self.regimen, self.assumed)
        self.assessment = Assessment(self.course, protocol.visits, self.assumed, self._window_days(), self.in_remission)
        self.transplantation = Transplantation(
            self.course, protocol.hsct, arm_id, self.assumed, protocol.visits.mrd.limit
        )
        self.deaths = Deaths(self.course)
        self.later_therapy = LaterTherapy(self.course, self.assumed)
        self.last_cell = recruits.draw("last-cell", "exponential", len(_CLONES))
        self.sampled = np.flatnonzero((recruits.replicate == 0) & (recruits.number < n_sampled))
        self.course.sampled_rows = self.sampled
        self.horizon = protocol.follow_up.months * DAYS_PER_MONTH
        self.atol = _absolute_tolerances(self.system.states)

    def run(self, progress: Progress) -> Course:
        """Follow everybody to death or the end of follow-up."""
        course = self.course
        n_days = int(np.ceil(self.horizon / DAYS_PER_WEEK)) * DAYS_PER_WEEK
        self._first_visit()
        self._keep_samples(0.0)
        busy = course.on_treatment.copy()
        for day in range(n_days):
            if day % DAYS_PER_WEEK == 0:
                busy = course.is_alive & (course.on_treatment | np.isin(np.arange(course.n), self.sampled))
                quiet = np.flatnonzero(course.is_alive & ~busy)
                self._stretch(quiet, day, DAYS_PER_WEEK)
                progress(day / n_days)
            self._stretch(np.flatnonzero(course.is_alive & busy), day, 1)
            if day % DAYS_PER_WEEK == DAYS_PER_WEEK - 1:
                self._clinic(day + 1.0)
            if self.sampled.size:
                self._keep_samples(day + 1.0)
        progress(1.0)
        return course

    # ---- a stretch of time ----
    def _stretch(self, rows: IntArray, day: int, length: int) -> None:
        """Carry `rows` (alive) from `day` on, then let what happened take effect."""
        if not rows.size:
            return
        course = self.course
        actions = ActionList()
        treated = rows[course.on_treatment[rows]]
        if treated.size:
            plan_day(course, self.plan, treated, float(day), actions)
        self.later_therapy.give(rows, day, length, actions)
        self.transplantation.perform(rows, day, length, actions)
        before = course.states[rows]
        self._carry(rows, day, length, actions)
        rows, before = rows[course.is_alive[rows]], before[course.is_alive[rows]]
        self._extinguish(rows)
        self.deaths.strike(rows, before, float(day), float(length))
        living = course.is_alive[rows]
        rows, before = rows[living], before[living]
        killed = self.toxicity.strike(rows, before, float(day), float(length))
        course.death_cause[killed] = _TOXICITY
        course.is_alive[killed] = False
        course.note(killed, course.death_day[killed], "death", detail="toxicity")
        if treated.size:
            self._treatment_visits(treated[course.is_alive[treated] & course.on_treatment[treated]], day)

    def _carry(self, rows: IntArray, day: int, length: int, actions: ActionList) -> None:
        course = self.course
        inputs = np.zeros((rows.size, len(self.system.inputs)))
        self.plan.set_rates(inputs, course.infusion[rows])
        solution = solve(
            Problem(
                system=self.system,
                parameters=self._parameters(rows, day),
                save_times=np.array([float(day), float(day + length)]),
                inputs=inputs,
                initial=np.ascontiguousarray(course.states[rows]),
                schedule=actions.schedule(rows),
                first_step=course.step[rows],
            ),
            method=_METHOD,
            rtol=_RTOL,
            atol=self.atol,
            n_threads=self.n_threads,
            backend=self.backend,
        )
        course.states[rows] = solution.values[:, -1, :]
        course.step[rows] = solution.last_step
        failed = rows[solution.status != 0]
        course.is_failed[failed] = True
        course.is_alive[failed] = False

    def _strength(self, settings: Settings) -> FloatArray:
        """Killing by the arm's chemotherapy, relative to standard salvage chemotherapy: array (patient,).

        A posterior may have its own for a regimen.
        """
        replicate = self.course.recruits.replicate
        if not self.regimen.is_chemotherapy:
            return np.ones(replicate.size)
        usual = self.regimen.strength or strength_of(self.regimen.id)
        numbers, place = np.unique(replicate, return_inverse=True)
        if self.regimen.strength:
            return np.full(replicate.size, usual)
        return np.array([settings(int(one)).strength.get(self.regimen.id, usual) for one in numbers])[place]

    def _parameters(self, rows: IntArray, day: int) -> FloatArray:
        """Parameters of these rows; while the arm's chemotherapy is what they get, at its strength."""
        parameters = self.course.recruits.parameters[rows]
        if self.regimen.is_chemotherapy:
            own = ~(self.course.later_therapy_day[rows] <= day)
            parameters[own, self.system.parameters.index("sensitivity")] *= self.strength[rows[own]]
        return parameters

    def _extinguish(self, rows: IntArray) -> None:
        """A clone expected to hold x cells has none left with probability exp(-x): one draw per clone."""
        course = self.course
        for k, name in enumerate(_CLONES):
            column = course.column(name)
            gone = rows[column[rows] < self.last_cell[rows, k]]
            column[gone] = 0.0

    # ---- visits ----
    def _first_visit(self) -> None:
        everybody = np.flatnonzero(self.course.is_alive)
        self.assessment.blood_visit(everybody, 0.0, "baseline")

    def _treatment_visits(self, rows: IntArray, day: int) -> None:
        """Visits fall on the morning of a day within the cycle; then the day counter moves on."""
        course, visits = self.course, self.protocol.visits
        ended = advance_days(course, rows, self.regimen, float(day))
        pausing = rows[course.hold_days[rows] > 0]
        rows = rows[course.hold_days[rows] <= 0]
        cycle_day = course.cycle_day[rows]
        due = np.isin(cycle_day, visits.marrow_day_list()) & (course.cycle[rows] <= self.regimen.cycles)
        # A marrow planned after the last day of a short cycle is done at its end.
        past_end = max(visits.marrow_day_list()) > self.regimen.cycle_days
        at_marrow = rows[due | (np.isin(rows, ended) & past_end)]
        at_counts = rows[((cycle_day - 1) % visits.counts_every_days == 0) & ~np.isin(rows, at_marrow)]
        if (day + 1) % visits.counts_every_days == 0:
            at_counts = np.union1d(at_counts, pausing)
        self.assessment.marrow_visit(at_marrow, day + 1.0, "cycle")
        with_blasts = self.assessment.blood_visit(at_counts, day + 1.0, "cycle")
        suspected = with_blasts[course.remission[with_blasts] > NO_RESPONSE]
        self.assessment.marrow_visit(suspected, day + 1.0, "suspected relapse")
        self.assessment.imaging(at_marrow, day + 1.0)
        self._off_study(rows, day + 1.0)
        self._end_of_cycle(ended[course.is_alive[ended] & course.on_treatment[ended]], day + 1.0)

    def _off_study(self, rows: IntArray, day: float) -> None:
        relapsed = rows[~np.isnan(self.course.relapse_day[rows])]
        self._fail(relapsed, day, "relapse")

    def _end_of_cycle(self, rows: IntArray, day: float) -> None:
        """Transplant, next cycle, or the end of treatment."""
        course, regimen = self.course, self.regimen
        done = course.cycle[rows] - 1
        planned = self.transplantation.decide(rows, done, day)
        stop_treatment(course, planned, day, "transplant planned")
        rows = rows[course.on_treatment[rows]]
        done = course.cycle[rows] - 1
        rule = regimen.continue_if
        if rule is not None:
            self._fail(rows[(done >= rule.after_cycle) & ~self._goes_on(rows, rule.response)], day, "no response")
            rows = rows[course.on_treatment[rows]]
        self._await_recovery(rows, day)
        finished = rows[course.cycle[rows] > regimen.cycles]
        without = course.remission[finished] == NO_RESPONSE
        self._fail(finished[without], day, "no response")
        stop_treatment(course, finished[~without], day, "treatment completed")

    def _goes_on(self, rows: IntArray, wanted: Sequence[str]) -> NDArray[np.bool_]:
        """Who has one of the responses that the regimen asks for."""
        course = self.course
        classes = [RESPONSE_NAMES.index(name) for name in wanted if name in RESPONSE_NAMES]
        goes_on = np.isin(course.remission[rows], classes)
        if "MRD_response" in wanted:
            goes_on |= ~np.isnan(course.mrd_response_day[rows])
        if "complete_MRD_response" in wanted:
            goes_on |= ~np.isnan(course.mrd_undetectable_day[rows])
        if "PR" in wanted:
            goes_on |= course.blasts_seen[rows] <= _PARTIAL_REMISSION_PERCENT
        return goes_on

    def _await_recovery(self, rows: IntArray, day: float) -> None:
        """After chemotherapy the next course waits, once, for counts to recover in a cleared marrow."""
        course = self.course
        if not self.regimen.is_chemotherapy:
            return
        wait = rows[course.marrow_clear[rows] & (course.remission[rows] < CR) & (course.cycle_day[rows] == 1)]
        course.hold_days[wait] = self.assumed["recovery_wait_days"]
        course.note(wait, day, "hold", detail="awaiting recovery of counts")

    def _fail(self, rows: IntArray, day: float, why: str) -> None:
        """Treatment has failed these patients; some go on to another therapy."""
        stop_treatment(self.course, rows, day, why)
        self.later_therapy.plan(rows, day)

    def _clinic(self, day: float) -> None:
        """Weekly look at who is off treatment and due for a visit."""
        course, visits = self.course, self.protocol.visits
        every = max(DAYS_PER_WEEK, round(visits.after_treatment_every_days / DAYS_PER_WEEK) * DAYS_PER_WEEK)
        if day % every:
            return
        rows = np.flatnonzero(course.is_alive & ~course.on_treatment)
        in_response = course.remission[rows] > NO_RESPONSE
        after_later = (day >= course.later_therapy_day[rows] + 28) & (day < course.later_therapy_day[rows] + 28 + every)
        number = round(day / every)
        scheduled = in_response & (number % self.assumed["marrow_every_visits_in_remission"] == 0)
        marrow = rows[scheduled | after_later]
        with_blasts = self.assessment.blood_visit(np.setdiff1d(rows, marrow), day, "follow-up")
        suspected = with_blasts[course.remission[with_blasts] > NO_RESPONSE]
        self.assessment.marrow_visit(marrow, day, "follow-up")
        self.assessment.marrow_visit(suspected, day, "suspected relapse")
        self.assessment.imaging(rows, day)
        self.transplantation.decide_later(rows, day)
        waiting = rows[
            (course.remission[rows] == NO_RESPONSE)
            & np.isinf(course.later_therapy_day[rows])
            & np.isnan(course.hsct_day[rows])
        ]
        self.later_therapy.plan(waiting, day)

    # ---- keeping ----
    def _keep_samples(self, day: float) -> None:
        if self.sampled.size:
            kept = self.course.states[self.sampled].copy()
            kept[~self.course.is_alive[self.sampled]] = np.nan
            extra = np.stack([self.course.dose[self.sampled]], axis=1)
            self.course.samples.append((day, np.concatenate([kept, extra], axis=1)))

    def _window_days(self) -> float:
        """The widest window of endpoints and targets that count responses; later responses are not responses."""
        counted: list[Endpoint | Target] = [one for one in self.protocol.endpoints if one.id in WINDOWED_RESPONSES]
        counted += [one for one in self.protocol.targets if one.endpoint in WINDOWED_RESPONSES]
        windows = [self.protocol.window_days(one, self.arm_id) for one in counted if one.has_window]
        usual = [RESPONSE_WINDOW_DAYS] if self.in_remission or not windows else []
        return max(float(window or 0.0) for window in [*windows, *usual])


# What counts as nothing: a hundredth of a cell in a clone that may die out, a thousand cells in normal pools,
# a millionth of a share or hazard, a ten-thousandth elsewhere.
_POOLS = ("R_b", "A_b", "R_l", "A_l", "R_m", "A_m", "X_m", "B_b", "B_l", "Lb")
_SHARES = (
    "adapted", "tolerance", "mucosa", "endothelium", "progenitor", "myeloid", "megakaryocytes", "gvl", "trm_window",
)  # fmt: skip


def _absolute_tolerances(states: Sequence[str]) -> FloatArray:
    """Absolute tolerance of each state: array (state,), in the unit of the state."""
    known = {**dict.fromkeys(_CLONES, 1e-2), **dict.fromkeys(_POOLS, 1e3), **dict.fromkeys(_SHARES, 1e-6)}
    return np.array([known.get(name, 1e-6 if name.startswith("H_") else 1e-4) for name in states])
