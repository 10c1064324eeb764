"""Routines as LLVM IR text, in lanes: every value is a vector with one element per patient.

Only operations with one right answer are printed and none carries a fast-math flag, so the width changes
nothing but speed. Names from a model never reach the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from engager.engine.lowering.code import RESULT, Op
from engager.engine.lowering.routine import Routine


@dataclass(frozen=True)
class Array:
    """Where an array lives: element i of lane 0 is at `pointer` + (`offset` + i * `stride`) doubles.

    `kind` is the type of the pointer.
    """

    pointer: str
    offset: int
    stride: int
    kind: str = "ptr"


_PLAIN = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_COMPARE = {"lt": "olt", "le": "ole", "eq": "oeq", "ne": "une"}
_INTEGER = {
    "iadd": "add", "isub": "sub", "iand": "and", "ior": "or", "ixor": "xor",
    "shl": "shl", "ashr": "ashr", "lshr": "lshr",
}  # fmt: skip
_INTRINSIC = {"fma": "llvm.fma", "abs": "llvm.fabs", "sqrt": "llvm.sqrt", "floor": "llvm.floor"}


def vector_type(scalar: str, width: int) -> str:
    """``double`` or ``<4 x double>``."""
    return scalar if width == 1 else f"<{width} x {scalar}>"


def constant(text: str, scalar: str, width: int) -> str:
    """A constant in every lane."""
    return text if width == 1 else "<" + ", ".join([f"{scalar} {text}"] * width) + ">"


def intrinsic(name: str, width: int) -> str:
    """Name of an LLVM intrinsic on doubles, e.g. ``@llvm.fma.v4f64``."""
    return f"@{name}.f64" if width == 1 else f"@{name}.v{width}f64"


def declarations(width: int) -> str:
    """Declarations of the intrinsics that printed routines call."""
    kind = vector_type("double", width)
    lines = [f"declare {kind} {intrinsic('llvm.fma', width)}({kind}, {kind}, {kind})"]
    for name in ("llvm.fabs", "llvm.sqrt", "llvm.floor"):
        lines.append(f"declare {kind} {intrinsic(name, width)}({kind})")
    return "\n".join(lines)


def print_routine(routine: Routine, width: int, arguments: list[str], arrays: dict[str, Array]) -> str:
    """One function without result, `arguments` all pointers to doubles that do not overlap."""
    text = _Text(width, arrays)
    done: dict[int, list[tuple[str, int]]] = {}
    for kind, index, ref in routine.stores:
        done.setdefault(ref, []).append((kind, index))
    for number, op in enumerate(routine.ops):
        text.instruction(number, op)
        for kind, index in done.get(number, []):
            text.store(kind, index, number)
    kinds = {array.pointer: array.kind for array in arrays.values()}
    head = ", ".join(f"{kinds[name]} noalias %{name}" for name in arguments)
    body = "\n".join(text.lines)
    return f"define internal void @{routine.name}({head}) #0 {{\n{body}\n  ret void\n}}\n"


class _Text:
    def __init__(self, width: int, arrays: dict[str, Array]):
        self.width, self.arrays = width, arrays
        self.names: dict[int, str] = {}
        self.lines: list[str] = []
        self.loads: dict[int, Op] = {}
        self.types = {
            letter: vector_type(scalar, width) for letter, scalar in (("f", "double"), ("b", "i1"), ("i", "i64"))
        }

    def instruction(self, number: int, op: Op) -> None:
        name = op.name
        if name == "const":
            assert isinstance(op.value, bytes)
            bits = int.from_bytes(op.value, "little")
            self.names[number] = constant(f"0x{bits:016X}", "double", self.width)
            return
        if name == "iconst":
            self.names[number] = constant(str(op.value), "i64", self.width)
            return
        self.names[number] = f"%v{number}"
        if name == "load":
            self.loads[number] = op
        else:
            for arg in op.args:
                if arg in self.loads:
                    self._load(arg)
            args = [self.names[arg] for arg in op.args]
            self.lines.append(f"  %v{number} = {self._operation(op, args)}")

    def _load(self, number: int) -> None:
        """Loads stand where they are first used, so that they can be part of the instruction that uses them."""
        place_of: tuple[str, int] = self.loads.pop(number).value  # type: ignore[assignment]
        kind, index = place_of
        place = self._address(kind, index, f"a{number}")
        self.lines.append(f"  %v{number} = load {self.types['f']}, {place}, align 8")

    def _operation(self, op: Op, args: list[str]) -> str:
        f, b, i = self.types["f"], self.types["b"], self.types["i"]
        name = op.name
        if name in _PLAIN:
            return f"{_PLAIN[name]} {f} {args[0]}, {args[1]}"
        if name == "neg":
            return f"fneg {f} {args[0]}"
        if name in _INTRINSIC:
            listed = ", ".join(f"{f} {arg}" for arg in args)
            return f"call {f} {intrinsic(_INTRINSIC[name], self.width)}({listed})"
        if name in _COMPARE:
            return f"fcmp {_COMPARE[name]} {f} {args[0]}, {args[1]}"
        if name == "select":
            return f"select {b} {args[0]}, {f} {args[1]}, {f} {args[2]}"
        if name in ("both", "either"):
            return f"{'and' if name == 'both' else 'or'} {b} {args[0]}, {args[1]}"
        if name == "negate":
            return f"xor {b} {args[0]}, {constant('true', 'i1', self.width)}"
        if name == "bits":
            return f"bitcast {f} {args[0]} to {i}"
        if name == "float":
            return f"bitcast {i} {args[0]} to {f}"
        second = constant(str(op.value), "i64", self.width) if op.value is not None else args[1]
        assert RESULT[name] == "i"
        return f"{_INTEGER[name]} {i} {args[0]}, {second}"

    def store(self, kind: str, index: int, number: int) -> None:
        if number in self.loads:
            self._load(number)
        place = self._address(kind, index, f"s{len(self.lines)}")
        self.lines.append(f"  store {self.types['f']} {self.names[number]}, {place}, align 8")

    def _address(self, kind: str, index: int, name: str) -> str:
        array = self.arrays[kind]
        start = array.offset + index * array.stride
        self.lines.append(f"  %{name} = getelementptr double, {array.kind} %{array.pointer}, i64 {start}")
        return f"{array.kind} %{name}"
