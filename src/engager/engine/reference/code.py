"""Graph formulas become plain Python functions: one statement a node, node numbers for names.

Names from a model file never reach the text that is compiled. Each function has two bodies: a quick one,
and one in IEEE arithmetic (1/0 is infinite, log(-1) is NaN) that takes over where Python would raise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engager.model import Graph, Node

Vector = Sequence[float]
#: f(time, states, parameters, inputs, atoms) -> one number a root
Formulas = Callable[[float, Vector, Vector, Vector, Vector], list[float]]

_QUICK = {
    "neg": "-{0}", "abs": "abs({0})", "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}",
    "div": "{0} / {1}", "pow": "_pow({0}, {1})", "rem": "_fmod({0}, {1})", "factorial": "_factorial({0})",
    "min": "({0} if {0} < {1} else {1})", "max": "({0} if {0} > {1} else {1})",
    "lt": "(1.0 if {0} < {1} else 0.0)", "le": "(1.0 if {0} <= {1} else 0.0)",
    "eq": "(1.0 if {0} == {1} else 0.0)", "not": "(1.0 if {0} == 0.0 else 0.0)",
    "and": "(1.0 if {0} != 0.0 and {1} != 0.0 else 0.0)", "or": "(1.0 if {0} != 0.0 or {1} != 0.0 else 0.0)",
    "select": "({1} if {0} != 0.0 else {2})", "floor": "_floor({0})", "ceil": "_ceil({0})",
    **{
        name: f"_{name}({{0}})"
        for name in (
            "sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan",
            "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
        )
    },
}  # fmt: skip


def _guarded(function: Callable[..., float], on_overflow: Callable[..., float]) -> Callable[..., float]:
    def safe(*args: float) -> float:
        try:
            return float(function(*args))
        except (ValueError, ZeroDivisionError):
            return math.nan
        except OverflowError:
            return on_overflow(*args)

    return safe


def _divide(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    return math.nan if a == 0.0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _log(x: float) -> float:
    return -math.inf if x == 0.0 else math.log(x) if x > 0.0 else math.nan


def _power(a: float, b: float) -> float:
    if a == 0.0 and b < 0.0:
        return math.inf
    try:
        return math.pow(a, b)
    except ValueError:
        return math.nan
    except OverflowError:
        return -math.inf if a < 0.0 and b % 2 == 1.0 else math.inf


def _factorial(x: float) -> float:
    """x!; by the gamma function between whole numbers."""
    if x < 0.0 or math.isnan(x):
        return math.nan
    return math.gamma(x + 1.0) if x <= 170.0 else math.inf


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: float(function(x)) if math.isfinite(x) else x


_TOOLS: dict[str, Any] = {
    "_pow": math.pow, "_fmod": math.fmod, "_factorial": _factorial,
    "_floor": _whole(math.floor), "_ceil": _whole(math.ceil), "_div": lambda a, b: a / b,
    **{
        f"_{name}": getattr(math, name)
        for name in (
            "sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan",
            "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
        )
    },
}  # fmt: skip

_SAFE_TOOLS: dict[str, Any] = {
    **{name: _guarded(tool, lambda *args: math.inf) for name, tool in _TOOLS.items()},
    "_sinh": _guarded(math.sinh, lambda x: math.copysign(math.inf, x)),
    "_div": _divide, "_log": _log, "_pow": _power,
}  # fmt: skip


def compile_formulas(
    graph: Graph, roots: Sequence[Node], places: Mapping[str, str], frozen: Mapping[Node, int] | None = None
) -> Formulas:
    """A function of (time, states, parameters, inputs, atoms) that gives the numbers of `roots`.

    Parameters
    ----------
    places : where the value of each symbol stands, e.g. ``y[3]``; written by this package, never by a file.
    frozen : nodes that are not computed but read from the given place of `atoms`.
    """
    frozen = frozen or {}
    quick = _text(graph, roots, places, frozen, _QUICK)
    safe = _text(graph, roots, places, frozen, {**_QUICK, "div": "_div({0}, {1})"})
    return _Switch(_compiled(quick, _TOOLS), safe).call


class _Switch:
    """Calls the quick body, and the safe one where that raises; for good once that happens often."""

    def __init__(self, quick: Formulas, safe_text: str) -> None:
        self.quick, self.safe_text = quick, safe_text
        self.safe: Formulas | None = None
        self.n_raised = 0

    def call(self, t: float, y: Vector, p: Vector, u: Vector, z: Vector) -> list[float]:
        if self.n_raised < 20:
            try:
                return self.quick(t, y, p, u, z)
            except (ArithmeticError, ValueError):
                self.n_raised += 1
        if self.safe is None:
            self.safe = _compiled(self.safe_text, _SAFE_TOOLS)
        return self.safe(t, y, p, u, z)


def _text(
    graph: Graph, roots: Sequence[Node], places: Mapping[str, str], frozen: Mapping[Node, int],
    shapes: Mapping[str, str],
) -> str:  # fmt: skip
    lines = ["def formulas(t, y, p, u, z):"]
    for node in sorted(graph.reachable(roots, leaves=frozen)):
        entry = graph.entries[node]
        if node in frozen:
            value = f"z[{frozen[node]}]"
        elif entry.op == "const":
            value = _number(float(str(entry.value)))
        elif entry.op == "symbol":
            value = places[str(entry.value)]
        else:
            value = shapes[entry.op].format(*(f"v{arg}" for arg in entry.args))
        lines.append(f"    v{node} = {value}")
    lines.append("    return [" + ", ".join(f"v{root}" for root in roots) + "]")
    return "\n".join(lines)


def _number(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def _compiled(text: str, tools: Mapping[str, Any]) -> Formulas:
    scope: dict[str, Any] = {"__builtins__": {"abs": abs}, "nan": math.nan, "inf": math.inf, **tools}
    exec(compile(text, "<model formulas>", "exec"), scope)
    found: Formulas = scope["formulas"]
    return found
