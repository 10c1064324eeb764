"""A model as the engine sees it: ordinary differential equations over named quantities.

A `System` is what remains of an SBML or Antimony file once reactions, species, compartments, rules and
functions have been turned into one formula per state. It knows nothing of doses, patients or files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from engager.model.expression import Graph, Node

TIME = "time"


@dataclass(frozen=True)
class Event:
    """An SBML event, every formula a node of the system's graph.

    `assignments` pairs a variable (a state, or a parameter that events may change) with its new value.
    Formulas may use states, parameters, inputs and ``time``. Where `factors` gives a node for an
    assignment, its value is multiplied by that node as it stands when the event executes, before any of
    its assignments: a concentration becomes an amount by the size the compartment had until then.
    """

    id: str
    trigger: Node
    assignments: tuple[tuple[str, Node], ...]
    delay: Node | None = None
    priority: Node | None = None
    initial_value: bool = True
    persistent: bool = True
    use_values_from_trigger_time: bool = True
    factors: tuple[Node | None, ...] = ()


@dataclass(frozen=True)
class System:
    """Equations dx/dt = rates(x, parameters, inputs, time).

    Attributes
    ----------
    id : the model's id.
    graph : the store that all nodes below live in.
    states : names, in the order of the state vector.
    parameters : names of quantities constant in time, one value per patient.
    inputs : names of quantities that are constant between the actions of a schedule (dose rates,
        switches, covariates that change); a subset of what the file calls parameters.
    rates : one node per state, over states, parameters, inputs and ``time``.
    initial : one node per state, over parameters and inputs.
    outputs : named formulas worth reporting (assignment rules, concentrations), over all of these.
    defaults : value of each parameter and input in the file.
    units : unit text of states, parameters and outputs where the file gives one.
    events : discontinuous changes; the fast engine refuses them by name, the reference engine runs them.
    changed_by_events : parameters that an event may assign.
    """

    id: str
    graph: Graph
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    rates: tuple[Node, ...]
    initial: tuple[Node, ...]
    inputs: tuple[str, ...] = ()
    outputs: dict[str, Node] = field(default_factory=dict)
    defaults: dict[str, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    changed_by_events: frozenset[str] = frozenset()

    def index(self, state: str) -> int:
        """Place of `state` in the state vector; KeyError when there is no such state."""
        kind, place = self.place_of(state)
        if kind != "state":
            raise KeyError(state)
        return place

    def place_of(self, name: str) -> tuple[str, int]:
        """Whether a name is a ``state``, ``parameter`` or ``input``, and its place there; else ``("", -1)``."""
        return self._places.get(name, ("", -1))

    @cached_property
    def _places(self) -> dict[str, tuple[str, int]]:
        kinds = (("input", self.inputs), ("parameter", self.parameters), ("state", self.states))
        return {name: (kind, k) for kind, names in kinds for k, name in reversed(list(enumerate(names)))}
