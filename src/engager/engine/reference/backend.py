"""The slow, trusted solver: one patient at a time, SciPy's integrators, every feature of a `System`.

In: an `OdeProblem`. Out: `Trajectories`. It runs SBML events, finds the instants at which comparisons change by
bisection, and restarts there; other backends are held against it. Not here: speed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from engager.core import FloatArray
from engager.engine.instants import is_same_instant
from engager.engine.problem import Action, OdeProblem, Schedule, Status, Trajectories
from engager.engine.reference.course import Failure, Running
from engager.engine.reference.model import ReferenceModel, as_floats
from engager.engine.switching.join import switching_times
from engager.engine.tolerance import floors


def solve_reference(
    problem: OdeProblem,
    *,
    rtol: float = 1e-8,
    atol: float | FloatArray | None = None,
    method: str = "LSODA",
    max_step: float | None = None,
    max_steps: int = 300_000,
    progress: Callable[[int, int], None] | None = None,
) -> Trajectories:
    """Solve a problem with SciPy, events included.

    Parameters
    ----------
    rtol, atol : tolerances of a step; `atol` is a number or an array (state,) [unit of each state]; None: 1e-6 * rtol
        times the largest size the state has had so far in that patient.
    method : ``LSODA``, ``Radau``, ``BDF``, ``RK45`` or ``DOP853`` of `scipy.integrate`.
    max_step : longest step [the model's time]. By default unlimited, or a 200th of the whole course when
        an event or comparison depends on states or is curved in time, so that a short crossing is seen.
    max_steps : steps of one patient after which it fails with ``STEP_LIMIT``.
    progress : called with (patients done, patients).

    Returns
    -------
    Trajectories; a patient that failed has a status, and NaN from then on.

    Notes
    -----
    A comparison in a rate keeps its value during a stretch; the stretch ends, to the last bit of time,
    where it changes. Values that the file leaves unset are NaN and stay NaN without failing the patient.
    """
    model = ReferenceModel(problem.system)
    n_patients = problem.parameters.shape[0]
    times = np.ascontiguousarray(problem.save_times, dtype=float)
    n_times = times.shape[-1]
    inputs = _inputs(problem, n_patients)
    schedule = problem.schedule or Schedule.empty(n_patients)
    values = np.full((n_patients, n_times, len(problem.system.states)), np.nan)
    status = np.zeros(n_patients, dtype=np.int64)
    steps = np.zeros(n_patients, dtype=np.int64)
    last_step, end_time = np.zeros(n_patients), np.zeros(n_patients)
    stopped = np.full(n_patients, -1, dtype=np.int64)
    if max_step is None:
        limited = model.must_look or (model.atoms and not model.moving)
        longest = float(np.max(times[..., -1] - times[..., 0]))
        max_step = longest / 200 if limited and longest > 0 else math.inf
    switching, least = switching_times(problem), floors(problem)
    for i in range(n_patients):  # SciPy warns where we set a status
        own = problem.times_of(i)
        course = Running(
            model, as_floats(problem.parameters[i]), as_floats(inputs[i]),
            None if problem.initial is None else as_floats(problem.initial[i]),
            start=float(own[0]), rtol=rtol, atol=atol, method=method,
            max_step=max_step, max_steps=max_steps, floor=float(least[i]), switching=switching[i],
            stops=_stops(problem, i),
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            status[i] = _run(course, list(_actions(schedule, i, own)), own, values[i])
        stopped[i], end_time[i] = course.stopped, course.t
        inputs[i], steps[i], last_step[i] = course.u, course.n_steps, course.last_step
        if progress is not None:
            progress(i + 1, n_patients)
    return Trajectories(
        problem.system, times, values, status, last_step, inputs, steps, np.zeros(n_patients, dtype=np.int64),
        stopped, end_time,
    )  # fmt: skip


def _inputs(problem: OdeProblem, n_patients: int) -> FloatArray:
    system = problem.system
    if problem.inputs is not None:
        return np.array(problem.inputs, dtype=float)
    row = [system.defaults.get(name, 0.0) for name in system.inputs]
    return np.tile(np.array(row, dtype=float), (n_patients, 1))


def _stops(problem: OdeProblem, patient: int) -> list[tuple[list[float], float]]:
    if problem.stops is None:
        return []
    weights, limits = problem.stops.weights, problem.stops.limits
    return [(as_floats(row), float(limit)) for row, limit in zip(weights, limits[patient], strict=True)]


def _actions(schedule: Schedule, patient: int, times: FloatArray) -> Iterator[tuple[float, Action, int, float]]:
    for k in range(schedule.offsets[patient], schedule.offsets[patient + 1]):
        time = float(schedule.time[k])
        if times[0] <= time <= times[-1]:
            yield time, Action(int(schedule.action[k])), int(schedule.index[k]), float(schedule.value[k])


def _run(
    course: Running, actions: list[tuple[float, Action, int, float]], times: FloatArray, values: FloatArray
) -> Status:
    """Carry one patient through its actions; fills `values` (time, state)."""
    saves = as_floats(times.tolist())
    try:
        k, n = 0, len(actions)
        while k < n and is_same_instant(actions[k][0], saves[0]):
            k += 1
        course.begin(actions[:k])
        course.record(saves, values)
        while course.t < saves[-1] and course.stopped < 0:
            stop = actions[k][0] if k < n else saves[-1]
            course.advance(stop, saves, values)
            first = k
            while k < n and is_same_instant(actions[k][0], stop):
                k += 1
            if course.stopped < 0:
                course.act(actions[first:k])
            course.record(saves, values)
    except Failure as failure:
        values[course.n_saved :] = np.nan
        return failure.status
    values[course.n_saved :] = course.y  # only where a stop came before
    return Status.DONE
