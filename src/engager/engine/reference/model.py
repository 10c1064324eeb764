"""A `System` as Python functions: what the reference engine evaluates.

Comparisons (and floor, ceil) are *atoms*. During a smooth stretch of the integration they keep the values
they had at its beginning, so the integrator only ever sees smooth equations; a stretch ends where an atom
would change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engager.engine.instants import is_same_instant
from engager.engine.reference.code import Formulas, Vector, compile_formulas
from engager.model import TIME, Graph, Node, System, derivative

_ATOMS = ("lt", "le", "eq", "floor", "ceil")


@dataclass(frozen=True)
class EventCode:
    """The formulas of one event, ready to call."""

    targets: tuple[int, ...]
    values: Formulas
    factors: tuple[Formulas | None, ...]
    delay: Formulas | None
    priority: Formulas | None


class ReferenceModel:
    """Functions of (time, states, parameters, inputs, atoms) for everything the reference engine needs."""

    def __init__(self, system: System) -> None:
        self.system = system
        # a copy, because derivatives add nodes
        self.graph = graph = Graph(list(system.graph.entries), dict(system.graph._number_of))
        self.places = {
            TIME: "t",
            **{name: f"y[{k}]" for k, name in enumerate(system.states)},
            **{name: f"p[{k}]" for k, name in enumerate(system.parameters)},
            **{name: f"u[{k}]" for k, name in enumerate(system.inputs)},
        }
        triggers = [event.trigger for event in system.events]
        self.atoms = [n for n in graph.topological([*system.rates, *triggers]) if graph.entries[n].op in _ATOMS]
        frozen = {node: k for k, node in enumerate(self.atoms)}
        needed = graph.reachable(triggers)
        self.in_triggers = [k for k, node in enumerate(self.atoms) if node in needed]
        self.moving = [k for k, node in enumerate(system.rates) if graph.constant_value(node) != 0.0]
        self.rates = compile_formulas(graph, [system.rates[k] for k in self.moving], self.places, frozen)
        self.live_rates = compile_formulas(graph, [system.rates[k] for k in self.moving], self.places)
        self.initial = compile_formulas(graph, system.initial, self.places)
        self.live_atoms = compile_formulas(graph, self.atoms, self.places)
        self.triggers = compile_formulas(graph, triggers, self.places, frozen)
        self.equalities = [k for k, node in enumerate(self.atoms) if graph.entries[node].op == "eq"]
        self.gaps = compile_formulas(graph, [_gap(graph, self.atoms[k]) for k in self.equalities], self.places)
        self.events = [self._event(k) for k in range(len(system.events))]
        self._clock(graph)

    def _event(self, k: int) -> EventCode:
        event, graph = self.system.events[k], self.graph

        def code(*nodes: Node) -> Formulas:
            return compile_formulas(graph, nodes, self.places)

        return EventCode(
            targets=tuple(self.system.index(name) for name, _ in event.assignments),
            values=code(*(node for _, node in event.assignments)),
            factors=tuple(None if node is None else code(node) for node in event.factors)
            or (None,) * len(event.assignments),
            delay=None if event.delay is None else code(event.delay),
            priority=None if event.priority is None else code(event.priority),
        )

    def _clock(self, graph: Graph) -> None:
        """Atoms that depend on time alone, linearly: when they change is known before."""
        moving = {self.system.states[k] for k in self.moving}
        gaps, slopes = [], []
        self.must_look = False
        for atom in self.atoms:
            symbols = graph.symbols([atom])
            self.must_look |= bool(symbols & moving)
            if symbols & moving or TIME not in symbols:
                continue
            if graph.entries[atom].op not in ("lt", "le", "eq"):
                self.must_look = True
                continue
            gap = _gap(graph, atom)
            slope = derivative(graph, gap, TIME)
            if TIME not in graph.symbols([slope]):
                gaps.append(gap)
                slopes.append(slope)
            else:
                self.must_look = True
        self.n_clock = len(gaps)
        self.clock = compile_formulas(graph, gaps + slopes, self.places)

    def next_clock(self, t: float, y: Vector, p: Vector, u: Vector) -> float:
        """The next instant after `t` at which an atom of time alone changes."""
        if not self.n_clock:
            return math.inf
        numbers = self.clock(t, y, p, u, ())
        times = [
            t - gap / slope
            for gap, slope in zip(numbers[: self.n_clock], numbers[self.n_clock :], strict=True)
            if slope and math.isfinite(gap) and math.isfinite(slope)
        ]
        return min((time for time in times if time > t and not is_same_instant(time, t)), default=math.inf)

    def signature(self, t: float, y: Vector, p: Vector, u: Vector, of_triggers: bool = False) -> list[float]:
        """Values of all atoms (or of those in triggers).

        For equalities it is the sign of left minus right, which crosses where they hold.
        """
        values = [-0.5 if value != value else value for value in self.live_atoms(t, y, p, u, ())]
        if self.equalities:
            for k, gap in zip(self.equalities, self.gaps(t, y, p, u, ()), strict=True):
                values[k] = math.copysign(1.0, gap) if gap else 0.0
        return [values[k] for k in self.in_triggers] if of_triggers else values


def _gap(graph: Graph, atom: Node) -> Node:
    left, right = graph.entries[atom].args
    return graph.sub(left, right)


def as_floats(values: Sequence[float]) -> list[float]:
    """Python floats, which plain Python arithmetic handles faster than numpy's."""
    return [float(value) for value in values]
