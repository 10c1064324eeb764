"""What an SBML file says, level by level, as plain records: the last place that knows libsbml's objects.

`read_document` takes checked text and gives a `Document`: quantities (parameters, compartments, species,
stoichiometries), reactions, rules and events, every formula a node of one raw graph over the file's names.
Constructs that cannot be honored are refused here, by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NoReturn

import libsbml

from engager.core import InputError, Problem, UnsupportedModel
from engager.model.expression import Graph, Node
from engager.model.sbml.math import MARK, Function, MathReader, called_functions
from engager.model.sbml.packages import check_packages, flatten, is_harmless, told
from engager.model.sbml.units import unit_texts


@dataclass(frozen=True)
class NamedValue:
    """Something a formula may name and that has a value at the start.

    Attributes
    ----------
    kind : ``parameter``, ``compartment``, ``species`` or ``stoichiometry``.
    value : the number in the file, NaN when it gives none.
    constant : the file promises that it never changes.
    unit : unit text, or empty.
    compartment, boundary, conversion : of a species: where it is, whether reactions leave it alone, and the
        parameter that turns extent into substance.
    is_amount : in formulas, a species' id means its amount (else its concentration).
    given_as_amount : `value` is an amount (else a concentration).
    """

    id: str
    kind: str
    value: float
    constant: bool
    unit: str = ""
    compartment: str = ""
    boundary: bool = False
    conversion: str = ""
    is_amount: bool = False
    given_as_amount: bool = False


@dataclass(frozen=True)
class Reaction:
    """A reaction: its rate, and (species, sign, stoichiometry) of everything it makes (+1) or uses (-1)."""

    id: str
    rate: Node
    participants: tuple[tuple[str, int, Node], ...]


@dataclass(frozen=True)
class RawEvent:
    """An event over the file's names; formulas that are absent are None."""

    id: str
    trigger: Node
    assignments: tuple[tuple[str, Node], ...]
    delay: Node | None
    priority: Node | None
    initial_value: bool
    persistent: bool
    use_values_from_trigger_time: bool


@dataclass
class Document:
    """The whole model over the file's names."""

    id: str
    where: str
    graph: Graph
    quantities: dict[str, NamedValue] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    assigned: dict[str, Node] = field(default_factory=dict)
    rated: dict[str, Node] = field(default_factory=dict)
    initially: dict[str, Node] = field(default_factory=dict)
    algebraic: list[Node] = field(default_factory=list)
    events: list[RawEvent] = field(default_factory=list)
    #: places where each formula stands, for messages
    formulas: list[tuple[str, Node]] = field(default_factory=list)


def read_document(text: str, where: str) -> Document:
    """Parse checked SBML text.

    Raises
    ------
    InputError
        When the text is not valid SBML.
    UnsupportedModel
        When it needs a package or construct this package does not have.
    """
    source = libsbml.readSBMLFromString(text)
    model = source.getModel()
    if model is not None:  # what is not supported is told as such, whatever else is wrong
        check_packages(source, model, where)
    _check_errors(source, where)
    if model is None:
        raise InputError(Problem(where, "no <model>", "must contain a model"))
    flatten(source, where)
    return _Reader(source.getModel(), where).read()


def _check_errors(source: Any, where: str) -> None:
    problems = []
    for k in range(source.getNumErrors()):
        error = source.getError(k)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR and not is_harmless(error):
            short, detail = told(error)
            problems.append(Problem(f"{where}: line {error.getLine()}", short, detail))
    if problems:
        raise InputError(problems[:20])


class _Reader:
    """Walks one libsbml model."""

    def __init__(self, model: Any, where: str) -> None:
        self.model, self.where = model, where
        self.math = MathReader(where)
        self.units = unit_texts(model)
        self.level, self.version = model.getLevel(), model.getVersion()
        self.out = Document(model.getId() or "model", where, self.math.graph)

    def read(self) -> Document:
        self._functions()
        self._compartments()
        self._parameters()
        self._species()
        self._reactions()
        self._rules()
        self._initial_assignments()
        self._events()
        return self.out

    # ---- helpers ----
    def _formula(self, tree: Any, element: str, local: dict[str, Node] | None = None) -> Node:
        node = self.math.read(tree, element, local)
        self.out.formulas.append((element, node))
        return node

    def _add(self, quantity: NamedValue) -> None:
        if quantity.id in self.out.quantities or quantity.id in self.out.reactions:
            raise InputError(Problem(f"{self.where}: {quantity.kind} {quantity.id}", quantity.id, "id used twice"))
        self.out.quantities[quantity.id] = quantity

    def _refuse(self, element: str, construct: str) -> NoReturn:
        raise UnsupportedModel(Problem(f"{self.where}: {element}", construct, "is not supported"))

    def _is_constant(self, one: Any) -> bool:
        """Whether the file promises constancy; Level 1 has no such promise."""
        found: bool = self.level > 1 and one.getConstant()
        return found

    def _unit(self, unit: str) -> str:
        return self.units.get(unit, unit)

    # ---- lists ----
    def _functions(self) -> None:
        waiting = {}
        for function in self.model.getListOfFunctionDefinitions():
            if function.getMath() is None:
                self.math.functions[function.getId()] = Function(0, self.math.graph.const(math.nan))
            else:
                waiting[function.getId()] = function.getMath()
        calls = {name: called_functions(tree) & waiting.keys() for name, tree in waiting.items()}
        while waiting:
            ready = [name for name in waiting if not calls[name] & waiting.keys()]
            if not ready:
                names = ", ".join(sorted(waiting))
                raise InputError(
                    Problem(
                        f"{self.where}: functionDefinition",
                        names,
                        "functions may not call each other in a circle",
                    )
                )
            for name in ready:
                tree = waiting.pop(name)
                if not tree.isLambda():
                    raise InputError(
                        Problem(f"{self.where}: functionDefinition {name}", "no lambda", "must hold a lambda")
                    )
                self.math.functions[name] = self.math.read_lambda(tree, f"functionDefinition {name}")

    def _compartments(self) -> None:
        self.zero_dimensional = set()
        for one in self.model.getListOfCompartments():
            if one.isSetSpatialDimensions() and one.getSpatialDimensionsAsDouble() == 0 and not self._has_size(one):
                self.zero_dimensional.add(one.getId())
            size = one.getSize() if one.isSetSize() or self.level == 1 else math.nan
            self._add(NamedValue(one.getId(), "compartment", size, self._is_constant(one), self._unit(one.getUnits())))

    def _has_size(self, compartment: Any) -> bool:
        """Level 3 lets a compartment without dimensions have a size: then its species have concentrations as any."""
        name = compartment.getId()
        set_elsewhere = self.model.getRuleByVariable(name) or self.model.getInitialAssignmentBySymbol(name)
        return self.level >= 3 and (compartment.isSetSize() or set_elsewhere is not None)

    def _parameters(self) -> None:
        for one in self.model.getListOfParameters():
            value = one.getValue() if one.isSetValue() else math.nan
            self._add(NamedValue(one.getId(), "parameter", value, self._is_constant(one), self._unit(one.getUnits())))

    def _species(self) -> None:
        for one in self.model.getListOfSpecies():
            name, place = one.getId(), one.getCompartment()
            if place not in self.out.quantities:
                rule = "compartment must be one of the model's compartments"
                raise InputError(Problem(f"{self.where}: species {name}", place, rule))
            is_zero = place in self.zero_dimensional
            if one.isSetInitialAmount():
                value, as_amount = one.getInitialAmount(), True
            elif one.isSetInitialConcentration():
                value, as_amount = one.getInitialConcentration(), is_zero
            else:
                value, as_amount = math.nan, one.getHasOnlySubstanceUnits() or is_zero
            conversion = one.getConversionFactor() if self.level >= 3 else ""
            if self.level >= 3 and not conversion and self.model.isSetConversionFactor():
                conversion = self.model.getConversionFactor()
            self._add(
                NamedValue(
                    name, "species", value, self._is_constant(one), self._unit(one.getSubstanceUnits()),
                    compartment=place, boundary=one.getBoundaryCondition(), conversion=conversion,
                    is_amount=one.getHasOnlySubstanceUnits() or is_zero, given_as_amount=as_amount,
                )
            )  # fmt: skip

    def _reactions(self) -> None:
        for one in self.model.getListOfReactions():
            element = f"reaction {one.getId()}"
            if one.isSetFast() and one.getFast():
                self._refuse(element, "a fast reaction")
            participants = [
                *(self._participant(ref, -1, element) for ref in one.getListOfReactants()),
                *(self._participant(ref, +1, element) for ref in one.getListOfProducts()),
            ]
            rate = self._kinetic_law(one, element)
            if rate is None:  # nothing is said of its speed: it does not run, and its id has no value
                rate, participants = self.math.graph.const(math.nan), []
            self.out.reactions[one.getId()] = Reaction(one.getId(), rate, tuple(participants))

    def _kinetic_law(self, reaction: Any, element: str) -> Node | None:
        """The rate, its local parameters renamed ``reaction.parameter``; None when the file gives none."""
        law = reaction.getKineticLaw()
        if law is None or law.getMath() is None:
            return None
        local = {}
        parameters = law.getListOfLocalParameters() if self.level >= 3 else law.getListOfParameters()
        for one in parameters:
            name = f"{reaction.getId()}.{one.getId()}"
            value = one.getValue() if one.isSetValue() else math.nan
            self._add(NamedValue(name, "parameter", value, True, self._unit(one.getUnits())))
            local[one.getId()] = self.math.graph.symbol(name)
        return self._formula(law.getMath(), f"kineticLaw of {element}", local)

    def _participant(self, ref: Any, sign: int, element: str) -> tuple[str, int, Node]:
        species = ref.getSpecies()
        found = self.out.quantities.get(species)
        if found is None or found.kind != "species":
            raise InputError(Problem(f"{self.where}: {element}", species, "must name a species of the model"))
        if self.level < 3 and ref.isSetStoichiometryMath() and ref.getStoichiometryMath().getMath():
            tree = ref.getStoichiometryMath().getMath()
            node = self._formula(tree, f"stoichiometryMath of {species} in {element}")
            if ref.isSetId():
                self._add(NamedValue(ref.getId(), "stoichiometry", math.nan, False))
                self.out.assigned[ref.getId()] = node
                node = self.math.graph.symbol(ref.getId())
            return species, sign, node
        value = ref.getStoichiometry() if ref.isSetStoichiometry() or self.level < 3 else math.nan
        if self.level == 1:
            value /= ref.getDenominator()
        if ref.isSetId():
            constant = ref.getConstant() if self.level >= 3 else False
            self._add(NamedValue(ref.getId(), "stoichiometry", value, constant))
            return species, sign, self.math.graph.symbol(ref.getId())
        return species, sign, self.math.graph.const(value)

    def _rules(self) -> None:
        for k, rule in enumerate(self.model.getListOfRules()):
            if rule.getMath() is None:
                continue
            if rule.isAlgebraic():
                self.out.algebraic.append(self._formula(rule.getMath(), f"algebraicRule {k + 1}"))
                continue
            name = rule.getVariable()
            kind = "rateRule" if rule.isRate() else "assignmentRule"
            self._check_variable(name, f"{kind} {name}")
            if name in self.out.assigned or name in self.out.rated:
                raise InputError(Problem(f"{self.where}: {kind} {name}", name, "has more than one rule"))
            target = self.out.rated if rule.isRate() else self.out.assigned
            target[name] = self._formula(rule.getMath(), f"{kind} {name}")

    def _initial_assignments(self) -> None:
        for one in self.model.getListOfInitialAssignments():
            if one.getMath() is None:
                continue
            name = one.getSymbol()
            element = f"initialAssignment {name}"
            if name in self.out.assigned:
                raise InputError(Problem(f"{self.where}: {element}", name, "has an assignment rule already"))
            if name in self.out.initially:
                raise InputError(Problem(f"{self.where}: {element}", name, "has more than one initial assignment"))
            self._check_variable(name, element, may_be_constant=True)
            self.out.initially[name] = self._formula(one.getMath(), element)

    def _check_variable(self, name: str, element: str, may_be_constant: bool = False) -> None:
        quantity = self.out.quantities.get(name)
        if quantity is None or "." in name or MARK in name:
            rule = "must name a parameter, compartment, species or stoichiometry of the model"
            raise InputError(Problem(f"{self.where}: {element}", name, rule))
        if quantity.constant and not may_be_constant:
            raise InputError(Problem(f"{self.where}: {element}", name, "is declared constant"))

    def _events(self) -> None:
        for k, one in enumerate(self.model.getListOfEvents()):
            name = one.getId() or f"event{k + 1}"
            element = f"event {name}"
            trigger = one.getTrigger()
            if trigger is None or trigger.getMath() is None:
                continue
            assignments = []
            for assignment in one.getListOfEventAssignments():
                variable = assignment.getVariable()
                self._check_variable(variable, element)
                if variable in self.out.assigned:
                    raise InputError(Problem(f"{self.where}: {element}", variable, "has an assignment rule"))
                if assignment.getMath() is not None:
                    assignments.append((variable, self._formula(assignment.getMath(), f"{element} ({variable})")))
            self.out.events.append(
                RawEvent(
                    name, self._formula(trigger.getMath(), f"trigger of {element}"), tuple(assignments),
                    self._optional(one.getDelay(), f"delay of {element}"),
                    self._optional(one.getPriority() if self.level >= 3 else None, f"priority of {element}"),
                    trigger.getInitialValue() if self.level >= 3 else True,
                    trigger.getPersistent() if self.level >= 3 else True,
                    one.getUseValuesFromTriggerTime(),
                )
            )  # fmt: skip

    def _optional(self, holder: Any, element: str) -> Node | None:
        if holder is None or holder.getMath() is None:
            return None
        return self._formula(holder.getMath(), element)
