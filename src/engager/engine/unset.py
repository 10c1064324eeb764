"""States that a file gives no value: they stay unknown, and nobody else need fail for it.

In: an `OdeProblem`. Out: the same without the states that start as NaN and that no other rate depends on. Whoever
depends on an unset state is unknown as well, so such states are left in, and the patient fails with a status.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, replace

import numpy as np

from engager.core import FloatArray, IntArray
from engager.engine.problem import Action, OdeProblem, Schedule, Stops, Trajectories, with_own_rows
from engager.model import System, initial_states


@dataclass(frozen=True)
class Reduced:
    """A system without its unset states; `kept` are the places of the others."""

    system: System
    kept: IntArray


_known: dict[int, tuple[weakref.ref[System], Reduced | None]] = {}


def unset_states(system: System) -> tuple[str, ...]:
    """States that have no value at the start by the file's own numbers."""
    values = {name: system.defaults.get(name, math.nan) for name in (*system.parameters, *system.inputs)}
    starts = system.graph.evaluate(system.initial, {"time": 0.0, **values})
    return tuple(name for name, value in zip(system.states, starts, strict=True) if math.isnan(value))


def unset_names(system: System) -> tuple[str, ...]:
    """Parameters in the rates, and states, to which the file gives no value."""
    used = system.graph.symbols(system.rates)
    parameters = [name for name in system.parameters if name in used and math.isnan(system.defaults.get(name, 0.0))]
    return (*parameters, *unset_states(system))


def without_unset(problem: OdeProblem) -> OdeProblem:
    """The ensemble without states that are NaN at the start in everyone; itself when there are none."""
    reduced = _reduced(problem.system)
    if reduced is None:
        return problem
    problem = with_own_rows(problem)
    initial = problem.initial
    if initial is None:
        initial = initial_states(problem.system, problem.parameters, problem.inputs)
    dropped = np.setdiff1d(np.arange(initial.shape[1]), reduced.kept)
    own = problem.schedule
    given = own is not None and bool(np.any((own.action == Action.SET_STATE) & np.isin(own.index, dropped)))
    if given or not np.isnan(initial[:, dropped]).all():
        return problem  # somebody has a value after all
    return replace(
        problem, system=reduced.system, initial=np.ascontiguousarray(initial[:, reduced.kept]),
        schedule=None if own is None else _schedule(own, reduced.kept, dropped),
        stops=None if problem.stops is None else Stops(problem.stops.weights[:, reduced.kept], problem.stops.limits),
    )  # fmt: skip


def with_unset(result: Trajectories, system: System) -> Trajectories:
    """The answer with the unset states back, NaN throughout."""
    if len(result.system.states) == len(system.states):
        return result
    values: FloatArray = np.full((*result.values.shape[:2], len(system.states)), np.nan)
    values[:, :, [system.index(name) for name in result.system.states]] = result.values
    return replace(result, system=system, values=values)


def _reduced(system: System) -> Reduced | None:
    found = _known.get(id(system))
    if found is None or found[0]() is not system:
        _known[id(system)] = found = weakref.ref(system), _reduce(system)
        weakref.finalize(system, _known.pop, id(system), None)
    return found[1]


def _reduce(system: System) -> Reduced | None:
    unset = set(unset_states(system))
    rates = dict(zip(system.states, system.rates, strict=True))
    while True:  # what a state that stays depends on must stay
        needed = system.graph.symbols([rate for name, rate in rates.items() if name not in unset])
        if not unset & needed:
            break
        unset -= needed
    if not unset or len(unset) == len(rates):
        return None
    kept = [k for k, name in enumerate(system.states) if name not in unset]
    smaller = replace(
        system, states=tuple(system.states[k] for k in kept), rates=tuple(system.rates[k] for k in kept),
        initial=tuple(system.initial[k] for k in kept),
    )  # fmt: skip
    return Reduced(smaller, np.array(kept, dtype=np.int64))


def _schedule(own: Schedule, kept: IntArray, dropped: IntArray) -> Schedule:
    """Actions on unset states do nothing: NaN plus a dose is NaN."""
    on_state = own.action <= Action.MULTIPLY_STATE
    stays = ~(on_state & np.isin(own.index, dropped))
    place = np.zeros(kept.size + dropped.size, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    index = np.where(on_state, place[np.where(on_state, own.index, 0)], own.index)
    offsets = np.concatenate([[0], np.cumsum(stays)])[own.offsets]
    return Schedule(offsets.astype(np.int64), own.time[stays], own.action[stays], index[stays], own.value[stays])
