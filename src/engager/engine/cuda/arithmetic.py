"""Arithmetic for GPU threads, rounded once whatever the compiler would like to join; the same in the simulator."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np


def arithmetic(simulated: bool) -> dict[str, Any]:
    """Names that generated source may use."""
    shared: dict[str, Any] = {"INF": math.inf, "NAN": math.nan, "range": range}
    return {**shared, **(_plain() if simulated else _device())}


def _device() -> dict[str, Any]:
    """The device's own functions, named directly: a wrapper around each would take minutes to compile."""
    from numba import int64
    from numba.cuda import libdevice

    return {
        "add": libdevice.dadd_rn, "mul": libdevice.dmul_rn, "div": libdevice.ddiv_rn, "fma": libdevice.fma_rn,
        "sqrt": libdevice.dsqrt_rn, "floor": libdevice.floor, "absolute": libdevice.fabs,
        "bits": libdevice.double_as_longlong, "real": libdevice.longlong_as_double, "integer": int64,
    }  # fmt: skip


def _plain() -> dict[str, Any]:
    """For the simulator, which runs each GPU thread as a Python thread with warnings of its own."""
    from engager.engine.native.interpret import exact_fma

    def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            with np.errstate(all="ignore"):
                return function(*(np.float64(arg) for arg in args))

        return run

    return {
        "add": quiet(lambda a, b: a + b), "mul": quiet(lambda a, b: a * b),
        "div": quiet(lambda a, b: a / b), "sqrt": quiet(np.sqrt), "floor": quiet(np.floor),
        "fma": quiet(lambda a, b, c: np.float64(exact_fma(float(a), float(b), float(c)))),
        "absolute": np.abs, "integer": np.int64,
        "bits": lambda a: np.int64(struct.unpack("<q", struct.pack("<d", a))[0]),
        "real": lambda a: np.float64(struct.unpack("<d", struct.pack("<q", a))[0]),
    }  # fmt: skip
