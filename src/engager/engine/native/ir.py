"""A small language for writing control flow as LLVM IR text: values with operators, loops and branches as blocks.

    f = Function("sum", ["data"])
    total = f.variable("double", 0.0)
    with f.count(f.whole(10)) as i:
        total.set(total.get() + f.load("double", f.at(f.argument("data"), i)))

Values print as SSA names; variables are stack slots that LLVM turns back into registers. No fast-math flag
is ever printed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engager.engine.lowering.printer import constant, intrinsic, vector_type


def scalar_of(kind: str) -> str:
    """``double`` of ``<4 x double>``."""
    return kind.split(" x ")[1].rstrip(">") if kind.startswith("<") else kind


def width_of(kind: str) -> int:
    """4 of ``<4 x double>``, 1 of a scalar."""
    return int(kind[1:].split(" x ")[0]) if kind.startswith("<") else 1


class Value:
    """An SSA value or constant of a known type."""

    __slots__ = ("f", "kind", "name")

    def __init__(self, f: Function, name: str, kind: str):
        self.f, self.name, self.kind = f, name, kind

    def _both(self, other: Value | float, floating: str, whole: str) -> Value:
        op = floating if scalar_of(self.kind) == "double" else whole
        return self.f.op(f"{op} {self.kind} {self.name}, {self.f.like(other, self).name}", self.kind)

    def _compare(self, other: Value | float, relation: str) -> Value:
        other = self.f.like(other, self)
        if scalar_of(self.kind) == "double":
            text = f"fcmp {'une' if relation == 'ne' else 'o' + relation}"
        else:
            text = f"icmp {relation if relation in ('eq', 'ne') else 's' + relation}"
        kind = vector_type("i1", width_of(self.kind))
        return self.f.op(f"{text} {self.kind} {self.name}, {other.name}", kind)

    def __add__(self, other: Value | float) -> Value:
        return self._both(other, "fadd", "add")

    def __sub__(self, other: Value | float) -> Value:
        return self._both(other, "fsub", "sub")

    def __mul__(self, other: Value | float) -> Value:
        return self._both(other, "fmul", "mul")

    def __truediv__(self, other: Value | float) -> Value:
        return self._both(other, "fdiv", "sdiv")

    def __and__(self, other: Value) -> Value:
        return self._both(other, "", "and")

    def __or__(self, other: Value) -> Value:
        return self._both(other, "", "or")

    def __invert__(self) -> Value:
        ones = "true" if scalar_of(self.kind) == "i1" else "-1"
        every = constant(ones, scalar_of(self.kind), width_of(self.kind))
        return self.f.op(f"xor {self.kind} {self.name}, {every}", self.kind)

    def __lt__(self, other: Value | float) -> Value:
        return self._compare(other, "lt")

    def __le__(self, other: Value | float) -> Value:
        return self._compare(other, "le")

    def __gt__(self, other: Value | float) -> Value:
        return self._compare(other, "gt")

    def __ge__(self, other: Value | float) -> Value:
        return self._compare(other, "ge")

    def equals(self, other: Value | float) -> Value:
        return self._compare(other, "eq")

    def differs(self, other: Value | float) -> Value:
        return self._compare(other, "ne")


class Variable:
    """A slot on the stack."""

    def __init__(self, f: Function, place: Value, kind: str):
        self.f, self.place, self.kind = f, place, kind

    def get(self) -> Value:
        return self.f.load(self.kind, self.place)

    def set(self, value: Value | float) -> None:
        self.f.store(self.f.like(value, Value(self.f, "", self.kind)), self.place)


class Function:
    """One function being written; every argument is a pointer, or a 64-bit integer when named in `integers`.

    Parameters
    ----------
    workspace : type of the pointer named ``ws``, where that memory is apart from the rest.
    """

    def __init__(
        self, name: str, arguments: list[str], integers: tuple[str, ...] = (), result: str = "void",
        exported: bool = False, inline: bool = False, workspace: str = "ptr",
    ):  # fmt: skip
        self.name, self.arguments, self.result = name, arguments, result
        self.kinds = {**dict.fromkeys(arguments, "ptr"), **dict.fromkeys(integers, "i64")}
        if "ws" in self.kinds:
            self.kinds["ws"] = workspace
        self.linkage = "" if exported else "internal "
        self.attributes = "#1" if inline else "#0"
        self.top: list[str] = []
        self.lines: list[str] = []
        self.counter = 0

    def text(self) -> str:
        head = ", ".join(f"{self.kinds[name]} %{name}" for name in self.arguments)
        body = "\n".join(["entry:", *self.top, *self.lines])
        kind = f"define {self.linkage}{self.result}"
        return f"{kind} @{self.name}({head}) {self.attributes} {{\n{body}\n}}\n"

    # ---- values ----
    def argument(self, name: str) -> Value:
        return Value(self, f"%{name}", self.kinds[name])

    def real(self, value: float, width: int = 1) -> Value:
        bits = struct.unpack("<Q", struct.pack("<d", value))[0]
        return Value(self, constant(f"0x{bits:016X}", "double", width), vector_type("double", width))

    def whole(self, value: int, width: int = 1) -> Value:
        return Value(self, constant(str(value), "i64", width), vector_type("i64", width))

    def like(self, value: Value | float, pattern: Value) -> Value:
        """A plain number as a constant of the pattern's type."""
        if isinstance(value, Value):
            return value
        width = width_of(pattern.kind)
        scalar = scalar_of(pattern.kind)
        if scalar == "double":
            return self.real(float(value), width)
        return Value(self, constant(str(int(value)), scalar, width), pattern.kind)

    def op(self, text: str, kind: str) -> Value:
        self.counter += 1
        name = f"%t{self.counter}"
        self.lines.append(f"  {name} = {text}")
        return Value(self, name, kind)

    def select(self, mask: Value, a: Value | float, b: Value | float) -> Value:
        pattern = a if isinstance(a, Value) else b
        assert isinstance(pattern, Value)
        first, second = self.like(a, pattern), self.like(b, pattern)
        text = f"select {mask.kind} {mask.name}, {first.kind} {first.name}, {second.kind} {second.name}"
        return self.op(text, first.kind)

    def smaller(self, a: Value, b: Value | float) -> Value:
        """b when either is NaN."""
        return self.select(a < b, a, b)

    def larger(self, a: Value, b: Value | float) -> Value:
        """b when either is NaN."""
        return self.select(a > b, a, b)

    def fma(self, a: Value, b: Value | float, c: Value | float) -> Value:
        args = [self.like(one, a) for one in (a, b, c)]
        listed = ", ".join(f"{one.kind} {one.name}" for one in args)
        return self.op(f"call {a.kind} {intrinsic('llvm.fma', width_of(a.kind))}({listed})", a.kind)

    def unary(self, name: str, a: Value) -> Value:
        """``fabs``, ``sqrt``, ``floor``."""
        return self.op(f"call {a.kind} {intrinsic(f'llvm.{name}', width_of(a.kind))}({a.kind} {a.name})", a.kind)

    def cast(self, how: str, a: Value, kind: str) -> Value:
        return self.op(f"{how} {a.kind} {a.name} to {kind}", kind)

    def spread(self, a: Value, width: int) -> Value:
        """A scalar in every lane."""
        if width == 1:
            return a
        kind = vector_type(a.kind, width)
        one = self.op(f"insertelement {kind} poison, {a.kind} {a.name}, i64 0", kind)
        zero = constant("0", "i32", width)
        return self.op(f"shufflevector {kind} {one.name}, {kind} poison, <{width} x i32> {zero}", kind)

    # ---- memory ----
    def at(self, pointer: Value, index: Value | int, kind: str = "double") -> Value:
        """Address of element `index` of an array of `kind`."""
        place = index if isinstance(index, Value) else self.whole(index)
        return self.op(f"getelementptr {kind}, {pointer.kind} {pointer.name}, i64 {place.name}", pointer.kind)

    def load(self, kind: str, pointer: Value) -> Value:
        align = "1" if kind == "i1" else "8"
        return self.op(f"load {kind}, {pointer.kind} {pointer.name}, align {align}", kind)

    def store(self, value: Value, pointer: Value) -> None:
        self.lines.append(f"  store {value.kind} {value.name}, {pointer.kind} {pointer.name}, align 8")

    def variable(self, kind: str, start: Value | float) -> Variable:
        self.counter += 1
        place = Value(self, f"%s{self.counter}", "ptr")
        self.top.append(f"  {place.name} = alloca {kind}, align 64")
        slot = Variable(self, place, kind)
        slot.set(start)
        return slot

    # ---- control ----
    def call(self, name: str, *args: Value, result: str = "void") -> Value:
        listed = ", ".join(f"{arg.kind} {arg.name}" for arg in args)
        if result != "void":
            return self.op(f"call {result} @{name}({listed})", result)
        self.lines.append(f"  call void @{name}({listed})")
        return Value(self, "", "void")

    def ret(self, value: Value | None = None) -> None:
        self.lines.append(f"  ret {value.kind} {value.name}" if value else "  ret void")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        inside, after = self._label(), self._label()
        self.lines.append(f"  br i1 {condition.name}, label %{inside}, label %{after}")
        self.lines.append(f"{inside}:")
        yield
        self.lines.append(f"  br label %{after}")
        self.lines.append(f"{after}:")

    @contextmanager
    def loop(self, condition: Callable[[], Value]) -> Iterator[None]:
        """Runs the block while `condition`, written anew at the head, holds."""
        head, inside, after = self._label(), self._label(), self._label()
        self.lines += [f"  br label %{head}", f"{head}:"]
        self.lines.append(f"  br i1 {condition().name}, label %{inside}, label %{after}")
        self.lines.append(f"{inside}:")
        yield
        self.lines += [f"  br label %{head}", f"{after}:"]

    @contextmanager
    def count(self, n: Value | int) -> Iterator[Value]:
        """i = 0, 1, ... n - 1."""
        i = self.variable("i64", 0)
        with self.loop(lambda: i.get() < n):
            now = i.get()
            yield now
            i.set(now + 1)

    @contextmanager
    def lanes(self, mask: Value) -> Iterator[Value]:
        """The numbers of the lanes in which `mask` holds, lowest first."""
        width = width_of(mask.kind)
        left = self.variable("i64", 0)
        bits = mask if width == 1 else self.op(f"bitcast {mask.kind} {mask.name} to i{width}", f"i{width}")
        left.set(self.cast("zext", bits, "i64"))
        with self.loop(lambda: left.get().differs(0)):
            now = left.get()
            yield self.op(f"call i64 @llvm.cttz.i64(i64 {now.name}, i1 true)", "i64")
            left.set(now & (now - 1))

    def _label(self) -> str:
        self.counter += 1
        return f"b{self.counter}"
