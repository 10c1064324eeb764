"""One patient's rows become actions on the engine: infusions summed, doses repeated, steady states found."""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from engager.core import FloatArray
from engager.engine.instants import is_same_instant
from engager.engine.nonmem.steady_state import CycleAction, Solver, shifted, steady_state, uses_time
from engager.engine.nonmem.table import DOSE, RESET, RESET_AND_DOSE, Record
from engager.engine.problem import Action, OdeProblem, Schedule
from engager.model import System

ActionRow = tuple[float, Action, int, float]
#: An infusion shorter than this share of its time is a bolus: its end would be its beginning, or be rounded away.
SHORTEST_INFUSION = 1e-9
# what comes first at one instant: an infusion ends, a repeated dose is given, a row of the table acts
_END, _DOSE, _ROW = range(3)


@dataclass(frozen=True)
class Dosing:
    """What rows of a table mean for a model.

    Attributes
    ----------
    targets : line -> state of a dose.
    rate_inputs : state -> place of its infusion input.
    rates, durations, lags, bioavailability : state -> name of a parameter, an input, or an output made of these.
    """

    system: System
    targets: dict[int, str]
    rate_inputs: dict[str, int]
    rates: dict[str, str] = field(default_factory=dict)
    durations: dict[str, str] = field(default_factory=dict)
    lags: dict[str, str] = field(default_factory=dict)
    bioavailability: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Dose:
    """A dose of known size: a bolus when `duration` is 0."""

    state: str
    amount: float
    rate: float
    duration: float
    lag: float


class DoseCourse:
    """Expands one patient's rows.

    Parameters
    ----------
    parameters, inputs, initial : arrays (parameter,), (input,) and (state,) of this patient.

    Attributes
    ----------
    notes : what the reader should know of this patient's doses, e.g. why there is no steady state.
    """

    def __init__(
        self, dosing: Dosing, parameters: FloatArray, inputs: FloatArray, initial: FloatArray, solver: Solver
    ) -> None:
        self.dosing, self.system = dosing, dosing.system
        self.parameters, self.inputs, self.initial = parameters, np.array(inputs), initial
        self.solver = solver
        self.actions: list[ActionRow] = []
        self.notes: list[str] = []
        self.instants: list[float] = []
        self.running: dict[int, _Dose] = {}
        self.queue: list[tuple[float, int, int, Callable[[float], None]]] = []
        self.count = 0
        self.epoch = 0
        self.length = 0.0

    def expand(self, rows: Sequence[Record], start: float) -> list[ActionRow]:
        """Actions in order of time; a patient whose rows begin later than `start` is reset when they do."""
        self.length = rows[-1].time - rows[0].time
        if rows[0].time > start:
            self._reset(rows[0].time)
        for row in rows:
            self._push(row.at, _ROW, partial(self._row, row))
        while self.queue:
            time, _, _, act = heapq.heappop(self.queue)
            act(time)
        return self.actions

    # ---- the queue ----
    def _push(self, time: float, kind: int, act: Callable[[float], None]) -> None:
        self.count += 1
        heapq.heappush(self.queue, (self._instant(time), kind, self.count, act))

    def _instant(self, time: float) -> float:
        """The time of what is known already to happen at this instant; else `time`."""
        k = bisect.bisect_left(self.instants, time)
        for near in self.instants[max(k - 1, 0) : k + 1]:
            if is_same_instant(near, time):
                return near
        self.instants.insert(k, time)
        return time

    def _row(self, row: Record, time: float) -> None:
        if row.kind in (RESET, RESET_AND_DOSE):
            self._reset(time)
        self._covariates(time, row)
        if row.kind not in (DOSE, RESET_AND_DOSE):
            return
        dose = self._dose(row)
        if row.steady_state:
            self._steady(time, row, dose)
        if row.amount > 0:
            # a row's own place among rows of one time is no part of the time that a lag counts from
            self._give_later(row.time if dose.lag else time, dose)
        for k in range(1, row.additional + 1):
            self._give_later(row.time + k * row.interval, dose)

    # ---- acts ----
    def _act(self, time: float, action: Action, index: int, value: float) -> None:
        self.actions.append((time, action, index, value))

    def _give_later(self, time: float, dose: _Dose) -> None:
        self._push(time + dose.lag, _DOSE, partial(self._give, dose, self.epoch))

    def _give(self, dose: _Dose, epoch: int, time: float) -> None:
        if epoch != self.epoch:  # cancelled meanwhile
            return
        if dose.duration == 0:
            self._act(time, Action.ADD_TO_STATE, self.system.index(dose.state), dose.amount)
        else:
            self._infuse(time, dose, dose.duration)

    def _infuse(self, time: float, dose: _Dose, duration: float) -> None:
        self.count += 1
        self.running[self.count] = dose
        self._set_rate(time, dose.state)
        self._push(time + duration, _END, partial(self._stop, self.count))

    def _stop(self, number: int, time: float) -> None:
        dose = self.running.pop(number, None)
        if dose is not None:
            self._set_rate(time, dose.state)

    def _set_rate(self, time: float, state: str) -> None:
        total = math.fsum(dose.rate for dose in self.running.values() if dose.state == state)
        self._act(time, Action.SET_INPUT, self.dosing.rate_inputs[state], total)

    def _cancel(self) -> None:
        """Infusions under way and doses still to come."""
        self.running.clear()
        self.epoch += 1

    def _reset(self, time: float) -> None:
        self._cancel()
        self._act(time, Action.RESET, 0, 0.0)
        for k, value in enumerate(self.inputs):
            if k not in self.dosing.rate_inputs.values() and value != 0.0:
                self._act(time, Action.SET_INPUT, k, float(value))

    def _covariates(self, time: float, row: Record) -> None:
        for k, name in enumerate(self.system.inputs):
            if name in row.covariates and row.covariates[name] != self.inputs[k]:
                self.inputs[k] = row.covariates[name]
                self._act(time, Action.SET_INPUT, k, float(self.inputs[k]))

    # ---- sizes ----
    def _of(self, names: dict[str, str], state: str, default: float) -> float:
        if state not in names:
            return default
        system = self.system
        values = dict(zip(system.parameters, self.parameters.tolist(), strict=True))
        values |= dict(zip(system.inputs, self.inputs.tolist(), strict=True))
        name = names[state]
        return values[name] if name in values else system.graph.evaluate([system.outputs[name]], values)[0]

    def _dose(self, row: Record) -> _Dose:
        state = self.dosing.targets[row.line]
        share = self._of(self.dosing.bioavailability, state, 1.0)
        amount = row.amount * share
        lag = self._of(self.dosing.lags, state, 0.0)
        if row.rate == 0 and row.duration == 0:
            rate = duration = 0.0
        elif row.rate == -2 or row.duration:
            duration = row.duration or self._of(self.dosing.durations, state, math.nan)
            rate = amount / duration if duration else 0.0
        else:
            rate = row.rate if row.rate > 0 else self._of(self.dosing.rates, state, math.nan)
            duration = amount / rate if rate else math.nan
        if not (amount >= 0 and rate >= 0 and 0 <= duration < math.inf and 0 <= lag < math.inf):
            told = f"bioavailability {share:g}, rate {rate:g}, duration {duration:g}, lag {lag:g}"
            self._note(row, state, f"parameters make no dose ({told})")
            return _Dose(state, math.nan, 0.0, 0.0, 0.0)  # the patient fails
        latest = max(abs(row.time), abs(row.time + lag + row.additional * row.interval), row.interval, self.length)
        if 0 < duration <= SHORTEST_INFUSION * latest:
            rate = duration = 0.0
        return _Dose(state, amount, rate, duration, lag)

    def _note(self, row: Record, state: str, reason: str) -> None:
        self.notes.append(f"ID {row.patient}, line {row.line}: dose of {row.amount:g} into {state}: {reason}")

    # ---- steady state ----
    def _steady(self, time: float, row: Record, dose: _Dose) -> None:
        """Put the patient where this dose, repeated for ever, would have led to."""
        if row.steady_state == 1:
            self._cancel()
            for state in self.dosing.rate_inputs:
                self._set_rate(time, state)
        interval = row.interval
        cycle = self._cycle(dose, interval) if interval else self._constant(dose)
        phase = (interval - dose.lag) % interval if interval else 0.0
        if is_same_instant(phase, interval):
            phase = 0.0
        found = steady_state(
            self.system, self.parameters, self._quiet_inputs(), self.initial, interval, cycle, self.solver, time - phase
        )
        before = found.state
        if found.reason:
            self._note(row, dose.state, f"no steady state: {found.reason}")
        elif phase:
            before = self._within(before, time, phase, cycle)
        if uses_time(self.system) and not found.reason:
            told = "rates depend on time, so this is the steady state of the interval before the dose, repeated"
            self._note(row, dose.state, told)
        if found.without and not found.reason:
            told = f"{', '.join(found.without)} only adds up, so it has no steady state and is kept as it was"
            self._note(row, dose.state, told)
        action = Action.SET_STATE if row.steady_state == 1 else Action.ADD_TO_STATE
        unset = {name for name, value in zip(self.system.states, self.initial, strict=True) if math.isnan(value)}
        for k, value in enumerate(before):
            if found.reason or self.system.states[k] not in unset | {*found.without}:
                self._act(time, action, k, float(value))
        if interval:
            self._carry_over(time, dose, interval)

    def _carry_over(self, time: float, dose: _Dose, interval: float) -> None:
        """Earlier doses of the series that still run, or that their lag has not let in yet."""
        for k in itertools.count(1):
            since = k * interval - dose.lag
            if since <= 0 or is_same_instant(k * interval, dose.lag):
                self._push(time - min(since, 0.0), _DOSE, partial(self._give, dose, self.epoch))
            elif since < dose.duration and not is_same_instant(since, dose.duration):
                self._infuse(time, dose, dose.duration - since)
            else:
                return

    def _quiet_inputs(self) -> FloatArray:
        quiet = np.array(self.inputs)
        for k in self.dosing.rate_inputs.values():
            quiet[k] = 0.0
        return quiet

    def _constant(self, dose: _Dose) -> list[CycleAction]:
        return [(0.0, Action.SET_INPUT, self.dosing.rate_inputs[dose.state], dose.rate)]

    def _cycle(self, dose: _Dose, interval: float) -> list[CycleAction]:
        """One interval of the repeated dose; infusions longer than the interval overlap."""
        if dose.duration == 0:
            return [(0.0, Action.ADD_TO_STATE, self.system.index(dose.state), dose.amount)]
        place = self.dosing.rate_inputs[dose.state]
        n_whole = math.floor(dose.duration / interval)
        if is_same_instant(dose.duration, (n_whole + 1) * interval):
            n_whole += 1
        rest = dose.duration - n_whole * interval
        rest = 0.0 if is_same_instant(dose.duration, n_whole * interval) else rest
        cycle: list[CycleAction] = []
        if rest > 0:
            cycle.append((0.0, Action.SET_INPUT, place, (n_whole + 1) * dose.rate))
        cycle.append((rest, Action.SET_INPUT, place, n_whole * dose.rate))
        return cycle

    def _within(self, before: FloatArray, time: float, phase: float, cycle: list[CycleAction]) -> FloatArray:
        begun = np.where(np.isnan(before), self.initial, before)
        start = time - phase if uses_time(self.system) else 0.0
        problem = OdeProblem(
            self.system, self.parameters[None, :], np.array([start, start + phase]), self._quiet_inputs()[None, :],
            begun[None, :], Schedule.same_for_all(1, shifted([one for one in cycle if one[0] < phase], start)),
        )  # fmt: skip
        return np.asarray(self.solver(problem).values[0, -1])
