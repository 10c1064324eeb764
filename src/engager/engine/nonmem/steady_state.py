"""The state to which a repeated cycle of doses leads.

The state before a dose is a fixed point of "one interval later". Some intervals are simulated as they are, then
Newton's method on the fixed point shortens the way (one step for a linear model); its answer is accepted when the next
step it proposes is negligible. What is negligible is measured by the largest size each state has within the interval,
so a depot that is empty at the end of an interval, or amounts of any unit, are no obstacle.

States that only add something up (an area under a curve, an amount excreted) have no steady state: they are left out,
and said to be. What the model conserves (a receptor, free and bound) stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engager.core import FloatArray
from engager.engine.problem import Action, OdeProblem, Schedule, Trajectories
from engager.model import TIME, System

Solver = Callable[[OdeProblem], Trajectories]
CycleAction = tuple[float, Action, int, float]

#: A proposed step this small, as a share of a state, is none; or this share of `TOLERANCE` of its largest size.
TOLERANCE, _OF_PEAK = 1e-8, 1e-3
_FIRST_CYCLES = (3, 10, 30, 100, 300)
_NEWTON_STEPS = 12
#: Part of a state's size by which it is moved to see what that changes an interval later.
_NUDGE = 1e-3
#: Directions that an interval shortens by less than this share are conserved, if what is conserved changes by less
#: than this share of the sizes of the first intervals (where more is given than can be cleared, states outgrow it).
_CONSERVED, _NO_CHANGE = 1e-7, 1e-6
#: Within an interval, times at which sizes are looked at.
_LOOKS = 12
#: Lengths tried for a constant infusion, whose interval means nothing: a slow drug needs a long one.
_LENGTHS = (1.0, 1e2, 1e4, 1e6)
_FAST_ENOUGH = 0.01


@dataclass(frozen=True)
class SteadyState:
    """What was found.

    Attributes
    ----------
    state : array (state,) just before a dose; NaN when there is none, and in states of `without`.
    without : states that only add up, and so have no steady state.
    reason : why there is none; empty when there is one.
    """

    state: FloatArray
    without: tuple[str, ...] = ()
    reason: str = ""


def steady_state(
    system: System,
    parameters: FloatArray,
    inputs: FloatArray,
    initial: FloatArray,
    interval: float,
    actions: Sequence[CycleAction],
    solver: Solver,
    ends: float = 0.0,
) -> SteadyState:
    """State just before a dose, once doses have been repeated for ever.

    Parameters
    ----------
    parameters, inputs, initial : arrays (parameter,), (input,) and (state,) of one patient.
    interval : time from dose to dose; 0 for a constant infusion.
    actions : what happens within an interval, times from 0.
    solver : solves an `OdeProblem`, to a tolerance well below `TOLERANCE`.
    ends : when the interval that is repeated ends [time]; matters where rates depend on time itself (`uses_time`).

    Notes
    -----
    Where rates depend on time itself, the interval just before the dose is the one that is repeated: exact for a rhythm
    whose period the interval holds a whole number of times, and for what switched long before.
    """
    apart = adding_up(system)
    still = {name for name, rate in zip(system.states, system.rates, strict=True) if _is_zero(system, rate)}
    unset = {name for name, value in zip(system.states, initial, strict=True) if np.isnan(value)}
    live = [k for k, name in enumerate(system.states) if name not in apart | still | unset]
    without = tuple(name for name in system.states if name in apart - unset)
    nothing = np.full(initial.shape, np.nan)
    dosed = {system.states[index] for _, action, index, _ in actions if action is Action.ADD_TO_STATE}
    dosed |= {name.removeprefix("rate_") for name in _infused(system, actions)}
    if dosed & apart:
        return SteadyState(nothing, without, f"{', '.join(sorted(dosed & apart))} only adds up what it is given")
    search = _Search(system, parameters, inputs, np.array(initial, dtype=float), live, actions, solver)
    for length in (interval,) if interval else _LENGTHS:
        search.interval, search.begins = length, ends - length if uses_time(system) else 0.0
        found = search.find()
        if found is not None and (interval or search.is_fast or length == _LENGTHS[-1]):
            break
    if found is None:
        return SteadyState(nothing, without, search.reason)
    state = np.array(initial, dtype=float)
    state[live] = found
    state[[k for k, name in enumerate(system.states) if name in apart | unset]] = np.nan
    return SteadyState(state, without)


def shifted(actions: Sequence[CycleAction], by: float) -> list[CycleAction]:
    """The same actions, later."""
    return [(by + time, action, index, value) for time, action, index, value in actions]


def _infused(system: System, actions: Sequence[CycleAction]) -> set[str]:
    return {system.inputs[index] for _, action, index, _ in actions if action is Action.SET_INPUT}


def uses_time(system: System) -> bool:
    """Whether rates depend on time itself."""
    return TIME in system.graph.symbols(system.rates)


def _is_zero(system: System, rate: int) -> bool:
    return system.graph.constant_value(rate) == 0.0


def adding_up(system: System) -> set[str]:
    """States that no rate depends on but those of other such states: areas under curves, amounts excreted."""
    graph = system.graph
    needs = {
        name: graph.symbols([rate])
        for name, rate in zip(system.states, system.rates, strict=True)
        if not _is_zero(system, rate)
    }
    found: set[str] = set()
    while True:
        more = {
            name
            for name in needs
            if name not in found and not any(name in used for other, used in needs.items() if other not in found)
        }
        if not more:
            return found
        found |= more


@dataclass
class _Search:
    """Newton's method on "one interval later", over the states that may have a steady state."""

    system: System
    parameters: FloatArray
    inputs: FloatArray
    initial: FloatArray
    live: list[int]
    actions: Sequence[CycleAction]
    solver: Solver
    interval: float = 1.0
    begins: float = 0.0
    reason: str = ""
    is_fast: bool = False
    sizes: FloatArray = field(default_factory=lambda: np.zeros(0))
    early: FloatArray = field(default_factory=lambda: np.zeros(0))

    def later(self, states: FloatArray) -> FloatArray:
        """States one interval later, array (start, live state); notes their largest sizes on the way."""
        n = states.shape[0]
        begun = np.tile(self.initial, (n, 1))
        begun[:, self.live] = states
        times = self.begins + self.interval * np.concatenate([[0.0], 0.5 ** np.arange(_LOOKS, -1, -1)])
        problem = OdeProblem(
            self.system, np.tile(self.parameters, (n, 1)), times, np.tile(self.inputs, (n, 1)), begun,
            Schedule.same_for_all(n, shifted(self.actions, self.begins)),
        )  # fmt: skip
        values = self.solver(problem).values[:, :, self.live]
        self.sizes = np.fmax(self.sizes, np.nanmax(np.abs(values[0]), axis=0, initial=0.0))
        return np.asarray(values[:, -1])

    def find(self) -> FloatArray | None:
        """The steady state of the live states, or None and a reason."""
        here = self.initial[self.live]
        self.sizes = np.abs(here)
        done = 0
        for cycles in _FIRST_CYCLES:
            while done < cycles:
                here = self.later(here[None, :])[0]
                done += 1
                if not np.isfinite(here).all():
                    self.reason = "the model cannot be followed through an interval"
                    return None
            if not self.early.size:
                self.early = np.array(self.sizes)
            found = self._newton(here)
            if found is not None:
                return found
        return None

    def _newton(self, start: FloatArray) -> FloatArray | None:
        here, before = start, np.inf
        solve = None
        for _ in range(_NEWTON_STEPS):
            if solve is None:
                solve = self._linear(here)
                if solve is None:
                    return None
            there = self.later(here[None, :])[0]
            if not np.isfinite(there).all():
                self.reason = "the model cannot be followed through an interval"
                return None
            step, drift = solve(there - here)
            if drift:
                self.reason = f"{drift} goes on changing from interval to interval"
                return None
            allowed = TOLERANCE * (np.abs(there) + _OF_PEAK * self.sizes)
            excess = float(np.max(np.abs(step) / np.where(allowed > 0, allowed, 1.0), initial=0.0))
            moved = here + step
            if excess <= 1.0:
                return moved
            # amounts do not become negative: go along with the interval instead
            here = np.where((moved < 0) & (there >= 0), there, moved)
            if excess > 0.1 * before:
                solve = None
            before = excess
        self.reason = "no state was found to which repeated doses lead"
        return None

    def _linear(self, here: FloatArray) -> Callable[[FloatArray], tuple[FloatArray, str]] | None:
        """How far to go for a given change over an interval, and the states that drift if that has no answer."""
        least = self.sizes[self.sizes > 0].min(initial=1.0)
        size = np.where(self.sizes > 0, self.sizes, least)
        nudge = _NUDGE * size
        ends = self.later(np.vstack([here, here + np.diag(nudge)]))
        if not np.isfinite(ends).all():
            self.reason = "the model cannot be followed through an interval"
            return None
        slopes = ((ends[1:] - ends[0]) / nudge[:, None]).T * size[None, :] / size[:, None]
        # only a state that draws its neighbors in is what repeated doses lead to
        if np.abs(np.linalg.eigvals(slopes)).max(initial=0.0) > 1 + 1e-5:
            self.reason = "repeated doses lead away from every steady state"
            return None
        left, values, _ = np.linalg.svd(np.eye(here.size) - slopes)
        kept = values <= _CONSERVED
        self.is_fast = bool(np.all(kept | (values > _FAST_ENOUGH)))
        conserved = left[:, kept].T
        matrix = np.vstack([np.eye(here.size) - slopes, conserved])

        def solve(change: FloatArray) -> tuple[FloatArray, str]:
            scaled = change / size
            growth = np.where(self.early > 0, size / np.where(self.early > 0, self.early, 1.0), 1.0)
            lost = np.abs(conserved @ scaled) * np.array([growth[np.abs(one) > 0.1].max() for one in conserved])
            if np.any(lost > _NO_CHANGE):
                worst = np.abs(conserved[int(np.argmax(lost))])
                names = [self.system.states[self.live[k]] for k in np.flatnonzero(worst > 0.1 * worst.max())]
                return change, ", ".join(names)
            wanted = np.concatenate([scaled, np.zeros(len(conserved))])
            return np.linalg.lstsq(matrix, wanted, rcond=None)[0] * size, ""

        return solve
