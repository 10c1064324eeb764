"""The state to which a repeated cycle of doses leads.

The state before a dose is a fixed point of "one interval later". Some intervals are simulated as they are,
then Newton's method on the fixed point (one step for a linear model) shortens the way; its answer is
accepted only if the next interval gives it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engager.core import FloatArray
from engager.engine.problem import Action, Problem, Schedule, Trajectories
from engager.model import System

Solver = Callable[[Problem], Trajectories]
CycleAction = tuple[float, Action, int, float]

_FIRST_CYCLES = 5
_NEWTON_STEPS = 6
_MAX_CYCLES = 300
TOLERANCE = 1e-8


def steady_state(
    system: System,
    parameters: FloatArray,
    inputs: FloatArray,
    initial: FloatArray,
    interval: float,
    actions: Sequence[CycleAction],
    solver: Solver,
) -> FloatArray:
    """State just before a dose, once doses have been repeated for ever.

    Parameters
    ----------
    parameters, inputs, initial : arrays (parameter,), (input,) and (state,) of one patient.
    interval : time from dose to dose.
    actions : what happens within an interval, times from 0.
    solver : solves a `Problem`, to a tolerance well below `TOLERANCE`.

    Returns
    -------
    array (state,); NaN when no steady state was found within `_MAX_CYCLES` intervals.

    Notes
    -----
    The model is taken to depend on time through doses only.
    """

    def later(states: FloatArray) -> FloatArray:
        n = states.shape[0]
        problem = Problem(
            system, np.tile(parameters, (n, 1)), np.array([0.0, interval]), np.tile(inputs, (n, 1)),
            np.ascontiguousarray(states), Schedule.same_for_all(n, list(actions)),
        )  # fmt: skip
        return np.asarray(solver(problem).values[:, -1, :])

    here = np.array(initial, dtype=float)
    scale = np.abs(here)
    for cycle in range(_MAX_CYCLES):
        there = later(here[None, :])[0]
        if not np.isfinite(there).all():
            break
        scale = np.maximum(scale, np.abs(there))
        if _is_near(here, there, scale):
            found: FloatArray = there
            return found
        here = there
        if cycle + 1 == _FIRST_CYCLES:
            jumped = _newton(later, here, scale)
            here = here if jumped is None else jumped
    return np.full(here.shape, np.nan)


def _is_near(here: FloatArray, there: FloatArray, scale: FloatArray) -> bool:
    return bool(np.all(np.abs(there - here) <= TOLERANCE * (np.abs(there) + 1e-6 * scale)))


def _newton(later: Callable[[FloatArray], FloatArray], start: FloatArray, scale: FloatArray) -> FloatArray | None:
    """A fixed point near `start`, or None."""
    here, n = start, start.size
    for _ in range(_NEWTON_STEPS):
        step = 1e-4 * np.maximum(np.maximum(np.abs(here), 1e-3 * scale), 1e-12)
        ends = later(np.vstack([here, here + np.diag(step)]))
        if not np.isfinite(ends).all():
            return None
        there = ends[0]
        if _is_near(here, there, scale):
            found: FloatArray | None = there
            return found
        slopes = ((ends[1:] - there) / step[:, None]).T
        # only a state that draws its neighbors in is what repeated doses lead to
        if np.abs(np.linalg.eigvals(slopes)).max(initial=0.0) > 1 - 1e-5:
            return None
        here = here + np.linalg.solve(np.eye(n) - slopes, there - here)
        if not np.isfinite(here).all() or (np.any(here < 0) and np.all(there >= 0)):
            return None
    return here
