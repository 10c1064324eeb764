"""One patient's course: smooth stretches between instants at which something happens."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.integrate

from engager.core import FloatArray
from engager.engine.instants import is_same_instant
from engager.engine.problem import Action, Status
from engager.engine.reference.events import EndlessEvents, EventQueue
from engager.engine.reference.model import ReferenceModel
from engager.engine.tolerance import OF_PEAK

Dense = Callable[[float], list[float]]
#: where within a step the comparisons are looked at
_LOOKS = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
#: stretches that end after less than this share of the time scale count as chattering
_TINY = 1e-10
_MAX_CHATTER = 50
_MAX_STUCK = 30
#: Starts anew after an integrator gave up, and what share of the stretch is no progress since the last of them.
_MAX_RESCUES = 100
_NO_WAY = 1e-9
#: The integrator begins anew when a state has grown so much since its tolerance was set.
_STALE = 1e3
#: A state that was never anything but 0 is sized by how far it would come in this share of the stretch.
_PROBE = 1e-8
_N_PROBES = 8


class Failure(Exception):
    """The course cannot go on."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class Running:
    """State of one patient while it is being solved.

    Attributes
    ----------
    t, y, p, u : time, states, parameters, inputs.
    peak : array (state,): the largest size of each state so far.
    floor : share of `rtol` that is nothing for a state that was always 0.
    switching : times, in order, at which formulas of time are known to jump or bend.
    n_saved : how many save times are behind.
    stopped : the number of the stop that ended the course, -1 while none has.
    """

    def __init__(
        self, model: ReferenceModel, p: list[float], u: list[float], y: list[float] | None, *, start: float,
        rtol: float, atol: float | FloatArray | None, method: str, max_step: float, max_steps: int,
        floor: float = 0.0, switching: Sequence[float] = (), stops: Sequence[tuple[list[float], float]] = (),
    ) -> None:  # fmt: skip
        self.model, self.p, self.u, self.t = model, p, u, start
        own = model.initial(start, (), p, u, ())
        self.initial = own if y is None else list(y)
        self.y = list(self.initial)
        # what the file leaves unset may be unset; what the caller gives may not
        self.is_given_nan = any(math.isnan(a) and not math.isnan(b) for a, b in zip(self.initial, own, strict=True))
        self.peak = np.zeros(len(self.y))
        self._note_size()
        self.switching, self.n_passed = list(switching), 0
        self.rtol, self.atol, self.method = max(rtol, 100 * np.finfo(float).eps), atol, method
        self.max_step, self.max_steps, self.floor = max_step, max_steps, floor
        self.n_steps = self.n_saved = 0
        self.last_step = 0.0
        self.stops, self.stopped = stops, -1
        self.chatter = self.n_stuck = self.n_rescues = 0
        self.rescued_at: float | None = None
        self.is_last = False
        self.slides = False
        self._crossed: list[float] | None = None
        self.queue = self._new_queue()

    # ---- stops ----
    def _look_for_stop(self) -> None:
        """Ends the course where it stands when a limit is reached already."""
        for k, (weights, limit) in enumerate(self.stops):
            if self.stopped < 0 and _watched(weights, self.y) >= limit:
                self.stopped = k

    def _stop_before(self, dense: Dense, goal: float) -> float:
        """The earliest time to `goal` at which a limit is reached; `goal` when none is."""
        earliest = goal
        for k, (weights, limit) in enumerate(self.stops):
            if _watched(weights, dense(goal)) < limit:
                continue
            low, high = self.t, goal
            while low < (middle := low + 0.5 * (high - low)) < high:
                low, high = (low, middle) if _watched(weights, dense(middle)) >= limit else (middle, high)
            if self.stopped < 0 or high < earliest:
                self.stopped, earliest = k, high
        return earliest

    # ---- instants ----
    def begin(self, actions: Sequence[tuple[float, Action, int, float]]) -> None:
        """Actions and events at the start."""
        if self.is_given_nan:
            raise Failure(Status.NOT_FINITE)
        self._events()
        self.act(actions)
        self._look_for_stop()

    def act(self, actions: Sequence[tuple[float, Action, int, float]]) -> None:
        """Actions at the present time, then the events they cause."""
        if actions:
            self._apply(actions)
            self._note_size()
            self._events()
            self._look_for_stop()

    def _apply(self, actions: Sequence[tuple[float, Action, int, float]]) -> None:
        for _, action, index, value in actions:
            if math.isnan(value):
                raise Failure(Status.NOT_FINITE)
            if action is Action.ADD_TO_STATE:
                self.y[index] += value
            elif action is Action.SET_STATE:
                self.y[index] = value
            elif action is Action.MULTIPLY_STATE:
                self.y[index] *= value
            elif action is Action.SET_INPUT:
                self.u[index] = value
            else:
                self._reset()

    def _reset(self) -> None:
        """As at the start: nothing that was pending happens, and triggers have their initial values."""
        self.y = list(self.initial)
        self.u = [0.0] * len(self.u)
        self.queue = self._new_queue()
        self._events()

    def _new_queue(self) -> EventQueue:
        return EventQueue(self.model, [event.initial_value for event in self.model.system.events])

    def _note_size(self) -> None:
        self.peak = np.fmax(self.peak, np.abs(self.y))

    def _events(self, atoms: list[float] | None = None) -> None:
        if not self.queue.truth:
            return
        try:
            if atoms is not None:
                self.queue.happen(self.t, self.y, self.p, self.u, atoms)
            self.queue.happen(self.t, self.y, self.p, self.u)
        except EndlessEvents:
            raise Failure(Status.STEP_LIMIT) from None

    # ---- saving ----
    def record(self, saves: list[float], values: FloatArray) -> None:
        """Write the present state to the save times that are now."""
        while self.n_saved < len(saves) and saves[self.n_saved] <= self.t:
            values[self.n_saved] = self.y
            self.n_saved += 1

    def _record_before(self, end: float, dense: Dense, saves: list[float], values: FloatArray) -> None:
        while self.n_saved < len(saves) and saves[self.n_saved] < end:
            values[self.n_saved] = dense(saves[self.n_saved])
            self.n_saved += 1

    # ---- stretches ----
    def advance(self, stop: float, saves: list[float], values: FloatArray) -> None:
        """Go to `stop`, events on the way included; saves at `stop` itself are left to the caller."""
        while self.stopped < 0 and self.t < stop and not is_same_instant(self.t, stop):
            self._stretch(self._next_end(stop), saves, values)
            if self.stopped >= 0:
                return
            self._events(self._crossed)
            self._note_size()
            self._look_for_stop()
            if self.t < stop:
                self.record(saves, values)
        if self.stopped < 0:
            self.t = stop

    def _next_end(self, stop: float) -> float:
        """Where the next stretch ends at the latest: an instant of its own."""
        while self.n_passed < len(self.switching) and self._is_behind(self.switching[self.n_passed]):
            self.n_passed += 1
        known = self.switching[self.n_passed] if self.n_passed < len(self.switching) else math.inf
        end = min(stop, self.queue.next_time(), known, self.model.next_clock(self.t, self.y, self.p, self.u))
        return stop if is_same_instant(end, stop) else end

    def _is_behind(self, time: float) -> bool:
        return time <= self.t or is_same_instant(time, self.t)

    def _stretch(self, end: float, saves: list[float], values: FloatArray) -> None:
        """Integrate smooth equations to `end`, or to where an atom changes."""
        begun, self._crossed = self.t, None
        atoms = self.model.live_atoms(self.t, self.y, self.p, self.u, ())
        self.slides = self.chatter > _MAX_CHATTER
        before = self._signature(self.t, self.y)
        steps = _Steps(self, end, atoms)
        while self.t < end:
            try:
                dense, reached = steps.step()
                self._note_progress(reached)
            except Failure as failure:
                steps = self._rescued(failure, end, atoms)
                continue
            self.n_steps += 1
            if self.n_steps > self.max_steps:
                raise Failure(Status.STEP_LIMIT)
            change = self._first_change(dense, reached, before) if before else None
            goal = reached if change is None else change
            goal = self._stop_before(dense, goal)
            self._record_before(goal, dense, saves, values)
            self.last_step = goal - self.t
            self.t, self.y = goal, dense(goal)
            self._note_size()
            if self.stopped >= 0:
                return
            if change is None and self.t < end and steps.is_stale():
                steps = _Steps(self, end, atoms)
            if change is not None:
                self._note_crossing(before)
                self._note_chatter(begun)
                return

    def _note_progress(self, reached: float) -> None:
        """SciPy goes on at steps that no longer move the clock; near a pole that would be for ever."""
        self.n_stuck = self.n_stuck + 1 if reached - self.t <= 8 * math.ulp(self.t) else 0
        if self.n_stuck > _MAX_STUCK:
            raise Failure(Status.STEP_TOO_SMALL)

    def _rescued(self, failure: Failure, end: float, atoms: list[float]) -> _Steps:
        """Another start where an integrator gave up: with a step of our choice, then with another method."""
        self.n_rescues += 1
        again = self.rescued_at is not None and self.t - self.rescued_at <= _NO_WAY * (end - self.rescued_at)
        if failure.status is not Status.STEP_TOO_SMALL or self.n_rescues > _MAX_RESCUES or (again and self.is_last):
            raise failure
        self.is_last, self.rescued_at, self.n_stuck = again, self.t, 0
        first = max(_PROBE * (end - self.t), 1e4 * math.ulp(self.t))
        return _Steps(self, end, atoms, "Radau" if again else self.method, min(first, end - self.t))

    def _first_change(self, dense: Dense, reached: float, before: list[float]) -> float | None:
        """The first float in (t, reached] at which an atom differs from `before`."""
        left = self.t
        for share in _LOOKS:
            right = reached if share == 1.0 else self.t + share * (reached - self.t)
            if right > left and self._differs(right, dense, before):
                break
            left = max(left, right)
        else:
            return None
        while True:
            middle = left + 0.5 * (right - left)
            if not left < middle < right:
                return right
            if self._differs(middle, dense, before):
                right = middle
            else:
                left = middle

    def _differs(self, t: float, dense: Dense, before: list[float]) -> bool:
        return self._signature(t, dense(t)) != before

    def _signature(self, t: float, y: list[float]) -> list[float]:
        """What must not change within a stretch; while sliding, only what events look at."""
        if not self.model.atoms:
            return []
        return self.model.signature(t, y, self.p, self.u, of_triggers=self.slides)

    def _note_crossing(self, before: list[float]) -> None:
        """Equalities whose sides have changed order without meeting on a float hold at this instant."""
        if self.slides:
            return
        now = self.model.signature(self.t, self.y, self.p, self.u)
        met = [k for k in self.model.equalities if before[k] and now[k] == -before[k]]
        if met:
            self._crossed = self.model.live_atoms(self.t, self.y, self.p, self.u, ())
            for k in met:
                self._crossed[k] = 1.0

    def _note_chatter(self, begun: float) -> None:
        """Count tiny stretches in a row: the solution slides along a switch, whose atoms then stay unfrozen."""
        tiny = self.t - begun <= _TINY * max(abs(self.t), 1e-6)
        self.chatter = self.chatter + 1 if tiny else 0


def _watched(weights: list[float], y: Sequence[float]) -> float:
    return math.fsum(weight * value for weight, value in zip(weights, y, strict=True) if weight)


class _Steps:
    """Steps of SciPy's integrator over the states that move and have a value."""

    def __init__(
        self, course: Running, end: float, atoms: list[float], method: str | None = None, first: float | None = None
    ) -> None:  # fmt: skip
        self.course, self.end, self.atoms = course, end, atoms
        self.method, self.first_step = method or course.method, first
        model = course.model
        self.base = list(course.y)
        self.live = [j for j, k in enumerate(model.moving) if math.isfinite(self.base[k])]
        self.places = [model.moving[j] for j in self.live]
        self.formulas = model.live_rates if course.slides else model.rates
        self.solver = self._solver() if self.places else None

    def _solver(self) -> Any:
        course = self.course
        start = np.array([self.base[k] for k in self.places])
        slope = self._rates(course.t, start)
        if not np.all(np.isfinite(slope)):
            raise Failure(Status.NOT_FINITE)
        if course.atol is None:
            self.atol = self._nothing(start, slope)
        else:
            self.atol = np.broadcast_to(course.atol, (len(course.y),))[self.places]
        return getattr(scipy.integrate, self.method)(
            self._rates, course.t, start, self.end, rtol=course.rtol, atol=self.atol, max_step=course.max_step,
            first_step=self.first_step,
        )  # fmt: skip

    def _nothing(self, start: FloatArray, slope: FloatArray) -> FloatArray:
        """The absolute tolerance of each live state (`engager.engine.tolerance`)."""
        course = self.course
        floor = course.floor
        sizes = np.array(course.peak[self.places])
        if not sizes.all():
            sizes = np.where(sizes == 0, self._reached(start, slope), sizes)
        return np.asarray(course.rtol * (OF_PEAK * sizes + floor))

    def _reached(self, start: FloatArray, slope: FloatArray) -> FloatArray:
        """How far each state comes in a very short time; each look reaches one state further along a chain.

        The floor alone is far below anything: LSODA's first steps from 0 would be too short to move time.
        """
        width = _PROBE * (self.end - self.course.t)
        state, reached = start, np.zeros(start.size)
        for _ in range(_N_PROBES):
            state = state + width * slope
            if not np.isfinite(state).all():
                break
            reached = np.maximum(reached, np.abs(state))
            slope = self._rates(self.course.t, state)
        self._rates(self.course.t, start)  # puts the states back
        return reached

    def is_stale(self) -> bool:
        """Whether a state has outgrown the tolerance the integrator began with."""
        course = self.course
        if course.atol is not None or not self.places:
            return False
        return bool(np.any(course.rtol * OF_PEAK * course.peak[self.places] > _STALE * self.atol))

    def _rates(self, t: float, x: Any) -> FloatArray:
        y = self.base
        for k, value in zip(self.places, x.tolist(), strict=True):
            y[k] = value
        rates = self.formulas(t, y, self.course.p, self.course.u, self.atoms)
        return np.array([rates[j] for j in self.live])

    def step(self) -> tuple[Dense, float]:
        """One step: the course within it, and where it ends."""
        if self.solver is None:
            constant = list(self.course.y)
            return lambda t: list(constant), min(self.end, self.course.t + self.course.max_step)
        try:
            self.solver.step()
        except (ValueError, np.linalg.LinAlgError):  # an implicit method met NaN or infinity
            raise Failure(Status.NOT_FINITE) from None
        if self.solver.status == "failed":
            raise Failure(Status.STEP_TOO_SMALL)
        if not np.all(np.isfinite(self.solver.y)):
            raise Failure(Status.NOT_FINITE)
        inside, end, last = self.solver.dense_output(), self.solver.t, self.solver.y.copy()
        whole, places = list(self.course.y), self.places

        def dense(t: float) -> list[float]:
            y = list(whole)
            for k, value in zip(places, (last if t == end else inside(t)).tolist(), strict=True):
                y[k] = value
            return y

        return dense, end
