"""From a `Document` to a `System`: which quantities move, and one formula for each rate.

Choice of states
    A species that moves is a state holding its **amount**, whatever its compartment does, so amounts and
    concentrations stay exact when a compartment changes size. In formulas its id means what the file says:
    amount, or amount / size. Parameters, compartments and stoichiometries that move are states of their own.
    What only events change is a state with rate 0.
Choice of parameters
    What never moves is a parameter with the file's number, in the meaning its id has in formulas. An initial
    assignment to something that never moves makes it a formula over parameters, listed under outputs.
Names
    States and parameters have the file's ids; a local parameter ``k`` of reaction ``J`` is ``J.k``. The id
    ``time`` becomes ``time_``. Outputs hold ``[S]`` and ``amount(S)`` of every species, and every other
    quantity that is neither state nor parameter under its id.
"""

from __future__ import annotations

from collections.abc import Iterable

from engager.core import InputError, Problem, UnsupportedModel, nearest
from engager.model.derivative import derivative
from engager.model.expression import Graph, Node
from engager.model.sbml.algebraic import solve_algebraic
from engager.model.sbml.document import Document, NamedValue, RawEvent
from engager.model.sbml.math import MARK, RATE_OF, TIME_SYMBOL
from engager.model.sbml.scope import Scope
from engager.model.system import TIME, Event, System

_STATE = MARK + "state:"
_PARAMETER = MARK + "parameter:"


def build_system(document: Document, inputs: Iterable[str] = ()) -> System:
    """The equations of a document; `inputs` names parameters that a schedule may change."""
    return _Builder(document, tuple(inputs)).build()


class _Builder:
    def __init__(self, document: Document, inputs: tuple[str, ...]) -> None:
        self.doc, self.raw = document, document.graph
        self.final = Graph()
        self.inputs = inputs
        self.evented = {name for event in document.events for name, _ in event.assignments}
        self._check_names()
        solve_algebraic(document, self.evented)
        self.moving = self._moving()
        self.names = {name: self._own_name(name) for name in document.quantities}
        self.derived = {name for name in document.quantities if self._is_derived(name)}
        self.start = Scope(self.raw, self.final, self._at_start, document.where)
        self.run = Scope(self.raw, self.final, self._while_running, document.where)
        self.fluxes = self._fluxes()

    # ---- what is what ----
    def _check_names(self) -> None:
        known = self.doc.quantities.keys() | self.doc.reactions.keys()
        allowed = known | {TIME_SYMBOL} | {RATE_OF + name for name in known}
        problems = []
        for element, node in self.doc.formulas:
            for name in sorted(self.raw.symbols([node]) - allowed):
                plain = name.removeprefix(RATE_OF)
                where = f"{self.doc.where}: {element}"
                problems.append(Problem(where, plain, "is not defined in the model", nearest(plain, known)))
        for name in self.inputs:
            if name not in self.doc.quantities:
                rule = "must name a quantity of the model"
                problems.append(Problem(f"{self.doc.where}: inputs", name, rule, nearest(name, known)))
        for species in self._of_kind("species"):
            factor = species.conversion
            if factor and factor not in self.doc.quantities:
                problems.append(Problem(f"{self.doc.where}: species {species.id}", factor, "is not defined"))
        if problems:
            raise InputError(problems[:50])

    def _of_kind(self, kind: str) -> list[NamedValue]:
        return [quantity for quantity in self.doc.quantities.values() if quantity.kind == kind]

    def _moving(self) -> dict[str, None]:
        """Ids of the states, in the order of the file."""
        reacted = {
            species
            for reaction in self.doc.reactions.values()
            for species, _, _ in reaction.participants
            if not (self.doc.quantities[species].boundary or self.doc.quantities[species].constant)
        }
        own = (reacted | set(self.doc.rated) | self.evented) - set(self.doc.assigned)
        unsteady = own | set(self.doc.assigned)
        moving: dict[str, None] = {}
        for quantity in self.doc.quantities.values():
            # the amount of a species at rest stays when its compartment changes size
            is_diluted = quantity.kind == "species" and quantity.compartment in unsteady
            if quantity.id in own or (is_diluted and quantity.id not in self.doc.assigned):
                moving[quantity.id] = None
        both = sorted((reacted & set(self.doc.rated)) | (reacted & set(self.doc.assigned)))
        if both:
            rule = "is changed by reactions and by a rule; set boundaryCondition to true"
            raise InputError([Problem(f"{self.doc.where}: species {name}", name, rule) for name in both])
        refused = sorted(set(self.inputs) & (unsteady | set(self.doc.initially)))
        if refused:
            rule = "is an input, so no rule, reaction, event or initial assignment may set it"
            raise InputError([Problem(f"{self.doc.where}: inputs", name, rule) for name in refused])
        return moving

    def _is_derived(self, name: str) -> bool:
        """A formula over parameters: never moves, but its start is not the file's bare number."""
        quantity = self.doc.quantities[name]
        if name in self.moving or name in self.doc.assigned:
            return False
        if name in self.doc.initially or quantity.kind == "stoichiometry" or _is_unit_size(quantity):
            return True
        return quantity.kind == "species" and quantity.is_amount != quantity.given_as_amount

    def _own_name(self, name: str) -> str:
        own = name
        while own == TIME or (own != name and own in self.doc.quantities):
            own += "_"
        return own

    # ---- names at the start ----
    def _at_start(self, name: str) -> Node | None:
        raw, doc = self.raw, self.doc
        if name == TIME_SYMBOL:
            return raw.const(0.0)
        if name.startswith(RATE_OF):
            return self._rate_of(name.removeprefix(RATE_OF))
        if name.startswith(_STATE):
            return self._amount_of(name.removeprefix(_STATE))
        if name.startswith(_PARAMETER):
            return self._leaf(self.start, name)
        if name in doc.initially:
            return doc.initially[name]
        if (rule := self._by_rule(name)) is not None:
            return rule
        quantity = doc.quantities.get(name)
        if quantity is None:
            return None
        if name in self.moving or name in self.derived:
            return self._given(quantity)
        return raw.symbol(_PARAMETER + name)

    def _by_rule(self, name: str) -> Node | None:
        """The formula of an assignment or of a reaction's rate."""
        reaction = self.doc.reactions.get(name)
        return self.doc.assigned.get(name, None if reaction is None else reaction.rate)

    def _given(self, quantity: NamedValue) -> Node:
        """The file's number, in the meaning the id has in formulas."""
        value = self.raw.const(quantity.value)
        if quantity.kind != "species" or quantity.is_amount == quantity.given_as_amount:
            return value
        size = self.raw.symbol(quantity.compartment)
        return self.raw.mul(value, size) if quantity.is_amount else self.raw.div(value, size)

    # ---- names while the model runs ----
    def _while_running(self, name: str) -> Node | None:
        raw, doc = self.raw, self.doc
        if name == TIME_SYMBOL or name.startswith((_STATE, _PARAMETER)):
            return self._leaf(self.run, name)
        if name.startswith(RATE_OF):
            return self._rate_of(name.removeprefix(RATE_OF))
        if (rule := self._by_rule(name)) is not None:
            return rule
        quantity = doc.quantities.get(name)
        if quantity is None:
            return None
        if name in self.moving:
            state = raw.symbol(_STATE + name)
            is_concentration = quantity.kind == "species" and not quantity.is_amount
            return raw.div(state, raw.symbol(quantity.compartment)) if is_concentration else state
        if name in self.derived:
            self.run.known[name] = self.start.resolve(raw.symbol(name), name)
            return raw.symbol(name)
        return raw.symbol(_PARAMETER + name)

    def _leaf(self, scope: Scope, name: str) -> Node:
        """Bind a symbol of the final graph directly, and give a raw formula that needs nothing more."""
        own = TIME if name == TIME_SYMBOL else self.names[name.split(":", 1)[1]]
        scope.known[name] = self.final.symbol(own)
        return self.raw.const(0.0)

    # ---- rates ----
    def _fluxes(self) -> dict[str, list[Node]]:
        """Raw terms of the change of each species' amount by reactions."""
        raw = self.raw
        terms: dict[str, list[Node]] = {}
        for reaction in self.doc.reactions.values():
            total: dict[str, Node] = {}
            for species, sign, stoichiometry in reaction.participants:
                signed = stoichiometry if sign > 0 else raw.neg(stoichiometry)
                total[species] = raw.add(total[species], signed) if species in total else signed
            for species, coefficient in total.items():
                factor = self.doc.quantities[species].conversion
                rate = raw.symbol(reaction.id)
                if factor:
                    rate = raw.mul(rate, raw.symbol(factor))
                minus_one = raw.constant_value(coefficient) == -1.0
                term = raw.neg(rate) if minus_one else raw.mul(coefficient, rate)
                terms.setdefault(species, []).append(term)
        return terms

    def _amount_rate(self, name: str) -> Node:
        """Raw rate of a state: of a species' amount, of anything else itself."""
        raw, quantity = self.raw, self.doc.quantities[name]
        if name in self.doc.rated:
            rate = self.doc.rated[name]
            if quantity.kind != "species" or quantity.is_amount:
                return rate
            size = raw.symbol(quantity.compartment)
            dilution = raw.mul(raw.symbol(name), raw.symbol(RATE_OF + quantity.compartment))
            return raw.add(raw.mul(rate, size), dilution)
        total: Node | None = None
        if quantity.kind == "species" and not (quantity.boundary or quantity.constant):
            for term in self.fluxes.get(name, []):
                total = term if total is None else _plus(raw, total, term)
        return raw.const(0.0) if total is None else total

    def _rate_of(self, name: str) -> Node | None:
        """Raw rate of change of what an id means in formulas."""
        raw, quantity = self.raw, self.doc.quantities.get(name)
        if name in self.doc.assigned or name in self.doc.reactions:
            reaction = self.doc.reactions.get(name)
            return self._total_derivative(reaction.rate if reaction else self.doc.assigned[name])
        if quantity is None:
            return None
        if name not in self.moving:
            return raw.const(0.0)
        rate = self._amount_rate(name)
        if quantity.kind != "species" or quantity.is_amount:
            return rate
        if name in self.doc.rated:
            return self.doc.rated[name]
        size = raw.symbol(quantity.compartment)
        dilution = raw.mul(raw.symbol(name), raw.symbol(RATE_OF + quantity.compartment))
        return raw.div(raw.sub(rate, dilution), size)

    def _total_derivative(self, formula: Node) -> Node:
        raw = self.raw
        total = raw.const(0.0)
        for name in sorted(raw.symbols([formula])):
            if name.startswith(RATE_OF):
                raise UnsupportedModel(Problem(self.doc.where, name, "rateOf of a rateOf is not supported"))
            speed = raw.const(1.0) if name == TIME_SYMBOL else raw.symbol(RATE_OF + name)
            total = raw.add(total, raw.mul(derivative(raw, formula, name), speed))
        return total

    def _amount_of(self, name: str) -> Node:
        """Raw amount of a species (anything else: its value)."""
        quantity = self.doc.quantities[name]
        if quantity.kind != "species" or quantity.is_amount:
            return self.raw.symbol(name)
        if quantity.given_as_amount and name in self.moving and name not in self.doc.initially:
            return self.raw.const(quantity.value)
        return self.raw.mul(self.raw.symbol(name), self.raw.symbol(quantity.compartment))

    # ---- the system ----
    def build(self) -> System:
        doc = self.doc
        unfixed = {*self.moving, *doc.assigned, *self.derived}
        fixed = [name for name in doc.quantities if name not in unfixed]
        rates = [self.run.resolve(self._amount_rate(name), f"rate of {name}") for name in self.moving]
        initial = [self.start.resolve(self._amount_of(name), f"initial {name}") for name in self.moving]
        parameters = tuple(self.names[name] for name in fixed if name not in self.inputs)
        return System(
            id=doc.id,
            graph=self.final,
            states=tuple(self.names[name] for name in self.moving),
            parameters=parameters,
            rates=tuple(rates),
            initial=tuple(initial),
            inputs=self.inputs,
            outputs=self._outputs(),
            defaults={self.names[name]: doc.quantities[name].value for name in fixed},
            units={self.names[n]: q.unit for n, q in doc.quantities.items() if q.unit},
            events=tuple(self._event(event) for event in doc.events),
        )

    def _outputs(self) -> dict[str, Node]:
        raw, outputs = self.raw, {}
        for name, quantity in self.doc.quantities.items():
            if quantity.kind == "species":
                amount = self._amount_while_running(quantity)
                size = raw.symbol(quantity.compartment)
                concentration = raw.div(amount, size) if quantity.is_amount else raw.symbol(name)
                outputs[f"[{name}]"] = self.run.resolve(concentration, name)
                outputs[f"amount({name})"] = self.run.resolve(amount, name)
            if name in self.derived or name in self.doc.assigned or self.names[name] != name:
                outputs[name] = self.run.resolve(raw.symbol(name), name)
        for name in self.doc.reactions:
            outputs[name] = self.run.resolve(raw.symbol(name), name)
        return outputs

    def _amount_while_running(self, quantity: NamedValue) -> Node:
        raw = self.raw
        if quantity.id in self.moving:
            return raw.symbol(_STATE + quantity.id)
        value = raw.symbol(quantity.id)
        return value if quantity.is_amount else raw.mul(value, raw.symbol(quantity.compartment))

    def _event(self, event: RawEvent) -> Event:
        where = f"event {event.id}"
        assignments, factors = [], []
        for name, node in event.assignments:
            quantity = self.doc.quantities[name]
            is_concentration = quantity.kind == "species" and not quantity.is_amount
            size = self.raw.symbol(quantity.compartment) if is_concentration else None
            assignments.append((self.names[name], self.run.resolve(node, where)))
            factors.append(None if size is None else self.run.resolve(size, where))

        def optional(node: Node | None) -> Node | None:
            return None if node is None else self.run.resolve(node, where)

        return Event(
            event.id, self.run.resolve(event.trigger, where), tuple(assignments),
            optional(event.delay), optional(event.priority), event.initial_value, event.persistent,
            event.use_values_from_trigger_time, tuple(factors),
        )  # fmt: skip


def _is_unit_size(quantity: NamedValue) -> bool:
    """Antimony's own compartment is the number 1, not something to multiply by."""
    return (quantity.id, quantity.value, quantity.constant) == ("default_compartment", 1.0, True)


def _plus(graph: Graph, a: Node, b: Node) -> Node:
    """a + b, a subtraction where b is a negation."""
    entry = graph.entries[b]
    return graph.sub(a, entry.args[0]) if entry.op == "neg" else graph.add(a, b)
