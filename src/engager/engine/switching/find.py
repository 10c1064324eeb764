"""Which parts of a model's rates jump or bend at times that can be known before the course is solved.

A comparison, a rounding, a remainder, a minimum, a maximum or a size that depends on time alone (and on parameters,
inputs and *clocks*: states whose rate parameters and inputs alone decide) is a **switch**. Between its switching
times it keeps one value; so in the rates its place is taken by an input, which the schedule sets at those times. The
solver then sees smooth equations, ends its steps where they change, and needs no knowledge of any of this.

In: a `System`. Out: `Switched`. Not here: when the switches change (`times`).
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace

from engager.model import TIME, Graph, Node, System, derivative

_COMPARISONS = ("lt", "le", "eq")
_ROUNDINGS = ("floor", "ceil")
_BENDS = ("min", "max", "abs", "rem")
#: What makes a narrow pulse or a steep step of a mild argument, near where that is 0 or turns back.
_STEEP = ("exp", "tanh", "sinh", "cosh", "atan")


@dataclass(frozen=True)
class Switch:
    """Something that keeps one value between its switching times.

    Attributes
    ----------
    name : of the input that takes its place.
    is_whole : its value is a whole number that `argument` passes; otherwise the truth of ``argument < 0`` or alike.
    argument : what decides, as a formula over time, parameters, inputs, clocks and switches of lower levels.
    slope : change of `argument` per time while those switches rest.
    is_straight : `slope` does not depend on time.
    value : the switch as the file wrote it, over time, parameters, inputs and clocks.
    level : 0 when `argument` holds no other switch.
    """

    name: str
    is_whole: bool
    argument: Node
    slope: Node
    is_straight: bool
    value: Node
    level: int


@dataclass(frozen=True)
class Switched:
    """A system whose jumps are inputs.

    Attributes
    ----------
    system : the same equations with one more input per switch.
    graph : where all nodes here live.
    switches : in the order of the inputs added.
    clocks : state -> node of its rate, a formula over parameters and inputs.
    curves : formulas of time in the rates that are not straight between switching times.
    folds : mild formulas of time inside `curves` at whose zeros and turning points those may be steep.
    undecided : states that move and decide jumps of the rates; when these happen is not known beforehand.
    symbols : names that the switching times depend on.
    """

    system: System
    graph: Graph
    switches: tuple[Switch, ...]
    clocks: dict[str, Node]
    curves: tuple[Node, ...]
    folds: tuple[Node, ...]
    undecided: tuple[str, ...]
    symbols: frozenset[str]


_known: dict[int, tuple[weakref.ref[System], Switched | None]] = {}


def switched(system: System) -> Switched | None:
    """The system with its switches as inputs; None when nothing in rates and triggers jumps or bends unforeseen."""
    found = _known.get(id(system))
    if found is None or found[0]() is not system:
        _known[id(system)] = found = weakref.ref(system), _Finder(system).find()
        weakref.finalize(system, _known.pop, id(system), None)
    return found[1]


class _Finder:
    """Rewrites the rates node by node, arguments before users."""

    def __init__(self, system: System) -> None:
        self.system = system
        # a copy, because nodes are added
        self.graph = Graph(list(system.graph.entries), dict(system.graph._number_of))
        self.fixed = {*system.parameters, *system.inputs}
        rates = zip(system.states, system.rates, strict=True)
        evented = {name for event in system.events for name, _ in event.assignments}
        self.clocks = {
            name: rate for name, rate in rates if name not in evented and system.graph.symbols([rate]) <= self.fixed
        }
        self.switches: list[Switch] = []
        self.new: dict[Node, Node] = {}
        self.level: dict[Node, int] = {}
        # a node's hold on time: None when something else moves it, else whether it moves at all
        self.of_time: dict[Node, bool | None] = {}

    def find(self) -> Switched | None:
        system, graph = self.system, self.graph
        jumps = {*_COMPARISONS, *_ROUNDINGS, "rem"}
        # what triggers look at jumps as well: an event must not be stepped over
        roots = [*system.rates, *(event.trigger for event in system.events)]
        kinds = {graph.entries[node].op for node in graph.reachable(roots)}
        if TIME not in graph.symbols(roots) and not kinds & jumps and not self._may_bend(kinds):
            return None
        for node in graph.topological(roots):
            self._visit(node)
        rates = tuple(self.new[rate] for rate in system.rates)
        curves, folds = self._curves(rates)
        undecided = self._undecided(jumps)
        if not self.switches and not curves and not undecided:
            return None
        names = tuple(switch.name for switch in self.switches)
        full = replace(
            system, graph=graph, rates=rates, inputs=(*system.inputs, *names),
            defaults={**system.defaults, **dict.fromkeys(names, 0.0)},
        )  # fmt: skip
        decided = [switch.value for switch in self.switches] + list(curves)
        used = graph.symbols(decided)
        clocks = {name: rate for name, rate in self.clocks.items() if name in used}
        return Switched(
            full,
            graph,
            tuple(self.switches),
            clocks,
            curves,
            folds,
            undecided,
            frozenset(used | graph.symbols(clocks.values())),
        )

    def _undecided(self, jumps: set[str]) -> tuple[str, ...]:
        """States that move and decide jumps of the rates."""
        graph = self.graph
        atoms = [
            node
            for node in graph.reachable(self.system.rates)
            if self.of_time[node] is None and graph.entries[node].op in jumps
        ]
        deciding = graph.symbols(atoms) - self.fixed - {TIME}
        return tuple(name for name in self.system.states if name in deciding)

    def _may_bend(self, kinds: set[str]) -> bool:
        """Whether a clock may stand for time in a bend or a steep formula."""
        moves = any(self.graph.constant_value(rate) != 0.0 for rate in self.clocks.values())
        return moves and bool(kinds & {*_BENDS, *_STEEP, "pow", "div"})

    # ---- one node ----
    def _visit(self, node: Node) -> None:
        entry = self.graph.entries[node]
        args = entry.args
        self.level[node] = max((self.level[arg] for arg in args), default=0)
        if not args:
            self.new[node] = node
            self.of_time[node] = self._symbol_moves(str(entry.value)) if entry.op == "symbol" else False
            return
        holds = [self.of_time[arg] for arg in args]
        self.of_time[node] = None if None in holds else any(holds)
        if self.of_time[node] and entry.op in (*_COMPARISONS, *_ROUNDINGS, *_BENDS):
            self.new[node] = self._replaced(node)
        else:
            self.new[node] = self.graph.apply(entry.op, *(self.new[arg] for arg in args))

    def _symbol_moves(self, name: str) -> bool | None:
        if name in self.fixed:
            return False
        if name in self.clocks:
            return self.graph.constant_value(self.clocks[name]) != 0.0
        return True if name == TIME else None

    def _replaced(self, node: Node) -> Node:
        """A node that jumps or bends, written with switches."""
        graph, entry = self.graph, self.graph.entries[node]
        a = entry.args[0]
        b = entry.args[1] if len(entry.args) > 1 else graph.const(0.0)
        new_a, new_b = self.new[a], self.new.get(b, b)
        if entry.op in _COMPARISONS:
            return self._switch(node, graph.sub(new_a, new_b), is_whole=False)
        if entry.op in _ROUNDINGS:
            return self._switch(node, new_a, is_whole=True)
        if entry.op == "rem":
            ratio = graph.div(a, b)
            negative = graph.apply("lt", ratio, graph.const(0.0))
            whole = graph.select(negative, graph.apply("ceil", ratio), graph.apply("floor", ratio))
            quotient = self._switch(whole, graph.div(new_a, new_b), is_whole=True, level_of=node)
            return graph.sub(new_a, graph.mul(quotient, new_b))
        if entry.op == "abs":
            below = self._switch(graph.apply("lt", a, b), new_a, is_whole=False, level_of=node)
            return graph.select(below, graph.neg(new_a), new_a)
        first, second = (a, b) if entry.op == "min" else (b, a)
        gap = graph.sub(new_a, new_b) if entry.op == "min" else graph.sub(new_b, new_a)
        chosen = self._switch(graph.apply("lt", first, second), gap, is_whole=False, level_of=node)
        return graph.select(chosen, new_a, new_b)

    def _switch(self, value: Node, argument: Node, *, is_whole: bool, level_of: Node | None = None) -> Node:
        """The input that takes the place of `value`."""
        user = value if level_of is None else level_of
        for known in self.switches:
            if known.value == value:
                self.level[user] = max(self.level[user], known.level + 1)
                return self.graph.symbol(known.name)
        slope = self._slope(argument)
        # no name of a file holds this character
        name = f"\x1fswitch:{len(self.switches)}"
        moving = {TIME, *self.clocks}
        self.switches.append(
            Switch(name, is_whole, argument, slope, not self.graph.symbols([slope]) & moving, value, self.level[user])
        )
        self.level[user] += 1
        return self.graph.symbol(name)

    def _slope(self, formula: Node) -> Node:
        graph = self.graph
        symbols = graph.symbols([formula])
        total = derivative(graph, formula, TIME)
        for name in sorted(symbols & self.clocks.keys()):
            total = graph.add(total, graph.mul(derivative(graph, formula, name), self.clocks[name]))
        return total

    # ---- curves ----
    def _curves(self, rates: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        """The largest parts of the rates that time alone moves, where they are curved: a pulse may hide in them.

        And within these what may hide it however narrow it is: the mild arguments of steep functions, and divisors.
        """
        graph = self.graph
        names = {switch.name for switch in self.switches}
        holds: dict[Node, bool | None] = {}
        for node in graph.topological(rates):
            entry = graph.entries[node]
            if entry.op == "symbol":
                name = str(entry.value)
                holds[node] = False if name in names else self._symbol_moves(name)
            else:
                inner = [holds[arg] for arg in entry.args]
                holds[node] = None if None in inner else any(inner)
        roots = [rate for rate in rates if holds[rate]]
        for node, hold in holds.items():
            if hold is None:
                roots += [arg for arg in graph.entries[node].args if holds[arg]]
        moving = {TIME, *self.clocks}
        found = [node for node in dict.fromkeys(roots) if graph.symbols([self._slope(node)]) & moving]
        folds: dict[Node, None] = {}
        for node in graph.topological(found):
            entry = graph.entries[node]
            if entry.op in _STEEP and holds[entry.args[0]]:
                folds[entry.args[0]] = None
            elif entry.op == "pow" and holds[entry.args[0]]:
                # steep where the base passes 1; a base that turns back makes a pulse
                folds[graph.sub(entry.args[0], graph.const(1.0))] = None
            elif entry.op == "div" and holds[entry.args[1]]:
                folds[entry.args[1]] = None
        return tuple(found), tuple(folds)
