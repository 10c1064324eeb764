"""What counts as nothing: the absolute part of a step's tolerance where the caller gives none; for every backend.

The error of a step in a state is held below ``rtol`` times the state, plus ``rtol`` times `OF_PEAK` times the largest
size that the state has had so far in that patient, plus ``rtol`` times `absolute_floor`, which matters while a state
was never anything but 0.
"""

from __future__ import annotations

import math
import weakref

import numpy as np

from engager.core import FloatArray
from engager.engine.problem import Action, OdeProblem
from engager.model import System

#: One cell beside 1e12 at the usual ``rtol`` of 1e-6.
OF_PEAK = 1e-6
#: The floor of models in everyday units.
_FLOOR = 1e-15
#: A model that holds a number below this, other than 0, is in small units (mol in a cell: 1e-21).
_SMALL = 1e-12
_SMALLEST_FLOOR = 1e-100

_known: dict[int, tuple[weakref.ref[System], float]] = {}


def absolute_floor(system: System) -> float:
    """Share of ``rtol`` that is nothing for a state that was always 0 [the state's unit].

    1e-15, or 1e-15 times the smallest number in the model (its parameters, its states at the start) where that is
    below 1e-12.
    """
    found = _known.get(id(system))
    if found is None or found[0]() is not system:
        _known[id(system)] = found = weakref.ref(system), _floor(system)
        weakref.finalize(system, _known.pop, id(system), None)
    return found[1]


def floors(problem: OdeProblem) -> FloatArray:
    """`absolute_floor` of each patient, array (patient,); lower for one with a dose below 1e-12, or with such a start.

    Each looks at the model and at the patient's own numbers only, which therefore do not depend on company.
    """
    n = problem.parameters.shape[0]
    smallest = np.full(n, np.inf)
    own = problem.schedule
    if own is not None and own.value.size:
        sizes = np.abs(own.value)
        counts = np.flatnonzero((own.action <= Action.SET_STATE) & (sizes > 0) & (sizes < _SMALL))
        patient = np.searchsorted(own.offsets, counts, side="right") - 1
        np.minimum.at(smallest, patient, sizes[counts])
    if problem.initial is not None and problem.initial.size:
        largest = np.nanmax(np.abs(problem.initial), axis=1, initial=0.0)
        smallest = np.where((largest > 0) & (largest < _SMALL), np.minimum(smallest, largest), smallest)
    usual = absolute_floor(problem.system)
    # in whole decades, so that patients who differ little are solved together
    with np.errstate(over="ignore"):
        small = np.maximum(_FLOOR * 10.0 ** np.floor(np.log10(np.minimum(smallest, 1.0))), _SMALLEST_FLOOR)
    return np.where(smallest < _SMALL, np.minimum(small, usual), usual)


def floor_of_all(problem: OdeProblem) -> float:
    """The floor of an ensemble whose patients have the same."""
    each = floors(problem)
    return float(each[0]) if each.size else absolute_floor(problem.system)


def _floor(system: System) -> float:
    values = {name: system.defaults.get(name, math.nan) for name in (*system.parameters, *system.inputs)}
    sizes = [abs(one) for one in [*values.values(), *system.graph.evaluate(system.initial, {"time": 0.0, **values})]]
    smallest = min((one for one in sizes if 0.0 < one < math.inf), default=1.0)
    return _FLOOR if smallest >= _SMALL else max(_FLOOR * smallest, _SMALLEST_FLOOR)
