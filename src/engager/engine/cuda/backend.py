"""Solves on an NVIDIA GPU through numba-cuda: the same generated routines, one thread per patient.

With ``NUMBA_ENABLE_CUDASIM=1`` the same source runs in Numba's CUDA simulator, very slowly, without a GPU.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from engager.core import FloatArray, InputError, Problem
from engager.engine.lowering.tableau import TABLEAUS
from engager.engine.native.backend import refuse_events, starting_inputs
from engager.engine.native.compiler import describe
from engager.engine.native.kernel import generate_routines
from engager.engine.problem import OdeProblem, Schedule, Stops, Trajectories
from engager.engine.tolerance import OF_PEAK, floor_of_all
from engager.model import System

#: Few threads per block: each needs all registers there are.
_BLOCK = 64
_SOURCE = "<engager cuda kernel>"
_compiled: dict[object, Any] = {}


def solve_cuda(problem: OdeProblem, method: str, rtol: float, atol: FloatArray | None, max_steps: int) -> Trajectories:
    """Solves a checked problem on the first GPU; see `engager.engine.solve`."""
    cuda = _device()
    refuse_events(problem.system)
    started = time.perf_counter()
    follow = _kernel(problem.system, method, cuda)
    n, m = problem.parameters.shape[0], len(problem.system.states)
    schedule = problem.schedule or Schedule.empty(n)
    inputs = starting_inputs(problem)
    times = np.atleast_2d(problem.save_times)
    n_times = times.shape[1]
    stops = problem.stops or Stops(np.zeros((0, m)), np.zeros((n, 0)))
    stop, state = np.nonzero(stops.weights)
    watching = [
        np.searchsorted(stop, np.arange(len(stops.weights) + 1)), _one_long(state),
        _one_long(stops.weights[stop, state]), _two_wide(stops.limits),
    ]  # fmt: skip
    absolute = np.full(m, rtol * floor_of_all(problem)) if atol is None else atol
    given = [
        problem.parameters, inputs, np.zeros((1, m)) if problem.initial is None else problem.initial,
    ]  # fmt: skip
    first_step = np.zeros(n) if problem.first_step is None else problem.first_step
    send = cuda.to_device
    empty = cuda.device_array
    outputs = [
        empty((n, n_times, m)), empty(n, dtype=np.int64), empty(n), empty((n, max(inputs.shape[1], 1))),
        empty(n, dtype=np.int64), empty(n, dtype=np.int64), empty(n, dtype=np.int64), empty(n),
    ]  # fmt: skip
    actions = [schedule.time, schedule.action, schedule.index, schedule.value]
    padded = [_one_long(column) for column in actions]
    parameters, begun, initial = (send(_two_wide(array)) for array in given)
    with np.errstate(all="ignore"):
        follow[max(1, -(-n // _BLOCK)), _BLOCK](
            parameters, begun, initial, problem.initial is not None, send(schedule.offsets),
            *(send(column) for column in padded), send(times), problem.save_times.ndim == 2, *outputs, send(first_step),
            send(absolute), float(rtol), float(rtol * OF_PEAK if atol is None else 0.0), int(max_steps),
            len(stops.weights), *(send(column) for column in watching),
        )  # fmt: skip
        cuda.synchronize()
    values, status, last_step, inputs_out, n_steps, n_rejected, stopped, end_time = (
        one.copy_to_host() for one in outputs
    )
    result = Trajectories(
        system=problem.system, time=problem.save_times, values=values, status=status, last_step=last_step,
        inputs=inputs_out[:, : inputs.shape[1]], n_steps=n_steps, n_rejected=n_rejected,
        stopped=stopped, end_time=end_time,
    )  # fmt: skip
    result.info["solve_seconds"] = time.perf_counter() - started
    return result


def _one_long(array: Any) -> Any:
    """A GPU array has at least one element."""
    return np.ascontiguousarray(array) if len(array) else np.zeros(1, dtype=array.dtype)


def _two_wide(array: FloatArray) -> FloatArray:
    """An array without columns gets one: a GPU array has at least one element."""
    array = np.ascontiguousarray(array)
    return array if array.size else np.zeros((max(array.shape[0], 1), 1))


def require_gpu() -> None:
    """Stops with the reason where there is no GPU to solve on.

    Raises
    ------
    InputError
        Without numba-cuda, or without an NVIDIA GPU and its driver.
    """
    _device()


def _device() -> Any:
    try:
        from numba import cuda
    except ImportError:
        raise InputError(
            Problem("device", "cuda", "needs numba-cuda", "Install it with pip install 'engager[gpu]', or use the CPU.")
        ) from None
    if not cuda.is_available():
        rule = "needs an NVIDIA GPU with its driver"
        raise InputError(Problem("device", "cuda", rule, "Leave it out to use the CPU."))
    return cuda


def _kernel(system: System, method: str, cuda: Any) -> Any:
    """The compiled kernel of a model, kept for the life of the process."""
    key = describe(system), method
    if key not in _compiled:
        _compiled[key] = _build(system, method, cuda)
    return _compiled[key]


def _build(system: System, method: str, cuda: Any) -> Any:
    from numba import config, float64

    from engager.engine.cuda.arithmetic import arithmetic
    from engager.engine.cuda.kernel import kernel_source

    tableau = TABLEAUS[method]
    text = kernel_source(generate_routines(system, tableau), tableau)
    names = {"cuda": cuda, "float64": float64, **arithmetic(bool(getattr(config, "ENABLE_CUDASIM", False)))}
    # the text holds numbers and the names of this package only, never a name from a model
    exec(compile(text, _SOURCE, "exec"), names)
    for name in [name for name, value in names.items() if _is_ours(value) and name != "follow"]:
        names[name] = cuda.jit(device=True)(names[name])
    return cuda.jit(names["follow"])


def _is_ours(value: Any) -> bool:
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename == _SOURCE
