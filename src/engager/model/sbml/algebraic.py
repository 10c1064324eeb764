"""Algebraic rules that are linear in a quantity nothing else determines become assignment rules.

0 = f(x, ...) with f linear in x is x = -f(0, ...) / (df/dx). Rules are eliminated one after the other, so
linear systems are solved as well. Anything else is refused by name: this package solves no implicit
equations.
"""

from __future__ import annotations

from engager.core import Problem, UnsupportedModel
from engager.model.derivative import derivative
from engager.model.expression import Node
from engager.model.sbml.document import Document


def solve_algebraic(document: Document, evented: set[str]) -> None:
    """Move `document.algebraic` into `document.assigned`.

    Raises
    ------
    UnsupportedModel
        When a rule is linear in no free quantity.
    """
    graph = document.graph
    waiting = list(document.algebraic)
    free = _free(document, evented)
    while waiting:
        rule = min(waiting, key=lambda node: (len(graph.symbols([node]) & free), node))
        waiting.remove(rule)
        names = sorted(graph.symbols([rule]) & free, key=lambda name: (_uses(document, waiting, name), name))
        for name in names:
            solution = _solved(document, rule, name)
            if solution is not None:
                break
        else:
            where = f"{document.where}: algebraicRule"
            raise UnsupportedModel(
                Problem(
                    where,
                    ", ".join(names) or "no free quantity",
                    "must be linear in a quantity it determines",
                )
            )
        free.discard(name)
        document.assigned[name] = solution
        waiting = graph.substitute(waiting, {name: solution})
    document.algebraic = []


def _free(document: Document, evented: set[str]) -> set[str]:
    reacted = {
        species
        for reaction in document.reactions.values()
        for species, _, _ in reaction.participants
        if not document.quantities[species].boundary
    }
    taken = reacted | evented | set(document.assigned) | set(document.rated)
    return {name for name, quantity in document.quantities.items() if not quantity.constant} - taken


def _uses(document: Document, rules: list[Node], name: str) -> int:
    return sum(name in document.graph.symbols([rule]) for rule in rules)


def _solved(document: Document, rule: Node, name: str) -> Node | None:
    graph = document.graph
    slope = derivative(graph, rule, name)
    if name in graph.symbols([slope]) or graph.constant_value(slope) == 0.0:
        return None
    rest = graph.substitute([rule], {name: graph.const(0.0)})[0]
    return graph.neg(graph.div(rest, slope))
