"""Formulas as a graph in which every distinct sub-formula stands once.

A `Graph` holds nodes; a formula is the number of a node. Building is hash-consed, so equal sub-formulas
are the same number and are computed once. Nothing is expanded or reordered: the arithmetic that runs is
the arithmetic that was written, apart from folding of constants and of exact identities (x + 0, 1 * x).

Names from a file live only in `Graph.symbols`; generated code refers to nodes by number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Node = int

# operation -> number of arguments; truth values are the numbers 0 and 1
UNARY = (
    "neg", "abs", "sqrt", "exp", "log", "floor", "ceil", "not",
    "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "factorial",
)  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "pow", "min", "max", "lt", "le", "eq", "and", "or", "rem")
ARITY = {**dict.fromkeys(UNARY, 1), **dict.fromkeys(BINARY, 2), "select": 3}


@dataclass(frozen=True)
class Entry:
    """What a node is: an operation on nodes, a number, or a named symbol."""

    op: str
    args: tuple[Node, ...] = ()
    value: float | str | None = None


@dataclass
class Graph:
    """A growing store of formulas."""

    entries: list[Entry] = field(default_factory=list)
    _number_of: dict[Entry, Node] = field(default_factory=dict)
    _orders: dict[tuple[Node, ...], list[Node]] = field(default_factory=dict, repr=False, compare=False)
    # of `evaluate`, kept for the next time: nodes are only ever added, so what roots need stays the same
    _recipes: dict[tuple[Node, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    # ---- leaves ----
    def const(self, value: float) -> Node:
        """A number. -0.0 and 0.0 are told apart, NaN equals itself."""
        return self._add(Entry("const", (), repr(float(value))))

    def symbol(self, name: str) -> Node:
        """A named quantity: a state, parameter, input or ``time``."""
        return self._add(Entry("symbol", (), name))

    def constant_value(self, node: Node) -> float | None:
        """The number a node is, or None when it is not a constant."""
        entry = self.entries[node]
        return float(str(entry.value)) if entry.op == "const" else None

    # ---- operations ----
    def apply(self, op: str, *args: Node) -> Node:
        """Any operation of `ARITY`, with constants folded."""
        if len(args) != ARITY[op]:
            raise ValueError(f"{op} takes {ARITY[op]} arguments, got {len(args)}")
        values = [self.constant_value(arg) for arg in args]
        if all(value is not None for value in values):
            folded = fold(op, [value for value in values if value is not None])
            if folded is not None:
                return self.const(folded)
        simpler = self._identity(op, args, values)
        return simpler if simpler is not None else self._add(Entry(op, tuple(args)))

    def add(self, *terms: Node) -> Node:
        """Sum from left to right; the empty sum is 0."""
        return self.reduce("add", terms, 0.0)

    def mul(self, *factors: Node) -> Node:
        """Product from left to right; the empty product is 1."""
        return self.reduce("mul", factors, 1.0)

    def reduce(self, op: str, parts: Sequence[Node], empty: float) -> Node:
        """The parts joined by an operation, from the left; `empty` where there are none."""
        if not parts:
            return self.const(empty)
        total = parts[0]
        for part in parts[1:]:
            total = self.apply(op, total, part)
        return total

    def sub(self, a: Node, b: Node) -> Node:
        return self.apply("sub", a, b)

    def div(self, a: Node, b: Node) -> Node:
        return self.apply("div", a, b)

    def neg(self, a: Node) -> Node:
        return self.apply("neg", a)

    def pow(self, base: Node, exponent: Node) -> Node:
        return self.apply("pow", base, exponent)

    def select(self, condition: Node, if_true: Node, if_false: Node) -> Node:
        return self.apply("select", condition, if_true, if_false)

    # ---- reading ----
    def topological(self, roots: Iterable[Node]) -> list[Node]:
        """All nodes that `roots` need, arguments before users. Nodes are numbered in that order."""
        return sorted(self.reachable(roots))

    def order(self, roots: tuple[Node, ...]) -> list[Node]:
        """As `topological`, kept for the next time: nodes are only ever added, so what roots need stays the same."""
        if roots not in self._orders:
            self._orders[roots] = self.topological(roots)
        return self._orders[roots]

    def reachable(self, roots: Iterable[Node], leaves: Container[Node] = ()) -> set[Node]:
        """All nodes that `roots` need, the roots included; what only `leaves` need is left out."""
        seen: set[Node] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if node not in leaves:
                    stack.extend(self.entries[node].args)
        return seen

    def symbols(self, roots: Iterable[Node]) -> set[str]:
        """Names of the symbols that `roots` need."""
        found = (self.entries[node] for node in self.reachable(roots))
        return {str(entry.value) for entry in found if entry.op == "symbol"}

    def substitute(self, roots: Iterable[Node], replacement: dict[str, Node]) -> list[Node]:
        """`roots` with symbols replaced by nodes, all at once (replacements are not searched again)."""
        roots = list(roots)
        new: dict[Node, Node] = {}
        for node in self.topological(roots):
            entry = self.entries[node]
            if entry.op == "symbol":
                new[node] = replacement.get(str(entry.value), node)
            elif entry.op == "const":
                new[node] = node
            else:
                new[node] = self.apply(entry.op, *(new[arg] for arg in entry.args))
        return [new[root] for root in roots]

    def evaluate(self, roots: Iterable[Node], values: dict[str, float]) -> list[float]:
        """Numbers of `roots` given numbers of the symbols; slow and plain.

        Raises
        ------
        KeyError
            When a needed symbol has no value.
        """
        roots = list(roots)
        result: dict[Node, float] = {}
        for node in self.topological(roots):
            entry = self.entries[node]
            if entry.op == "const":
                result[node] = float(str(entry.value))
            elif entry.op == "symbol":
                result[node] = float(values[str(entry.value)])
            else:
                folded = fold(entry.op, [result[arg] for arg in entry.args])
                result[node] = math.nan if folded is None else folded
        return [result[root] for root in roots]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    # ---- building ----
    def _add(self, entry: Entry) -> Node:
        number = self._number_of.get(entry)
        if number is None:
            number = len(self.entries)
            self.entries.append(entry)
            self._number_of[entry] = number
        return number

    def _identity(self, op: str, args: tuple[Node, ...], values: list[float | None]) -> Node | None:
        """Rewrites that are exact for every finite argument.

        0 * x becomes 0 here although 0 * inf is NaN: a term switched off stays off.
        """
        a, b = args[0], args[1] if len(args) > 1 else args[0]
        x, y = values[0], values[1] if len(args) > 1 else None
        if op == "add":
            return b if x == 0.0 else a if y == 0.0 else None
        if op == "sub":
            return a if y == 0.0 else self.apply("neg", b) if x == 0.0 else None
        if op == "mul":
            if x == 0.0 or y == 0.0:
                return self.const(0.0)
            return b if x == 1.0 else a if y == 1.0 else None
        if op == "div":
            return a if y == 1.0 else self.const(0.0) if x == 0.0 and y is None else None
        if op == "pow":
            return a if y == 1.0 else self.const(1.0) if y == 0.0 else None
        if op == "neg" and self.entries[a].op == "neg":
            return self.entries[a].args[0]
        if op == "select":
            if x is not None:
                return args[1] if x != 0.0 else args[2]
            return args[1] if args[1] == args[2] else None
        return None


def _power(base: float, exponent: float) -> float:
    if base < 0 and exponent != math.floor(exponent):
        return math.nan
    return math.pow(base, exponent)


def _factorial(x: float) -> float:
    """x!; by the gamma function between whole numbers."""
    if not x >= 0:
        return math.nan
    if x > 170:
        return math.inf
    return float(math.factorial(int(x))) if x == math.floor(x) else math.gamma(x + 1.0)


_PYTHON: dict[str, Callable[..., float]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "floor": math.floor,
    "ceil": math.ceil,
    "not": lambda a: float(a == 0.0),
    "factorial": _factorial,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": _power,
    "min": lambda a, b: a if a < b else b,
    "max": lambda a, b: a if a > b else b,
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "eq": lambda a, b: float(a == b),
    "and": lambda a, b: float(a != 0.0 and b != 0.0),
    "or": lambda a, b: float(a != 0.0 or b != 0.0),
    "rem": math.fmod,
    "select": lambda c, a, b: a if c != 0.0 else b,
    **{
        name: getattr(math, name)
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
    },
}


def fold(op: str, values: list[float]) -> float | None:
    """One operation on numbers as IEEE arithmetic would do it; None where Python cannot say."""
    try:
        return float(_PYTHON[op](*values))
    except ZeroDivisionError:
        return math.nan if values[0] == 0 or math.isnan(values[0]) else None
    except (ValueError, OverflowError):
        return None
