"""Runs routines one instruction at a time in Python: slow, plain, and the same bits as compiled code.

For tests, and for the one look at a model that chooses its method.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from engager.core import FloatArray
from engager.engine.lowering.code import Op
from engager.engine.lowering.routine import Routine
from engager.engine.lowering.tableau import RODAS5P
from engager.engine.native.kernel import generate_routines
from engager.model import System

_WORD = (1 << 64) - 1


def run(routine: Routine, arrays: dict[str, FloatArray]) -> None:
    """Executes `routine` for one patient, reading and writing `arrays` by kind."""
    values: list[float | int | bool] = []
    stores: dict[int, list[tuple[str, int]]] = {}
    for kind, place, ref in routine.stores:
        stores.setdefault(ref, []).append((kind, place))
    with np.errstate(all="ignore"):
        for number, op in enumerate(routine.ops):
            values.append(_one(op, [values[arg] for arg in op.args], arrays))
            for kind, place in stores.get(number, []):
                arrays[kind][place] = values[-1]


def _one(op: Op, args: list[Any], arrays: dict[str, FloatArray]) -> Any:
    name = op.name
    if name == "const":
        return struct.unpack("<d", op.value)[0]  # type: ignore[arg-type]
    if name == "iconst":
        return int(op.value) & _WORD  # type: ignore[call-overload]
    if name == "load":
        where: tuple[str, int] = op.value  # type: ignore[assignment]
        kind, place = where
        return float(arrays[kind][place])
    if name in _FLOAT:
        return float(_FLOAT[name](*(np.float64(arg) for arg in args)))
    if name == "fma":
        return exact_fma(*args)
    if name in _OTHER:
        return _OTHER[name](*args)
    second = int(op.value) if op.value is not None else args[1]  # type: ignore[call-overload]
    return _INTEGER[name](args[0], second) & _WORD


def exact_fma(a: float, b: float, c: float) -> float:
    """a * b + c rounded once."""
    if not all(np.isfinite((a, b, c))):
        return float(np.float64(a) * np.float64(b) + np.float64(c))
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    try:
        rounded = float(exact)
    except OverflowError:
        return float(np.copysign(np.inf, float(exact > 0) - 0.5))
    # an exact zero has the sign of the sum of zeros
    return rounded if exact != 0 else float(np.float64(a) * np.float64(b) + np.float64(c)) * 0.0


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


_FLOAT: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "sqrt": np.sqrt, "floor": np.floor,
}  # fmt: skip
_OTHER: dict[str, Callable[..., Any]] = {
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
    "both": lambda a, b: a and b, "either": lambda a, b: a or b, "negate": lambda a: not a,
    "select": lambda mask, a, b: a if mask else b,
    "bits": lambda a: struct.unpack("<Q", struct.pack("<d", a))[0],
    "float": lambda a: struct.unpack("<d", struct.pack("<Q", a))[0],
}  # fmt: skip
_INTEGER: dict[str, Callable[[int, int], int]] = {
    "iadd": lambda a, b: a + b, "isub": lambda a, b: a - b, "iand": lambda a, b: a & b,
    "ior": lambda a, b: a | b, "ixor": lambda a, b: a ^ b, "shl": lambda a, b: a << b,
    "lshr": lambda a, b: a >> b, "ashr": lambda a, b: _signed(a) >> b,
}  # fmt: skip


def jacobian_at_start(system: System) -> list[FloatArray]:
    """The Jacobian for the model's default values: at its start, and with states that start at 0 put to the mean size.

    Empty when a parameter or input has no default value.
    """
    names = (*system.parameters, *system.inputs)
    if any(name not in system.defaults for name in names):
        return []
    routines = generate_routines(system, RODAS5P)
    n = len(system.states)
    arrays = {
        "P": np.array([system.defaults[name] for name in system.parameters], dtype=float),
        "U": np.array([system.defaults[name] for name in system.inputs], dtype=float),
        "X": np.zeros(n), "F": np.zeros(n), "T": np.zeros(1), "Q": np.zeros(routines.sizes.hoisted),
        "J": np.zeros(routines.sizes.jacobian), "G": np.zeros(routines.sizes.over_time),
    }  # fmt: skip
    run(routines.initial, arrays)
    run(routines.prologue, arrays)
    start = arrays["X"].copy()
    sizes = np.abs(start[(start != 0.0) & np.isfinite(start)])
    filled = np.where(start == 0.0, np.mean(sizes) if sizes.size else 1.0, start)
    found = []
    for state in (start, filled):
        arrays["X"] = state
        run(routines.slopes, arrays)
        found.append(_matrix(routines.entries, arrays, n))
    return found


def _matrix(entries: tuple[tuple[int, int, str, float], ...], arrays: dict[str, FloatArray], n: int) -> FloatArray:
    matrix = np.zeros((n, n))
    for row, column, kind, where in entries:
        matrix[row, column] = where if kind == "const" else arrays[kind][int(where)]
    return matrix
