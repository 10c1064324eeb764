"""Runs compiled models: checks a problem's arrays, lays them out, and lets threads loose on them."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engager.core import FloatArray, IntArray, Problem, UnsupportedModel, held_back, usable_cpus
from engager.engine.lowering.layout import CONTEXT, SLOT
from engager.engine.lowering.tableau import TABLEAUS
from engager.engine.native.compiler import Compiled, compile_system, make_or_load
from engager.engine.native.steps import PARTS
from engager.engine.problem import OdeProblem, Schedule, Stops, Trajectories
from engager.engine.tolerance import OF_PEAK, floor_of_all
from engager.model import System

#: Ensembles this small are solved before anyone could interrupt them: no thread is started for them.
_QUICK = 256


def solve_native(
    problem: OdeProblem,
    method: str,
    rtol: float,
    atol: FloatArray | None,
    n_threads: int | None,
    max_steps: int,
    width: int | None = None,
) -> Trajectories:
    """Solves a checked problem with compiled code; see `engager.engine.solve`."""
    system = problem.system
    refuse_events(system)
    started = time.perf_counter()
    compiled = compile_system(system, TABLEAUS[method], width)
    ready = time.perf_counter()
    laid = lay_out(problem, rtol, atol, max_steps)
    result, n_patients = laid.result, problem.n
    threads = max(1, min(n_threads or usable_cpus(), -(-n_patients // compiled.kernel.width)))
    _run(compiled, laid.context(), threads, laid.arrays["counter"], n_patients)
    del laid
    result.info.update(
        compile_seconds=ready - started,
        solve_seconds=time.perf_counter() - ready,
        from_cache=float(compiled.from_cache),
        threads=float(threads),
        width=float(compiled.kernel.width),
    )
    return result


def refuse_events(system: System) -> None:
    """Raises UnsupportedModel naming the events that only the reference engine runs."""
    if system.events:
        named = ", ".join(event.id for event in system.events[:5])
        rule = "the compiled engine runs no events"
        raise UnsupportedModel(Problem(f"model {system.id}", named, rule, "Use backend='reference'."))


def _starting_inputs(problem: OdeProblem) -> FloatArray:
    """Inputs at the start, array (patient, input): as given, else the model's values (0 where it has none)."""
    if problem.inputs is not None:
        return problem.inputs
    system = problem.system
    values = np.array([system.defaults.get(name, 0.0) for name in system.inputs])
    return np.tile(values, (problem.n, 1))


@dataclass(frozen=True)
class Laid:
    """A problem as compiled code takes it, on this machine or another device. Must stay alive while the code runs.

    Attributes
    ----------
    result : filled by the code, its arrays being among `arrays`.
    arrays : what the context's addresses stand for, by name; one that is not given is not there.
    numbers : the context's whole numbers, by name.
    tolerances : the context's real numbers, by name.
    """

    result: Trajectories
    arrays: dict[str, FloatArray | IntArray]
    numbers: dict[str, int]
    tolerances: dict[str, float]

    #: What the code writes; `counter` and `last`, which it also reads, are not among them.
    OUTPUTS: ClassVar = (
        "values", "status", "last_step", "inputs_out", "n_steps", "n_rejected", "stopped", "end_time",
    )  # fmt: skip

    def context(self, addresses: Mapping[str, int] | None = None) -> FloatArray:
        """The list that the code reads, with the addresses of the arrays here or of their copies elsewhere."""
        context = np.zeros(len(CONTEXT), dtype=np.int64)
        if addresses is None:
            addresses = {name: array.ctypes.data for name, array in self.arrays.items()}
        for name, value in (*addresses.items(), *self.numbers.items()):
            context[SLOT[name]] = value
        reals = context.view(np.float64)
        for name, tolerance in self.tolerances.items():
            reals[SLOT[name]] = tolerance
        return reals


def lay_out(problem: OdeProblem, rtol: float, atol: FloatArray | None, max_steps: int) -> Laid:
    """Empty results beside what is to be solved."""
    system = problem.system
    n, m = problem.n, len(system.states)
    schedule = problem.schedule or Schedule.empty(n)
    times = np.ascontiguousarray(problem.save_times, dtype=float)
    n_times = times.shape[-1]
    first_kept, n_kept = (1, max(n_times - 2, 0)) if problem.in_place else (0, n_times)
    stops = problem.stops or Stops(np.zeros((0, m)), np.zeros((n, 0)))
    stop, state = np.nonzero(stops.weights)
    result = Trajectories(
        system=system,
        time=times,
        values=(np.zeros if problem.in_place else np.empty)((n, n_kept, m)),
        status=np.zeros(n, dtype=np.int64),
        last_step=np.zeros(n),
        inputs=np.zeros((n, len(system.inputs))),
        n_steps=np.zeros(n, dtype=np.int64),
        n_rejected=np.zeros(n, dtype=np.int64),
        stopped=np.full(n, -1, dtype=np.int64),
        end_time=np.zeros(n),
    )
    real: dict[str, FloatArray | None] = {
        "parameters": problem.parameters, "inputs": _starting_inputs(problem), "initial": problem.initial,
        "action_time": schedule.time, "action_value": schedule.value, "save_times": times,
        "values": result.values, "last": problem.initial if problem.in_place else None,
        "last_step": result.last_step, "inputs_out": result.inputs,
        "first_step": np.zeros(n) if problem.first_step is None else problem.first_step,
        "absolute": np.full(m, rtol * floor_of_all(problem)) if atol is None else atol,
        "stop_weight": stops.weights[stop, state], "limits": stops.limits, "end_time": result.end_time,
    }  # fmt: skip
    whole: dict[str, IntArray | None] = {
        "row": problem.rows, "offsets": schedule.offsets, "action": schedule.action, "action_index": schedule.index,
        "status": result.status, "n_steps": result.n_steps, "n_rejected": result.n_rejected,
        "counter": np.zeros(1, dtype=np.int64),
        "stop_from": np.searchsorted(stop, np.arange(len(stops.weights) + 1)), "stop_state": state,
        "stopped": result.stopped,
    }  # fmt: skip
    arrays: dict[str, FloatArray | IntArray] = {
        **{name: np.ascontiguousarray(one, dtype=np.float64) for name, one in real.items() if one is not None},
        **{name: np.ascontiguousarray(one, dtype=np.int64) for name, one in whole.items() if one is not None},
    }
    numbers = {
        "n_times": n_times, "n_patients": n, "time_stride": n_times if times.ndim == 2 else 0,
        "first_kept": first_kept, "n_kept": n_kept, "n_stops": len(stops.weights), "max_steps": max_steps,
    }  # fmt: skip
    tolerances = {"relative": rtol, "of_peak": rtol * OF_PEAK if atol is None else 0.0}
    return Laid(result, arrays, numbers, tolerances)


def time_parts(problem: OdeProblem, method: str, rtol: float, width: int | None = None) -> dict[str, float]:
    """Nanoseconds that each part of a step takes per lane, on the state that a solved problem leaves behind.

    "operations" counts the floating-point operations of one tried step and lane.
    """
    compiled = compile_system(problem.system, TABLEAUS[method], width)
    laid = lay_out(problem, rtol, None, 100_000)
    context = laid.context()
    block, start = _workspace(compiled)
    compiled.drive(start, context.ctypes.data)
    found = {}
    for number, name in enumerate(PARTS):
        best = np.inf
        for _ in range(5):
            before = time.perf_counter()
            compiled.repeat(start, context.ctypes.data, number, 200)
            best = min(best, time.perf_counter() - before)
        found[name] = best / 200 / compiled.kernel.width * 1e9
    del laid, block
    found["operations"] = float(compiled.kernel.operations["step"])
    return found


def compile_times(system: System, method: str = "rodas5p") -> dict[str, float]:
    """Seconds to make a model's code with an empty cache, and to load it from a full one."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name in ("compile_cold_s", "compile_warm_s"):
            start = time.perf_counter()
            make_or_load(system, TABLEAUS[method], None, Path(folder))
            found[name] = time.perf_counter() - start
    return found


def _workspace(compiled: Compiled) -> tuple[FloatArray, int]:
    """Memory for one thread and the address at which it begins."""
    block = np.zeros(compiled.kernel.workspace + 8)
    # whole cache lines: a vector that straddles two is slower to load
    return block, block.ctypes.data + (-block.ctypes.data % 64)


def _run(
    compiled: Compiled, context: FloatArray, threads: int, counter: FloatArray | IntArray, n_patients: int
) -> None:
    def work(_: int) -> None:
        block, start = _workspace(compiled)
        compiled.drive(start, context.ctypes.data)
        del block

    if threads == 1 and (n_patients <= _QUICK or not _can_be_interrupted()):
        work(0)
        return
    pool = _pool(os.getpid())
    # Compiled code sees no signal, and its arrays must outlive it: with no patient left to take, it ends soon.
    with held_back(hurry=lambda: counter.fill(n_patients)):
        running = [pool.submit(work, k) for k in range(threads)]
        # in short waits: a signal may reach another thread, and this one must wake to see it
        while wait(running, timeout=0.2).not_done:
            pass
    for one in running:
        one.result()


@functools.lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads kept from one call to the next, which a trial makes hundreds of; a forked process has none of them."""
    return ThreadPoolExecutor(usable_cpus(), thread_name_prefix="engager")


def _can_be_interrupted() -> bool:
    """Whether Ctrl-C is raised in this thread: only in the first of a process, and in none of a worker."""
    here = threading.current_thread() is threading.main_thread()
    return here and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
