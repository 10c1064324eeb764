"""Gives a system the inputs that doses need: one rate of infusion per dosed state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engager.core import InputError, Problem, nearest
from engager.model import Graph, System

RATE_PREFIX = "rate_"


def with_infusion_inputs(system: System, states: Iterable[str]) -> System:
    """A system whose given states can be infused.

    Parameters
    ----------
    states : names of states; each gets an input ``rate_<state>`` [amount/time] added to its rate. A state
        that has this input already is left as it is.

    Raises
    ------
    InputError
        When a name is not a state, or a quantity other than an input has the input's name.
    """
    graph = Graph(list(system.graph.entries), dict(system.graph._number_of))
    rates, inputs, problems = list(system.rates), list(system.inputs), []
    taken = {*system.states, *system.parameters, *system.outputs}
    for state in dict.fromkeys(states):
        name = RATE_PREFIX + state
        if name in inputs:
            continue
        if state not in system.states:
            problems.append(Problem("states", state, "must be a state", nearest(state, system.states)))
        elif name in taken:
            problems.append(Problem("states", name, "is needed for the infusion but means something else"))
        else:
            k = system.index(state)
            rates[k] = graph.add(rates[k], graph.symbol(name))
            inputs.append(name)
    if problems:
        raise InputError(problems)
    added = {name: 0.0 for name in inputs if name not in system.inputs}
    return replace(system, graph=graph, rates=tuple(rates), inputs=tuple(inputs), defaults={**system.defaults, **added})
