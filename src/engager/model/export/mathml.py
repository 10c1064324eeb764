"""Nodes of a graph as MathML (SBML Level 3 Version 2), without recursion.

Truth and number are kept apart as MathML wants them: a truth value used as a number becomes
``piecewise(1, truth, 0)``, a number used as a truth value ``number != 0``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from engager.model.expression import Entry, Graph, Node

_TRUTHS = {"lt", "le", "eq", "not", "and", "or"}
_TAGS = {
    "add": "plus", "sub": "minus", "mul": "times", "div": "divide", "pow": "power", "neg": "minus",
    "sqrt": "root", "log": "ln", "ceil": "ceiling", "le": "leq", "asin": "arcsin", "acos": "arccos",
    "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
}  # fmt: skip
_OPEN = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
TIME_TAG = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">time</csymbol>'


def mathml(graph: Graph, root: Node, names: Mapping[Node, str]) -> str:
    """A ``<math>`` element.

    Parameters
    ----------
    names : nodes that are written as text of their own, usually ``<ci>id</ci>``; symbols must be among them.
        The root itself is written out even when it has a name, unless it is a symbol.
    """
    return _OPEN + _Writer(graph, root, names).text() + "</math>"


class _Writer:
    def __init__(self, graph: Graph, root: Node, names: Mapping[Node, str]) -> None:
        self.graph, self.root, self.names = graph, root, names
        self.done: dict[Node, str] = {}

    def text(self) -> str:
        for node in sorted(self._cone()):
            self.done[node] = self._piece(node)
        return self.done[self.root]

    def _is_named(self, node: Node) -> bool:
        return node in self.names and (node != self.root or self.graph.entries[node].op == "symbol")

    def _cone(self) -> set[Node]:
        seen: set[Node] = set()
        stack = [self.root]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if not self._is_named(node):
                    stack.extend(self.graph.entries[node].args)
        return seen

    def _piece(self, node: Node) -> str:
        if self._is_named(node):
            return self.names[node]
        entry = self.graph.entries[node]
        if entry.op == "const":
            return number(float(str(entry.value)))
        if entry.op == "select":
            return self._choice(entry)
        tag = _TAGS.get(entry.op, entry.op)
        as_truth = entry.op in ("and", "or", "not")
        parts = [self._truth(arg) if as_truth else self._number(arg) for arg in entry.args]
        if entry.op in ("add", "mul"):
            # a sum of a sum is one sum: its terms are added from left to right all the same
            head = f"<apply><{tag}/>"
            if parts[0].startswith(head) and not self._is_named(entry.args[0]):
                return parts[0].removesuffix("</apply>") + parts[1] + "</apply>"
        return f"<apply><{tag}/>" + "".join(parts) + "</apply>"

    def _choice(self, entry: Entry) -> str:
        condition, if_true, if_false = entry.args
        piece = f"<piece>{self._number(if_true)}{self._truth(condition)}</piece>"
        rest = self._number(if_false)
        if rest.startswith("<piecewise>") and self.graph.entries[if_false].op == "select":
            return "<piecewise>" + piece + rest.removeprefix("<piecewise>")
        return f"<piecewise>{piece}<otherwise>{rest}</otherwise></piecewise>"

    def _is_truth(self, node: Node) -> bool:
        return self.graph.entries[node].op in _TRUTHS and not self._is_named(node)

    def _number(self, node: Node) -> str:
        text = self.done[node]
        if not self._is_truth(node):
            return text
        one = f"<piece><cn>1</cn>{text}</piece>"
        return f"<piecewise>{one}<otherwise><cn>0</cn></otherwise></piecewise>"

    def _truth(self, node: Node) -> str:
        text = self.done[node]
        return text if self._is_truth(node) else f"<apply><neq/>{text}<cn>0</cn></apply>"


def number(value: float) -> str:
    """A number that reads back exactly."""
    if math.isnan(value):
        return "<notanumber/>"
    if math.isinf(value):
        return "<infinity/>" if value > 0 else "<apply><minus/><infinity/></apply>"
    mantissa, e, exponent = repr(float(value)).partition("e")
    if e:
        return f'<cn type="e-notation">{mantissa}<sep/>{int(exponent)}</cn>'
    return f"<cn>{mantissa}</cn>"


def truth_mathml(graph: Graph, root: Node, names: Mapping[Node, str]) -> str:
    """As `mathml`, for a place that wants a truth value (a trigger)."""
    writer = _Writer(graph, root, names)
    writer.text()
    return _OPEN + writer._truth(root) + "</math>"
