"""A `System` as SBML Level 3 Version 2 text, for other simulators.

Every state becomes a species whose id means its amount, with a rate rule; parameters and inputs become
parameters; outputs, and what many formulas share, become assignment rules. ``min`` and ``max`` stay ``min``
and ``max``: simulators turn ``piecewise`` into root finding, which is slow and can fail on a kink that the
solution follows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from engager.core import Problem, UnsupportedModel
from engager.model.export.mathml import TIME_TAG, mathml, truth_mathml
from engager.model.export.units import is_substance, unit_definition
from engager.model.expression import Node
from engager.model.system import TIME, Event, System

_NAMESPACE = "http://www.sbml.org/sbml/level3/version2/core"
COMPARTMENT = "default_compartment"
#: a part used twice is given a name of its own when writing it out takes more operations than this
_SHARED_SIZE = 6
# ids that Antimony or a formula language would read as something else
_RESERVED = {
    "time", "pi", "e", "exponentiale", "avogadro", "infinity", "inf", "nan", "notanumber", "true", "false",
    "at", "after", "end", "model", "module", "function", "import", "species", "compartment", "const", "var",
    "reaction", "event", "formula", "unit", "has", "in", "is", "ext", "DNA", "gene", "operator", "delete",
    "substanceOnly", "priority", "persistent", "fromTrigger", "t0", "sbo", "algebraic", "constraint",
    "maximize", "minimize", "min", "max", "abs", "exp", "ln", "log", "log10", "sqrt", "root", "pow",
    "piecewise", "floor", "ceil", "ceiling", "factorial", "rem", "quotient", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "delay", "rateOf", "gamma", "uniform", "normal", "exponential", "poisson", "sec", "csc",
    "cot", "mean", "stdev", "distribution",
}  # fmt: skip


def to_sbml(system: System) -> str:
    """SBML Level 3 Version 2 text with the system's names.

    Notes
    -----
    A name that is no SBML id (``J.k``) has its odd characters replaced by ``_``. Outputs named ``[S]`` and
    ``amount(S)`` are left out: every reader of SBML has its own. Values read back exactly. Units are kept
    where their text is made of units that SBML knows.

    Raises
    ------
    UnsupportedModel
        When an event changes a concentration after a delay by the value of its trigger time in a
        compartment that changes size: no formula of SBML says that of an amount.
    """
    return _Export(system).text()


class _Export:
    def __init__(self, system: System) -> None:
        self.system, self.graph = system, system.graph
        self.taken: set[str] = {COMPARTMENT}
        self.ids = {name: self._id(name) for name in (*system.states, *system.parameters, *system.inputs)}
        self.rules = self._named_outputs()
        symbols = {name: f"<ci>{one}</ci>" for name, one in self.ids.items()} | {TIME: TIME_TAG}
        self.names = {
            node: symbols[str(entry.value)]
            for node, entry in enumerate(self.graph.entries)
            if entry.op == "symbol" and entry.value in symbols
        }
        for identifier, node in self.rules.items():
            if self.graph.entries[node].op not in ("symbol", "const"):
                self.names.setdefault(node, f"<ci>{identifier}</ci>")
        self._name_shared()
        self.unit_ids: dict[str, str] = {}
        self.definitions: list[str] = []

    # ---- ids ----
    def _id(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        if plain[0].isdigit() or plain in _RESERVED:
            plain = f"_{plain}" if plain[0].isdigit() else f"{plain}_"
        while plain in self.taken:
            plain += "_"
        self.taken.add(plain)
        return plain

    def _named_outputs(self) -> dict[str, Node]:
        rules = {}
        for name, node in self.system.outputs.items():
            if name in self.ids or name.startswith(("[", "amount(")) or name == COMPARTMENT:
                continue
            rules[self._id(name)] = node
        return rules

    def _roots(self) -> list[Node]:
        system = self.system
        roots = [*system.rates, *self.rules.values()]
        for event in system.events:
            roots += [event.trigger, *(node for _, node in event.assignments)]
            roots += [node for node in (event.delay, event.priority, *event.factors) if node is not None]
        return roots

    def _name_shared(self) -> None:
        """Give names to big parts that several formulas use, so that text does not grow without bound."""
        graph, uses = self.graph, Counter[Node]()
        order = graph.topological(self._roots())
        for node in order:
            uses.update(graph.entries[node].args)
        size: dict[Node, int] = {}
        n_shared = 0
        for node in order:
            entry = graph.entries[node]
            size[node] = 1 + sum(size[arg] for arg in entry.args)
            if node in self.names or entry.op == "const":
                size[node] = 1
            elif size[node] > _SHARED_SIZE and uses[node] > 1:
                n_shared += 1
                identifier = self._id(f"shared_{n_shared}")
                self.rules[identifier] = node
                self.names[node] = f"<ci>{identifier}</ci>"
                size[node] = 1

    # ---- text ----
    def text(self) -> str:
        system = self.system
        compartment = f'<compartment id="{COMPARTMENT}" spatialDimensions="3" size="1" constant="true"/>'
        starts = zip(system.states, system.initial, strict=True)
        body = [
            self._list("Compartments", [compartment]),
            self._list("Species", [self._species(name, node) for name, node in starts]),
            self._list("Parameters", self._parameters()),
            self._list("InitialAssignments", self._initial_assignments()),
            self._list("Rules", self._rules()),
            self._list("Events", [self._event(event, k) for k, event in enumerate(system.events)]),
        ]
        units = self._list("UnitDefinitions", self.definitions)
        model_id = re.sub(r"[^A-Za-z0-9_]", "_", self.system.id) or "model"
        model_id = f"_{model_id}" if model_id[0].isdigit() else model_id
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<sbml xmlns="{_NAMESPACE}" level="3" version="2">\n<model id="{model_id}">\n'
            + units + "".join(body) + "</model>\n</sbml>\n"
        )  # fmt: skip

    def _list(self, kind: str, items: Iterable[str]) -> str:
        rows = "".join(f"  {item}\n" for item in items)
        return f"<listOf{kind}>\n{rows}</listOf{kind}>\n" if rows else ""

    def _unit(self, name: str) -> str:
        """The attribute ``units="..."`` of a quantity, or nothing."""
        text = self.system.units.get(name, "")
        if not text:
            return ""
        if text not in self.unit_ids:
            identifier = self._id("unit_" + re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_"))
            definition = unit_definition(identifier, text)
            self.unit_ids[text] = identifier if definition else ""
            if definition:
                self.definitions.append(definition)
        found = self.unit_ids[text]
        return f'="{found}"' if found else ""

    def _species(self, name: str, initial: Node) -> str:
        value = self.graph.constant_value(initial)
        given = f' initialAmount="{value!r}"' if value is not None and math.isfinite(value) else ""
        unit = self._unit(name) if is_substance(self.system.units.get(name, "")) else ""
        return (
            f'<species id="{self.ids[name]}"{self._label(name)} compartment="{COMPARTMENT}"{given}'
            f'{" substanceUnits" + unit if unit else ""} hasOnlySubstanceUnits="true"'
            ' boundaryCondition="false" constant="false"/>'
        )

    def _label(self, name: str) -> str:
        return "" if self.ids[name] == name else f" name={quoteattr(name)}"

    def _parameters(self) -> list[str]:
        rows = []
        for name in (*self.system.parameters, *self.system.inputs):
            value = self.system.defaults.get(name, 0.0 if name in self.system.inputs else math.nan)
            given = "" if math.isnan(value) else f' value="{_plain(value)}"'
            constant = "false" if name in self.system.inputs else "true"
            unit = self._unit(name)
            units = f" units{unit}" if unit else ""
            identity = f'id="{self.ids[name]}"{self._label(name)}'
            rows.append(f'<parameter {identity}{given}{units} constant="{constant}"/>')
        for identifier in self.rules:
            unit = self._unit(identifier)
            rows.append(f'<parameter id="{identifier}"{" units" + unit if unit else ""} constant="false"/>')
        return rows

    def _initial_assignments(self) -> list[str]:
        rows = []
        for name, node in zip(self.system.states, self.system.initial, strict=True):
            value = self.graph.constant_value(node)
            if (value is None or math.isinf(value)) and not self._is_unset(node):
                formula = mathml(self.graph, node, self.names)
                rows.append(f'<initialAssignment symbol="{self.ids[name]}">{formula}</initialAssignment>')
        return rows

    def _is_unset(self, node: Node) -> bool:
        """A formula that is NaN whatever happens stands for a value that was left out."""
        unset: set[Node] = set()
        for one in self.graph.topological([node]):
            entry = self.graph.entries[one]
            value = self.graph.constant_value(one)
            is_sum = entry.op in ("add", "sub", "mul", "div", "neg")
            if (value is not None and math.isnan(value)) or (is_sum and any(arg in unset for arg in entry.args)):
                unset.add(one)
        return node in unset

    def _rules(self) -> list[str]:
        rows = []
        for name, node in zip(self.system.states, self.system.rates, strict=True):
            if self.graph.constant_value(node) != 0.0:
                formula = self._formula(node)
                rows.append(f'<rateRule variable="{self.ids[name]}">{formula}</rateRule>')
        for identifier, node in self.rules.items():
            is_own = self.names.get(node) == f"<ci>{identifier}</ci>"
            formula = mathml(self.graph, node, self.names) if is_own else self._formula(node)
            rows.append(f'<assignmentRule variable="{identifier}">{formula}</assignmentRule>')
        return rows

    def _formula(self, node: Node) -> str:
        """A formula that may be nothing but the name of a part."""
        if node in self.names:
            return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{self.names[node]}</math>'
        return mathml(self.graph, node, self.names)

    def _event(self, event: Event, number: int) -> str:
        flags = f'initialValue="{str(event.initial_value).lower()}" persistent="{str(event.persistent).lower()}"'
        parts = [f"<trigger {flags}>{truth_mathml(self.graph, event.trigger, self.names)}</trigger>"]
        if event.priority is not None:
            parts.append(f"<priority>{self._formula(event.priority)}</priority>")
        if event.delay is not None:
            parts.append(f"<delay>{self._formula(event.delay)}</delay>")
        formulas = [self._formula(self._value(event, k)) for k in range(len(event.assignments))]
        assignments = "".join(
            f'<eventAssignment variable="{self.ids[name]}">{formula}</eventAssignment>'
            for (name, _), formula in zip(event.assignments, formulas, strict=True)
        )
        if assignments:
            parts.append(f"<listOfEventAssignments>{assignments}</listOfEventAssignments>")
        taken = str(event.use_values_from_trigger_time).lower()
        identifier = self._id(event.id or f"event{number + 1}")
        return f'<event id="{identifier}" useValuesFromTriggerTime="{taken}">{"".join(parts)}</event>'

    def _value(self, event: Event, k: int) -> Node:
        """The value of one assignment, its factor included."""
        node = event.assignments[k][1]
        factor = event.factors[k] if event.factors else None
        if factor is None:
            return node
        moves = self.graph.symbols([factor]) & {*self.system.states, TIME}
        if event.delay is not None and event.use_values_from_trigger_time and moves:
            rule = "sets a concentration by its value before the delay in a compartment that changes size"
            raise UnsupportedModel(Problem(f"event {event.id}", event.assignments[k][0], rule))
        return self.graph.mul(node, factor)


def _plain(value: float) -> str:
    return repr(value) if math.isfinite(value) else ("INF" if value > 0 else "-INF")
