"""Straight-line arithmetic for one patient: what the printers turn into LLVM IR or Python source.

A `Code` is a growing, hash-consed list of instructions on doubles, truth masks and 64-bit integers. Every
instruction is an IEEE operation with one correctly rounded answer (no libm call, no fast-math), so a printer
has no freedom and the bits are the same on every machine, vector width and device.

In: the constructors below. Out: `Code.ops`. Not here: what a model's operations mean (see `lowering`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

Ref = int

#: What a value is made of: nothing but numbers, parameters only, or something that moves during a course.
CONSTANT, FIXED, MOVING = 0, 1, 2

#: operation -> type of its result ("f" double, "b" mask, "i" 64-bit integer)
RESULT = {
    **dict.fromkeys(("const", "load", "add", "sub", "mul", "div", "neg", "fma", "abs", "sqrt"), "f"),
    **dict.fromkeys(("floor", "select", "float"), "f"),
    **dict.fromkeys(("lt", "le", "eq", "ne", "both", "either", "negate"), "b"),
    **dict.fromkeys(("bits", "iconst", "iadd", "isub", "iand", "ior", "ixor", "shl", "ashr", "lshr"), "i"),
}  # fmt: skip


class Op(NamedTuple):
    """One instruction: `name` on earlier instructions `args`; `value` is a constant or a place to load from."""

    name: str
    args: tuple[Ref, ...] = ()
    value: object = None


@dataclass
class Code:
    """A store of instructions in which equal instructions stand once."""

    ops: list[Op] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    _number_of: dict[Op, Ref] = field(default_factory=dict)

    # ---- leaves ----
    def const(self, value: float) -> Ref:
        """A number, kept by its bits so that -0.0 and NaN survive."""
        return self._add(Op("const", (), struct.pack("<d", float(value))), CONSTANT)

    def load(self, kind: str, index: int) -> Ref:
        """The double at place `index` of array `kind`; kind "P" (parameters) is fixed during a course."""
        return self._add(Op("load", (), (kind, index)), FIXED if kind == "P" else MOVING)

    def value(self, ref: Ref) -> float | None:
        """The number that `ref` is, or None."""
        op = self.ops[ref]
        return struct.unpack("<d", op.value)[0] if op.name == "const" else None  # type: ignore[arg-type]

    # ---- doubles ----
    def add(self, a: Ref, b: Ref) -> Ref:
        x, y = self.value(a), self.value(b)
        if x == 0.0:
            return b
        if y == 0.0:
            return a
        if self.ops[b].name == "neg":
            return self.sub(a, self.ops[b].args[0])
        if self.ops[a].name == "neg":
            return self.sub(b, self.ops[a].args[0])
        return self._fold("add", (a, b) if a <= b else (b, a))

    def sub(self, a: Ref, b: Ref) -> Ref:
        x, y = self.value(a), self.value(b)
        if y == 0.0:
            return a
        if x == 0.0:
            return self.neg(b)
        if self.ops[b].name == "neg":
            return self.add(a, self.ops[b].args[0])
        return self._fold("sub", (a, b))

    def mul(self, a: Ref, b: Ref) -> Ref:
        x, y = self.value(a), self.value(b)
        if x == 0.0 or y == 0.0:
            return self.const(0.0)
        if x == 1.0:
            return b
        if y == 1.0:
            return a
        if x == -1.0:
            return self.neg(b)
        if y == -1.0:
            return self.neg(a)
        if self.ops[a].name == "neg":
            return self.neg(self.mul(self.ops[a].args[0], b))
        if self.ops[b].name == "neg":
            return self.neg(self.mul(a, self.ops[b].args[0]))
        return self._fold("mul", (a, b) if a <= b else (b, a))

    def div(self, a: Ref, b: Ref) -> Ref:
        if self.value(b) == 1.0:
            return a
        if self.value(a) == 0.0 and self.value(b) is None:
            return a
        return self._fold("div", (a, b))

    def neg(self, a: Ref) -> Ref:
        op = self.ops[a]
        if op.name == "neg":
            return op.args[0]
        if op.name == "sub":
            return self.sub(op.args[1], op.args[0])
        return self._fold("neg", (a,))

    def fma(self, a: Ref, b: Ref, c: Ref) -> Ref:
        """a * b + c with one rounding."""
        if self.value(a) is not None and self.value(b) is not None:
            return self.add(self.mul(a, b), c)  # only ever built with constants by mistake; exactness not needed
        return self._make("fma", (a, b, c))

    def abs(self, a: Ref) -> Ref:
        return self._fold("abs", (a,))

    def sqrt(self, a: Ref) -> Ref:
        return self._fold("sqrt", (a,))

    def floor(self, a: Ref) -> Ref:
        return self._fold("floor", (a,))

    def select(self, mask: Ref, a: Ref, b: Ref) -> Ref:
        """a where the mask holds, else b."""
        return a if a == b else self._make("select", (mask, a, b))

    def min(self, a: Ref, b: Ref) -> Ref:
        """The smaller; b when either is NaN."""
        return self.select(self.lt(a, b), a, b)

    def max(self, a: Ref, b: Ref) -> Ref:
        """The larger; b when either is NaN."""
        return self.select(self.lt(b, a), a, b)

    # ---- masks ----
    def lt(self, a: Ref, b: Ref) -> Ref:
        return self._make("lt", (a, b))

    def le(self, a: Ref, b: Ref) -> Ref:
        return self._make("le", (a, b))

    def eq(self, a: Ref, b: Ref) -> Ref:
        return self._make("eq", (a, b))

    def ne(self, a: Ref, b: Ref) -> Ref:
        """True also when either is NaN."""
        return self._make("ne", (a, b))

    def both(self, a: Ref, b: Ref) -> Ref:
        return self._make("both", (a, b))

    def either(self, a: Ref, b: Ref) -> Ref:
        return self._make("either", (a, b))

    def negate(self, a: Ref) -> Ref:
        return self._make("negate", (a,))

    # ---- integers ----
    def iconst(self, value: int) -> Ref:
        return self._add(Op("iconst", (), value), CONSTANT)

    def integer(self, name: str, *args: Ref | int) -> Ref:
        """Integer operation `name`; the last argument of a shift is a plain number of bits."""
        if name in ("shl", "ashr", "lshr"):
            return self._add(Op(name, (args[0],), args[1]), self.level[args[0]])
        return self._make(name, args)

    def bits(self, a: Ref) -> Ref:
        return self._make("bits", (a,))

    def float(self, a: Ref) -> Ref:
        """The double whose bits are the integer `a`."""
        return self._make("float", (a,))

    # ---- reading ----
    def reachable(self, roots: Iterable[Ref]) -> list[Ref]:
        """All instructions that `roots` need, in an order that runs."""
        seen: set[Ref] = set()
        stack = list(roots)
        while stack:
            ref = stack.pop()
            if ref not in seen:
                seen.add(ref)
                stack.extend(self.ops[ref].args)
        return sorted(seen)

    # ---- building ----
    def _make(self, name: str, args: tuple[Ref, ...]) -> Ref:
        return self._add(Op(name, args), max(self.level[arg] for arg in args))

    def _fold(self, name: str, args: tuple[Ref, ...]) -> Ref:
        values = [self.value(arg) for arg in args]
        if all(value is not None for value in values):
            return self.const(_number(name, [value for value in values if value is not None]))
        return self._make(name, args)

    def _add(self, op: Op, level: int) -> Ref:
        ref = self._number_of.get(op)
        if ref is None:
            ref = len(self.ops)
            self.ops.append(op)
            self.level.append(level)
            self._number_of[op] = ref
        return ref


def _number(name: str, values: list[float]) -> float:
    """One double operation as IEEE 754 defines it."""
    a, b = values[0], values[-1]
    if name == "div":
        if b == 0.0:
            if a == 0.0 or math.isnan(a):
                return math.nan
            return math.copysign(math.inf, math.copysign(1.0, a) * math.copysign(1.0, b))
        return a / b
    if name == "sqrt":
        return math.sqrt(a) if a >= 0.0 else math.nan
    if name == "floor":
        return float(math.floor(a)) if math.isfinite(a) else a
    return {"add": a + b, "sub": a - b, "mul": a * b, "neg": -a, "abs": abs(a)}[name]
