"""Symbolic derivatives of graph formulas, node by node, without recursion.

Jumps (comparisons, floor, ceil) have derivative 0; at a kink of min, max or abs the side that the value takes
decides. Formulas are right wherever the function is differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engager.model.expression import Entry, Graph, Node

_Slope = Callable[[Graph, Node], Node]


def derivative(graph: Graph, formula: Node, symbol: str) -> Node:
    """d(formula) / d(symbol) as a node of the same graph."""
    zero = graph.const(0.0)
    slope: dict[Node, Node] = {}
    for node in graph.topological([formula]):
        entry = graph.entries[node]
        if entry.op == "symbol":
            slope[node] = graph.const(1.0) if entry.value == symbol else zero
        elif all(slope[arg] == zero for arg in entry.args):
            slope[node] = zero
        else:
            slope[node] = _chain(graph, node, entry, [slope[arg] for arg in entry.args])
    return slope[formula]


def _chain(g: Graph, node: Node, entry: Entry, slopes: list[Node]) -> Node:
    op, args = entry.op, entry.args
    if op in _OUTER:
        return g.mul(_OUTER[op](g, args[0]), slopes[0])
    a, da = args[0], slopes[0]
    if op == "neg":
        return g.neg(da)
    if op == "select":
        return g.select(a, slopes[1], slopes[2])
    if op in _FLAT:
        return g.const(0.0)
    if op == "factorial":
        return g.const(math.nan)
    b, db = args[1], slopes[1]
    if op in ("add", "sub"):
        return g.apply(op, da, db)
    if op == "mul":
        return g.add(g.mul(da, b), g.mul(a, db))
    if op == "div":
        return g.div(g.sub(da, g.mul(node, db)), b)
    if op in ("min", "max"):
        first = g.apply("lt", a, b) if op == "min" else g.apply("lt", b, a)
        return g.select(first, da, db)
    if op == "rem":
        whole = g.div(g.sub(a, node), b)
        return g.sub(da, g.mul(whole, db))
    return _power(g, node, a, b, da, db)


def _power(g: Graph, node: Node, a: Node, b: Node, da: Node, db: Node) -> Node:
    lowered = g.pow(a, g.sub(b, g.const(1.0)))
    total = g.mul(b, lowered, da)
    if g.constant_value(db) == 0.0:
        return total
    return g.add(total, g.mul(node, g.apply("log", a), db))


def _over_root(sign: float, inside: Callable[[Graph, Node], Node]) -> _Slope:
    return lambda g, a: g.div(g.const(sign), g.apply("sqrt", inside(g, a)))


def _square(g: Graph, a: Node) -> Node:
    return g.mul(a, a)


def _one_less_square(g: Graph, a: Node) -> Node:
    return g.sub(g.const(1.0), _square(g, a))


def _tan_slope(op: str, sign: float) -> _Slope:
    def slope(g: Graph, a: Node) -> Node:
        return g.add(g.const(1.0), g.mul(g.const(sign), _square(g, g.apply(op, a))))

    return slope


_FLAT = {"floor", "ceil", "not", "lt", "le", "eq", "and", "or"}

# derivative of each function of one argument, by its argument
_OUTER: dict[str, _Slope] = {
    "abs": lambda g, a: g.select(g.apply("lt", a, g.const(0.0)), g.const(-1.0), g.const(1.0)),
    "sqrt": lambda g, a: g.div(g.const(0.5), g.apply("sqrt", a)),
    "exp": lambda g, a: g.apply("exp", a),
    "log": lambda g, a: g.div(g.const(1.0), a),
    "sin": lambda g, a: g.apply("cos", a),
    "cos": lambda g, a: g.neg(g.apply("sin", a)),
    "tan": _tan_slope("tan", 1.0),
    "sinh": lambda g, a: g.apply("cosh", a),
    "cosh": lambda g, a: g.apply("sinh", a),
    "tanh": _tan_slope("tanh", -1.0),
    "asin": _over_root(1.0, _one_less_square),
    "acos": _over_root(-1.0, _one_less_square),
    "atan": lambda g, a: g.div(g.const(1.0), g.add(g.const(1.0), _square(g, a))),
    "asinh": _over_root(1.0, lambda g, a: g.add(_square(g, a), g.const(1.0))),
    "acosh": _over_root(1.0, lambda g, a: g.sub(_square(g, a), g.const(1.0))),
    "atanh": lambda g, a: g.div(g.const(1.0), _one_less_square(g, a)),
}
