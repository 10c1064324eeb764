"""Names stand for formulas over other names; a scope works out what each comes to.

A `Scope` belongs to one moment: while the model runs, or at its start. Definitions are raw formulas;
resolving replaces names by what they stand for, in order of need, without recursion. A circle is told by
its names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engager.core import InputError, Problem
from engager.model.expression import Graph, Node
from engager.model.sbml.math import MARK


class Scope:
    """Definitions over a raw graph, resolved into nodes of another graph.

    Parameters
    ----------
    raw, final : where definitions live, and where results go.
    define : gives the raw formula of a name, or None when the name is unknown.
    where : the file's name, for messages.
    """

    def __init__(self, raw: Graph, final: Graph, define: Callable[[str], Node | None], where: str) -> None:
        self.raw, self.final, self.define, self.where = raw, final, define, where
        self.known: dict[str, Node] = {}

    def resolve(self, root: Node, element: str = "") -> Node:
        """The final node of a raw formula.

        Raises
        ------
        InputError
            When a name is not defined, or is defined by itself.
        """
        self._prepare(self.raw.symbols([root]), element)
        return self._translate(root)

    def _prepare(self, names: Iterable[str], element: str) -> None:
        """Resolve every name that is needed, deepest first."""
        open_names: dict[str, Node] = {}
        stack = sorted(set(names) - self.known.keys(), reverse=True)
        while stack:
            name = stack[-1]
            if name in self.known:
                stack.pop()
                continue
            if name in open_names:
                self.known[name] = self._translate(open_names.pop(name))
                stack.pop()
                continue
            formula = self.define(name)
            if name in self.known:  # a leaf, bound on the spot
                continue
            if formula is None:
                raise InputError(Problem(f"{self.where}: {element}", shown(name), "is not defined in the model"))
            needed = sorted(self.raw.symbols([formula]) - self.known.keys(), reverse=True)
            circle = [other for other in needed if other in open_names or other == name]
            if circle:
                self._refuse_circle(circle[0], [*open_names, name])
            open_names[name] = formula
            stack.extend(needed)

    def _refuse_circle(self, first: str, path: list[str]) -> None:
        members = path[path.index(first) :]
        text = " -> ".join(shown(name) for name in [*members[:8], first])
        raise InputError(Problem(self.where, text, "rules may not depend on themselves"))

    def _translate(self, root: Node) -> Node:
        new: dict[Node, Node] = {}
        for node in self.raw.topological([root]):
            entry = self.raw.entries[node]
            if entry.op == "symbol":
                new[node] = self.known[str(entry.value)]
            elif entry.op == "const":
                new[node] = self.final.const(float(str(entry.value)))
            else:
                new[node] = self.final.apply(entry.op, *(new[arg] for arg in entry.args))
        return new[root]


def shown(name: str) -> str:
    """A raw symbol as a reader of the file would write it."""
    return name.replace(MARK + "rateOf:", "rateOf ").replace(MARK, "")
