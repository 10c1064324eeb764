"""Routines as Python source for numba-cuda, one patient per call, with the operations of the compiled code.

Arithmetic goes through the functions of `cuda_arithmetic` (``add``, ``mul``, ``fma``, ...), each rounded once on
any device, because a GPU compiler would otherwise join products and sums as it likes.
"""

from __future__ import annotations

import math
import struct

from engager.engine.lowering.code import Op
from engager.engine.lowering.printer import Array
from engager.engine.lowering.routine import Routine

_CALL = {
    "add": "add", "mul": "mul", "div": "div", "fma": "fma", "sqrt": "sqrt", "floor": "floor",
    "abs": "absolute", "bits": "bits", "float": "real",
}  # fmt: skip
_COMPARE = {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_INTEGER = {"iadd": "+", "isub": "-", "iand": "&", "ior": "|", "ixor": "^", "shl": "<<", "ashr": ">>"}


def number(value: float) -> str:
    """A double as source that reads back exactly."""
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INF" if value > 0 else "(-INF)"
    return repr(value) if value >= 0 and math.copysign(1.0, value) > 0 else f"({value!r})"


def python_routine(routine: Routine, arguments: list[str], arrays: dict[str, Array]) -> str:
    """One device function. Array element i is ``pointer[offset + i * stride]``."""
    names: dict[int, str] = {}
    lines = []
    stores: dict[int, list[str]] = {}
    for kind, index, ref in routine.stores:
        stores.setdefault(ref, []).append(_place(arrays[kind], index))
    for ref, op in enumerate(routine.ops):
        if op.name == "const":
            assert isinstance(op.value, bytes)
            names[ref] = number(struct.unpack("<d", op.value)[0])
        elif op.name == "iconst":
            names[ref] = f"integer({op.value})"
        else:
            names[ref] = f"v{ref}"
            lines.append(f"    v{ref} = {_operation(op, [names[arg] for arg in op.args], arrays)}")
        lines.extend(f"    {place} = {names[ref]}" for place in stores.get(ref, []))
    return f"def {routine.name}({', '.join(arguments)}):\n" + "\n".join(lines or ["    pass"]) + "\n"


def _place(array: Array, index: int) -> str:
    start = f"{array.base} + " if array.base else ""
    return f"{array.pointer}[{start}{array.offset + index * array.stride}]"


def _operation(op: Op, args: list[str], arrays: dict[str, Array]) -> str:
    name = op.name
    if name == "load":
        where: tuple[str, int] = op.value  # type: ignore[assignment]
        return _place(arrays[where[0]], where[1])
    if name in _CALL:
        return f"{_CALL[name]}({', '.join(args)})"
    if name == "sub":
        return f"add({args[0]}, -{args[1]})"
    if name == "neg":
        return f"-{args[0]}"
    if name in _COMPARE:
        return f"{args[0]} {_COMPARE[name]} {args[1]}"
    if name == "select":
        return f"{args[1]} if {args[0]} else {args[2]}"
    if name in ("both", "either"):
        return f"{args[0]} {'and' if name == 'both' else 'or'} {args[1]}"
    if name == "negate":
        return f"not {args[0]}"
    second = f"integer({op.value})" if op.value is not None else args[1]
    if name == "lshr":
        kept = (1 << (64 - int(str(op.value)))) - 1 if op.value else -1
        return f"({args[0]} >> {second}) & integer({kept})"
    return f"{args[0]} {_INTEGER[name]} {second}"
