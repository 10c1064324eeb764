"""Values of a system's formulas for many patients at once, with numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engager.core import FloatArray, IntArray
from engager.model.expression import Graph, Node
from engager.model.system import TIME, System

_NUMPY: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "floor": np.floor,
    "ceil": np.ceil,
    "not": lambda a: (a == 0).astype(float),
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "min": np.minimum,
    "max": np.maximum,
    "lt": lambda a, b: (a < b).astype(float),
    "le": lambda a, b: (a <= b).astype(float),
    "eq": lambda a, b: (a == b).astype(float),
    "and": lambda a, b: ((a != 0) & (b != 0)).astype(float),
    "or": lambda a, b: ((a != 0) | (b != 0)).astype(float),
    "rem": np.fmod,
    "select": lambda c, a, b: np.where(c != 0, a, b),
    "factorial": lambda a: np.vectorize(_factorial, otypes=[float])(a),
    **{
        name: getattr(np, numpy_name)
        for name, numpy_name in {
            "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
            "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh",
            "atanh": "arctanh",
        }.items()
    },
}  # fmt: skip


@dataclass(frozen=True)
class _Recipe:
    """How to work out some nodes: places of values, filled from the first to the last.

    Attributes
    ----------
    blank : a value for each place: a constant's own, else nothing yet.
    symbols : (place, name) of each symbol. steps : (place, function, places of its arguments).
    roots : places of what was asked for.
    """

    blank: tuple[Any, ...]
    symbols: tuple[tuple[int, str], ...]
    steps: tuple[tuple[int, Callable[..., Any], tuple[int, ...]], ...]
    roots: tuple[int, ...]


def _recipe(graph: Graph, roots: tuple[Node, ...]) -> _Recipe:
    """The recipe of these roots, made once: a trial asks for the same outputs at each of its visits."""
    if roots not in graph._recipes:
        graph._recipes[roots] = _make_recipe(graph, roots)
    found: _Recipe = graph._recipes[roots]
    return found


def _make_recipe(graph: Graph, roots: tuple[Node, ...]) -> _Recipe:
    order = graph.order(roots)
    place = {node: k for k, node in enumerate(order)}
    blank: list[Any] = [None] * len(order)
    symbols, steps = [], []
    for k, node in enumerate(order):
        entry = graph.entries[node]
        if entry.op == "const":
            blank[k] = np.float64(str(entry.value))
        elif entry.op == "symbol":
            symbols.append((k, str(entry.value)))
        else:
            steps.append((k, _NUMPY[entry.op], tuple(place[one] for one in entry.args)))
    return _Recipe(tuple(blank), tuple(symbols), tuple(steps), tuple(place[one] for one in roots))


def evaluate_nodes(graph: Graph, roots: Sequence[Node], values: Mapping[str, Any]) -> list[FloatArray]:
    """Arrays of `roots` given an array (or number) for every symbol they need.

    Raises
    ------
    KeyError
        When a needed symbol has no value.
    """
    recipe = _recipe(graph, tuple(roots))
    found = list(recipe.blank)
    for place, name in recipe.symbols:
        found[place] = np.asarray(values[name], dtype=np.float64)
    with np.errstate(all="ignore"):
        for place, function, arguments in recipe.steps:
            found[place] = function(*[found[one] for one in arguments])
    return [np.asarray(found[place], dtype=np.float64) for place in recipe.roots]


def evaluate_outputs(
    system: System,
    names: Sequence[str],
    states: FloatArray,
    parameters: FloatArray,
    inputs: FloatArray | None = None,
    time: float | FloatArray = 0.0,
    rows: IntArray | None = None,
) -> dict[str, FloatArray]:
    """Named states or outputs of a system.

    Parameters
    ----------
    names : states, parameters or outputs.
    states : array (patient, state), or (patient, time, state).
    parameters : array (patient, parameter).
    inputs : array (patient, input); None: the defaults of the file.
    time : number, or array that broadcasts over patients.
    rows : array (row,): whose; None: everybody's. Only what the names need is then read of these patients.

    Returns
    -------
    array (patient,) or (patient, time) per name.

    Raises
    ------
    KeyError
        When a name is neither state, parameter nor output.
    """
    roots = [system.outputs[name] if name in system.outputs else system.graph.symbol(name) for name in names]
    found = evaluate_nodes(system.graph, roots, _values(system, roots, states, parameters, inputs, time, rows))
    shape = states.shape[:-1] if rows is None else (rows.size, *states.shape[1:-1])
    return {
        name: array if array.shape == shape else np.broadcast_to(array, shape)
        for name, array in zip(names, found, strict=True)
    }


def evaluate_rates(
    system: System,
    names: Sequence[str],
    states: FloatArray,
    parameters: FloatArray,
    inputs: FloatArray | None = None,
    time: float | FloatArray = 0.0,
    rows: IntArray | None = None,
) -> FloatArray:
    """How fast named states change: array (patient, name) [unit of the state per time]; arguments as above."""
    roots = [system.rates[system.index(name)] for name in names]
    found = evaluate_nodes(system.graph, roots, _values(system, roots, states, parameters, inputs, time, rows))
    shape = states.shape[:-1] if rows is None else (rows.size, *states.shape[1:-1])
    return np.stack([np.broadcast_to(array, shape) for array in found], axis=-1)


def parameters_by_column(system: System, names: Sequence[str], parameters: FloatArray) -> FloatArray:
    """The parameters that outputs need, each in one piece: array (patient, parameter), 0 for all others.

    For outputs that are asked for again and again, each time of other patients: a row holds more than they read.
    """
    needed = system.graph.symbols([system.outputs.get(name, system.graph.symbol(name)) for name in names])
    found = np.zeros(parameters.shape, order="F")
    for place, name in enumerate(system.parameters):
        if name in needed:
            found[:, place] = parameters[:, place]
    return found


def _values(
    system: System,
    roots: Sequence[Node],
    states: FloatArray,
    parameters: FloatArray,
    inputs: FloatArray | None,
    time: float | FloatArray,
    rows: IntArray | None = None,
) -> dict[str, Any]:
    """What the symbols that `roots` need stand for."""

    def of(array: FloatArray, place: int) -> FloatArray:
        """One column; of chosen rows, no other column is copied."""
        column: FloatArray = array[..., place]
        return column if rows is None else column[rows]

    extra_axes = (1,) * (states.ndim - 2)
    values: dict[str, Any] = {TIME: time}
    for _, name in _recipe(system.graph, tuple(roots)).symbols:
        kind, place = system.place_of(name)
        if kind == "state":
            values[name] = of(states, place)
        elif kind == "input" and inputs is None:
            values[name] = system.defaults.get(name, 0.0)
        elif kind:
            column = of(inputs if inputs is not None and kind == "input" else parameters, place)
            values[name] = column.reshape(column.shape + extra_axes)
    return values


def initial_states(system: System, parameters: FloatArray, inputs: FloatArray | None = None) -> FloatArray:
    """States at the start: array (patient, state) from array (patient, parameter)."""
    values: dict[str, Any] = {TIME: 0.0}
    values |= {name: parameters[:, i] for i, name in enumerate(system.parameters)}
    for i, name in enumerate(system.inputs):
        values[name] = inputs[:, i] if inputs is not None else system.defaults.get(name, 0.0)
    found = evaluate_nodes(system.graph, system.initial, values)
    columns = [np.broadcast_to(column, parameters.shape[:1]) for column in found]
    return np.ascontiguousarray(np.stack(columns, axis=1)) if columns else np.zeros((parameters.shape[0], 0))


def _factorial(x: float) -> float:
    from engager.model.expression import fold

    value = fold("factorial", [float(x)])
    return float("nan") if value is None else value
