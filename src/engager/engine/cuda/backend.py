"""Solves on an NVIDIA GPU with the compiled engine's own code, one patient per thread."""

from __future__ import annotations

import time
from typing import Any

from engager.core import FloatArray, InputError, Problem
from engager.engine.cuda.gpu import Gpu, GpuError, first_gpu
from engager.engine.cuda.kernel import thread_text
from engager.engine.lowering.tableau import TABLEAUS
from engager.engine.native.backend import Laid, lay_out, refuse_events
from engager.engine.native.compiler import fingerprint
from engager.engine.problem import OdeProblem, Trajectories, with_own_rows
from engager.model import System

_loaded: dict[object, Any] = {}


def solve_cuda(problem: OdeProblem, method: str, rtol: float, atol: FloatArray | None, max_steps: int) -> Trajectories:
    """Solves a checked problem on the first GPU; see `engager.engine.solve`.

    Raises
    ------
    InputError
        Without a GPU, or when its memory does not hold the problem.
    """
    gpu = first_gpu()
    refuse_events(problem.system)
    gpu.use()
    started = time.perf_counter()
    kernel = _kernel(gpu, problem.system, method)
    ready = time.perf_counter()
    laid = lay_out(with_own_rows(problem), rtol, atol, max_steps)  # only the rows concerned travel
    try:
        _follow(gpu, kernel, laid, problem.n)
    except GpuError as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
        size = sum(array.nbytes for array in laid.arrays.values()) / 2**20
        rule = f"need {size:,.1f} MiB, which the GPU does not have free"
        hint = "Solve fewer patients or times at once, for instance with engager.engine.solve_in_chunks."
        raise InputError(Problem("patients", problem.n, rule, hint)) from None
    laid.result.info.update(compile_seconds=ready - started, solve_seconds=time.perf_counter() - ready)
    return laid.result


def _follow(gpu: Gpu, kernel: Any, laid: Laid, n_patients: int) -> None:
    """The problem to the GPU, and back what came of it."""
    # the last states are written over the first: one copy serves both
    own = {name: array for name, array in laid.arrays.items() if name != "last"}
    with gpu.copies(own) as places:
        addresses = {name: places["initial" if name == "last" else name] for name in laid.arrays}
        with gpu.copies({"context": laid.context(addresses)}) as at:
            gpu.run(kernel, at["context"], n_patients)
        for name in (*Laid.OUTPUTS, "last"):
            if name in laid.arrays:
                gpu.fetch(laid.arrays[name], addresses[name])


def require_gpu() -> None:
    """Stops with the reason where there is no GPU to solve on.

    Raises
    ------
    InputError
        Without NVIDIA's bindings, or without an NVIDIA GPU and its driver.
    """
    first_gpu()


def _kernel(gpu: Gpu, system: System, method: str) -> Any:
    """The code of a model on this GPU, kept for the life of the process."""
    key = gpu, fingerprint(system), method
    if key not in _loaded:
        _loaded[key] = gpu.load(thread_text(system, TABLEAUS[method]))
    return _loaded[key]
