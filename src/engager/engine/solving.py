"""The front door: check a problem, choose a method and a backend, solve."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from engager.core import FloatArray, InputError, IntArray, Problem, UnsupportedModel
from engager.engine.problem import (
    MAX_STOPS,
    Action,
    OdeProblem,
    Schedule,
    Stops,
    Trajectories,
    chosen_patients,
    with_own_rows,
)
from engager.engine.tolerance import floors
from engager.model import System

METHODS = ("auto", "rodas5p", "rodas4", "dopri5")
BACKENDS = ("auto", "native", "reference", "cuda")
# read once: a trial asks thousands of times, and members of an enumeration are slow to find
_SET_INPUT, _RESET, _LAST_ACTION = int(Action.SET_INPUT), int(Action.RESET), int(max(Action))


def solve(
    problem: OdeProblem,
    *,
    method: str = "auto",
    rtol: float = 1e-6,
    atol: float | Sequence[float] | FloatArray | None = None,
    backend: str = "auto",
    n_threads: int | None = None,
    max_steps: int = 100_000,
) -> Trajectories:
    """Follows every patient of an ensemble through its doses.

    Parameters
    ----------
    problem : what to solve.
    method : "rodas5p" (stiff, order 5), "rodas4" (stiff, order 4), "dopri5" (not stiff, order 5), or "auto".
    rtol : relative tolerance of a step, in [1e-13, 0.1].
    atol : absolute tolerance, one number or one per state [unit of the state]; None: 1e-6 * rtol times the
        largest size the state has had so far in that patient, at least 1e-15 * rtol.
    backend : "native" (compiled), "cuda" (the same code on an NVIDIA GPU), "reference" (slow, SciPy, runs everything),
        or "auto": native when the model has no events and no jumps that moving states decide (``piecewise`` of a
        species), which only the reference finds.
    n_threads : threads of the native backend; None: all CPUs this process may use.
    max_steps : tried steps after which a patient is given up.

    Returns
    -------
    Trajectories
        A failed patient has a status other than 0 and NaN from the moment of failure. Numbers do not depend
        on the save times in between, the order of patients, or the number of threads.

    Raises
    ------
    InputError
        When arrays have the wrong shape or options the wrong values; all problems together.
    UnsupportedModel
        When the chosen backend refuses the model; names the construct.
    """
    checked, tolerance = _check(problem, method, rtol, atol, backend, n_threads, max_steps)
    result = _solve(checked, _Options(method, rtol, tolerance, backend, n_threads, max_steps))
    keeps_all = result.values.shape[1] == checked.save_times.shape[-1]
    return _in_place(checked, result) if checked.in_place and keeps_all else result


def _solve(problem: OdeProblem, options: _Options) -> Trajectories:
    backend, rtol = options.backend, options.rtol
    if backend == "auto":
        backend = "reference" if problem.system.events or _undecided(problem.system) else "native"
    if backend == "reference":
        from engager.engine.reference.backend import solve_reference

        most = max(options.max_steps, 300_000)
        return solve_reference(with_own_rows(problem), rtol=rtol, atol=options.atol, max_steps=most)
    _refuse_undecided(problem.system)
    options = dataclasses.replace(options, backend=backend)
    if options.atol is None:
        problem = with_own_rows(problem)
        each = floors(problem)
        if np.any(each != each[:1]):
            return _by_floor(problem, each, options)
    return _solve_smooth(problem, options)


def _in_place(problem: OdeProblem, result: Trajectories) -> Trajectories:
    """What the compiled engine does by itself: the states at the end over those at the start, saves before it kept."""
    assert problem.initial is not None
    problem.initial[slice(None) if problem.rows is None else problem.rows] = result.values[:, -1]
    times, values = np.broadcast_to(problem.save_times, result.values.shape[:2])[:, 1:], result.values[:, 1:-1]
    fills_up = (times[:, :-1] >= times[:, -1:])[:, :, None] & ~np.isnan(values)
    return dataclasses.replace(result, values=np.where(fills_up, 0.0, values))


def make_ready(system: System, method: str) -> None:
    """Begin to compile a model in the background, for a caller that has other things to read before it solves.

    Parameters
    ----------
    method : as in `solve`, not "auto".

    Notes
    -----
    Nothing is begun for a model that the compiled engine refuses, or that is rewritten before it is solved.
    """
    from engager.engine.lowering.tableau import TABLEAUS
    from engager.engine.native.compiler import compile_beside
    from engager.engine.switching.find import switched
    from engager.engine.unset import unset_states

    if not (system.events or unset_states(system) or switched(system)):
        compile_beside(system, TABLEAUS[method])


@dataclasses.dataclass(frozen=True)
class _Options:
    """What `solve` was asked for, checked."""

    method: str
    rtol: float
    atol: FloatArray | None
    backend: str
    n_threads: int | None
    max_steps: int


def _undecided(system: System) -> tuple[str, ...]:
    """States that move and decide jumps: the reference finds such an instant, the compiled code does not."""
    from engager.engine.switching.find import switched

    found = switched(system)
    return () if found is None else found.undecided


def _refuse_undecided(system: System) -> None:
    names = _undecided(system)
    if names:
        told = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        rule = "moves and decides a jump (piecewise, a comparison, floor), which the compiled engine could step over"
        raise UnsupportedModel(Problem(f"model {system.id}", told, rule, "Use backend='auto' or 'reference'."))


def solved_again(problem: OdeProblem, result: Trajectories, rtol: float, atol: object = None) -> Trajectories:
    """The same with the patients that failed solved by the reference engine; those that fail there too stay failed."""
    from engager.engine.reference.backend import solve_reference

    places = np.flatnonzero(result.status)
    again = solve_reference(chosen_patients(problem, places), rtol=rtol, atol=atol)  # type: ignore[arg-type]
    changed: dict[str, Any] = {}
    for name in _PER_PATIENT:
        changed[name] = np.array(getattr(result, name))
        changed[name][places] = getattr(again, name)
    return dataclasses.replace(result, **changed)


_PER_PATIENT = ("values", "status", "last_step", "inputs", "n_steps", "n_rejected", "stopped", "end_time")


def _by_floor(problem: OdeProblem, each: FloatArray, options: _Options) -> Trajectories:
    """Patients whose doses need tolerances of different size apart, so that no one's numbers depend on the others."""
    places = [np.flatnonzero(each == floor) for floor in np.unique(each)]
    parts = [_solve_smooth(chosen_patients(problem, one), options) for one in places]
    order = np.argsort(np.concatenate(places))
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])[order] for name in _PER_PATIENT
    }
    return dataclasses.replace(parts[0], time=problem.save_times, **joined)


def _solve_smooth(problem: OdeProblem, options: _Options) -> Trajectories:
    """Solves what the compiled code can follow: unset states left out, jumps of formulas of time as actions."""
    from engager.engine.switching.join import with_switches, without_switches
    from engager.engine.unset import with_unset, without_unset

    set_only = without_unset(problem)
    smooth = with_switches(set_only)
    method = options.method
    if method == "auto":
        from engager.engine.native.stiffness import choose_method

        times = problem.save_times
        method = choose_method(smooth.system, float(times.max() - times.min()))
    if smooth is not problem:  # nobody would see what is written over a copy
        smooth = dataclasses.replace(smooth, in_place=False)
    if options.backend == "cuda":
        from engager.engine.cuda.backend import solve_cuda

        result = solve_cuda(smooth, method, options.rtol, options.atol, options.max_steps)
    else:
        from engager.engine.native.backend import solve_native

        result = solve_native(smooth, method, options.rtol, options.atol, options.n_threads, options.max_steps)
    return with_unset(without_switches(result, set_only.system), problem.system)


def _check(
    problem: OdeProblem, method: str, rtol: float, atol: object, backend: str, n_threads: object, max_steps: int
) -> tuple[OdeProblem, FloatArray | None]:
    """The problem with contiguous arrays and the absolute tolerance per state; InputError on anything wrong."""
    wrong: list[Problem] = []
    _check_options(wrong, method, rtol, backend, n_threads, max_steps)
    system = problem.system
    n_states = len(system.states)
    parameters = _array(wrong, "parameters", problem.parameters, (None, len(system.parameters)))
    n_rows = parameters.shape[0] if parameters.ndim == 2 else 0
    rows = None if problem.rows is None else _check_rows(wrong, problem.rows, n_rows)
    n = n_rows if rows is None else rows.size
    times = _check_times(wrong, problem.save_times, n)
    optional = {}
    for name, shape in (
        ("inputs", (n, len(system.inputs))), ("initial", (n_rows, n_states)), ("first_step", (n,)),
    ):  # fmt: skip
        given = getattr(problem, name)
        optional[name] = None if given is None else _array(wrong, name, given, shape)
    schedule = problem.schedule
    if schedule is not None:
        schedule = _check_schedule(wrong, schedule, n, n_states, len(system.inputs))
    stops = None if problem.stops is None else _check_stops(wrong, problem.stops, n, n_states)
    if problem.in_place:
        _check_in_place(wrong, problem, rows)
    tolerance = None
    if atol is not None:
        tolerance = np.ascontiguousarray(np.broadcast_to(np.asarray(atol, dtype=float), (n_states,)))
        if not np.all(np.isfinite(tolerance)) or np.any(tolerance <= 0):
            wrong.append(Problem("atol", atol, "must be positive and finite, one number or one per state"))
    if wrong:
        raise InputError(wrong)
    checked = dataclasses.replace(
        problem, parameters=parameters, save_times=times, schedule=schedule, inputs=optional["inputs"],
        initial=optional["initial"], first_step=optional["first_step"], stops=stops, rows=rows,
    )  # fmt: skip
    return checked, tolerance


def _check_rows(wrong: list[Problem], given: IntArray, n_rows: int) -> IntArray:
    rows = np.ascontiguousarray(given, dtype=np.int64)
    if rows.ndim != 1 or (rows.size and (rows.min() < 0 or rows.max() >= n_rows)):
        wrong.append(Problem("rows", given, f"must be a list of whole numbers from 0 to {n_rows - 1}"))
        return rows.ravel()
    return rows


def _check_in_place(wrong: list[Problem], problem: OdeProblem, rows: IntArray | None) -> None:
    """What is to be written over must be the caller's own array, and no row that of two patients."""
    given = problem.initial
    if not isinstance(given, np.ndarray) or given.dtype != np.float64 or not given.flags.c_contiguous:
        told = None if given is None else f"{type(given).__name__} of {getattr(given, 'dtype', '?')}"
        wrong.append(Problem("initial", told, "must be a contiguous array of float64 to be written over in place"))
    if rows is not None and rows.size and np.bincount(np.maximum(rows, 0)).max() > 1:
        wrong.append(Problem("rows", int(np.bincount(rows).argmax()), "must not name a row twice in place"))


def _check_times(wrong: list[Problem], given: FloatArray, n: int) -> FloatArray:
    own = np.ndim(given) == 2
    times = _array(wrong, "save_times", given, (n, None) if own else (None,))
    steps = np.diff(times, axis=-1)
    if times.size == 0 or not np.all(np.isfinite(times)) or np.any(steps < 0 if own else steps <= 0):
        wrong.append(Problem("save_times", given, "must be one or more finite, increasing times"))
    return times


def _check_stops(wrong: list[Problem], stops: Stops, n: int, n_states: int) -> Stops:
    """Finite weights for every state, a limit for every patient."""
    weights = _array(wrong, "stops.weights", stops.weights, (None, n_states))
    limits = _array(wrong, "stops.limits", stops.limits, (n, weights.shape[0]))
    if weights.shape[0] > MAX_STOPS:
        wrong.append(Problem("stops.weights", weights.shape[0], f"must be at most {MAX_STOPS} stops"))
    if not np.all(np.isfinite(weights)):
        wrong.append(Problem("stops.weights", stops.weights, "must be finite"))
    if np.any(np.isnan(limits)):
        wrong.append(Problem("stops.limits", np.nan, "must be numbers; infinite where a patient never stops"))
    return Stops(weights, limits)


def _check_options(
    wrong: list[Problem], method: str, rtol: float, backend: str, n_threads: object, max_steps: int
) -> None:
    if method not in METHODS:
        wrong.append(Problem("method", method, f"must be one of {', '.join(METHODS)}"))
    if backend not in BACKENDS:
        wrong.append(Problem("backend", backend, f"must be one of {', '.join(BACKENDS)}"))
    if not 1e-13 <= rtol <= 0.1:
        wrong.append(Problem("rtol", rtol, "must be in [1e-13, 0.1]"))
    if n_threads is not None and (not isinstance(n_threads, int) or n_threads < 1):
        wrong.append(Problem("n_threads", n_threads, "must be a whole number of at least 1, or None"))
    if max_steps < 1:
        wrong.append(Problem("max_steps", max_steps, "must be at least 1"))


def _array(wrong: list[Problem], name: str, given: object, shape: tuple[int | None, ...]) -> FloatArray:
    array = np.ascontiguousarray(given, dtype=float)
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        told = " x ".join("any" if want is None else str(want) for want in shape)
        wrong.append(Problem(name, array.shape, f"must have shape {told}"))
    return array


def _check_schedule(wrong: list[Problem], schedule: Schedule, n: int, n_states: int, n_inputs: int) -> Schedule:
    """Sorted within each patient, indices in range, times not NaN."""
    offsets = np.ascontiguousarray(schedule.offsets, dtype=np.int64)
    time = np.ascontiguousarray(schedule.time, dtype=float)
    action = np.ascontiguousarray(schedule.action, dtype=np.int64)
    index = np.ascontiguousarray(schedule.index, dtype=np.int64)
    value = np.ascontiguousarray(schedule.value, dtype=float)
    lengths = {len(time), len(action), len(index), len(value)}
    if len(lengths) != 1:
        wrong.append(Problem("schedule", sorted(lengths), "time, action, index and value must be equally long"))
        return schedule
    if len(offsets) != n + 1 or offsets[0] != 0 or offsets[-1] != len(time) or np.any(np.diff(offsets) < 0):
        wrong.append(Problem("schedule.offsets", offsets, f"must rise from 0 to {len(time)} in {n} steps"))
        return schedule
    if not len(time):
        return Schedule(offsets, time, action, index, value)
    if np.any(np.isnan(time)):
        wrong.append(Problem("schedule.time", np.nan, "must be numbers"))
    falls = np.diff(time) < 0
    starts = offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(time))] - 1
    falls[starts] = False
    if np.any(falls):
        at = int(np.flatnonzero(falls)[0])
        wrong.append(Problem(f"schedule.time[{at + 1}]", time[at + 1], "must not fall within a patient"))
    if action.min() < 0 or action.max() > _LAST_ACTION:
        wrong.append(Problem("schedule.action", action, "must be values of Action"))
    limit = np.where(action == _SET_INPUT, n_inputs, np.where(action == _RESET, np.inf, n_states))
    outside = (index < 0) | (index >= limit)
    if np.any(outside):
        at = int(np.flatnonzero(outside)[0])
        rule = f"must name one of {n_states} states or {n_inputs} inputs"
        wrong.append(Problem(f"schedule.index[{at}]", int(index[at]), rule))
    return Schedule(offsets, time, action, index, value)
