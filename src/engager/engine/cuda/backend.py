"""Solves on an NVIDIA GPU through numba-cuda: the same generated routines, one thread per patient.

With ``NUMBA_ENABLE_CUDASIM=1`` the same source runs in Numba's CUDA simulator, very slowly, without a GPU.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from engager.core import FloatArray, InputError, Problem as Wrong
from engager.engine.lowering.tableau import TABLEAUS
from engager.engine.native.backend import refuse_events, starting_inputs
from engager.engine.native.compiler import describe
from engager.engine.native.kernel import generate_routines
from engager.engine.problem import Problem, Schedule, Trajectories
from engager.engine.tolerance import OF_PEAK, floor_of_all
from engager.model import System

#: Few threads per block: each needs all registers there are.
_BLOCK = 64
_SOURCE = "<engager cuda kernel>"
_compiled: dict[object, Any] = {}


def solve_cuda(problem: Problem, method: str, rtol: float, atol: FloatArray | None, max_steps: int) -> Trajectories:
    """Solves a checked problem on the first GPU; see `engager.engine.solve`."""
    cuda = _device()
    refuse_events(problem.system)
    if problem.stops is not None or problem.save_times.ndim == 2:
        rule = "cannot stop a patient early or save at times of its own"
        raise InputError(Wrong("backend", "cuda", rule, "Use backend='native'."))
    started = time.perf_counter()
    follow = _kernel(problem.system, method, cuda)
    n, m = problem.parameters.shape[0], len(problem.system.states)
    schedule = problem.schedule or Schedule.empty(n)
    inputs = starting_inputs(problem)
    n_times = len(problem.save_times)
    absolute = np.full(m, rtol * floor_of_all(problem)) if atol is None else atol
    given = [
        problem.parameters, inputs, np.zeros((1, m)) if problem.initial is None else problem.initial,
    ]  # fmt: skip
    first_step = np.zeros(n) if problem.first_step is None else problem.first_step
    send = cuda.to_device
    empty = cuda.device_array
    outputs = [
        empty((n, n_times, m)), empty(n, dtype=np.int64), empty(n), empty((n, max(inputs.shape[1], 1))),
        empty(n, dtype=np.int64), empty(n, dtype=np.int64),
    ]  # fmt: skip
    actions = [schedule.time, schedule.action, schedule.index, schedule.value]
    # a GPU array has at least one element
    padded = [column if len(column) else np.zeros(1, dtype=column.dtype) for column in actions]
    parameters, begun, initial = (send(_two_wide(array)) for array in given)
    with np.errstate(all="ignore"):
        follow[max(1, -(-n // _BLOCK)), _BLOCK](
            parameters, begun, initial, problem.initial is not None, send(schedule.offsets),
            *(send(column) for column in padded), send(problem.save_times), *outputs, send(first_step),
            send(absolute), float(rtol), float(rtol * OF_PEAK if atol is None else 0.0), int(max_steps),
        )  # fmt: skip
        cuda.synchronize()
    values, status, last_step, inputs_out, n_steps, n_rejected = (one.copy_to_host() for one in outputs)
    result = Trajectories(
        system=problem.system, time=problem.save_times, values=values, status=status, last_step=last_step,
        inputs=inputs_out[:, : inputs.shape[1]], n_steps=n_steps, n_rejected=n_rejected,
        stopped=np.full(n, -1, dtype=np.int64), end_time=np.full(n, problem.save_times[-1]),
    )  # fmt: skip
    result.info["solve_seconds"] = time.perf_counter() - started
    return result


def _two_wide(array: FloatArray) -> FloatArray:
    """An array without columns gets one: a GPU array has at least one element."""
    array = np.ascontiguousarray(array)
    return array if array.size else np.zeros((max(array.shape[0], 1), 1))


def _device() -> Any:
    try:
        from numba import cuda
    except ImportError:
        raise InputError(Wrong("backend", "cuda", "needs numba-cuda", "Install engager[gpu].")) from None
    if not cuda.is_available():
        rule = "needs an NVIDIA GPU with its driver"
        raise InputError(Wrong("backend", "cuda", rule, "Use backend='native'."))
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
