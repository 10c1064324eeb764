"""What the machine could do at most: multiply-adds in registers, nothing else."""

from __future__ import annotations

import ctypes
import functools
import time

import numpy as np

from engager.engine.lowering.printer import declarations, vector_type
from engager.engine.native.compiler import build, load_functions, this_machine
from engager.engine.native.ir import Function

_CHAINS, _TURNS = 12, 200_000


@functools.cache
def floating_point_peak() -> float:
    """Floating-point operations per second of one core, by running independent multiply-adds (two each)."""
    machine = this_machine()
    width = machine.width
    f = Function("drive", ["data", "ctx"], exported=True)
    kind = vector_type("double", width)
    chains = [f.variable(kind, 1.0 + 0.5 * k) for k in range(_CHAINS)]
    with f.count(_TURNS):
        for chain in chains:
            chain.set(f.fma(chain.get(), 0.9999, 1e-4))
    for k, chain in enumerate(chains):
        f.store(chain.get(), f.at(f.argument("data"), k * width))
    f.ret()
    both = [declarations(width), f.text(), "define void @repeat() { ret void }"]
    run, _, keep = load_functions(build("\n".join(both), machine, width), machine)
    data = np.zeros(_CHAINS * width)
    best = np.inf
    for _ in range(7):
        start = time.perf_counter()
        run(data.ctypes.data, ctypes.c_void_p(0))
        best = min(best, time.perf_counter() - start)
    del keep
    return 2.0 * width * _CHAINS * _TURNS / best
