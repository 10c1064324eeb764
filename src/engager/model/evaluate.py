"""Values of a system's formulas for many patients at once, with numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    **{
        name: getattr(np, numpy_name)
        for name, numpy_name in {
            "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
            "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh",
            "atanh": "arctanh",
        }.items()
    },
}  # fmt: skip


def evaluate_nodes(graph: Graph, roots: Sequence[Node], values: Mapping[str, Any]) -> list[FloatArray]:
    """Arrays of `roots` given an array (or number) for every symbol they need.

    Raises
    ------
    KeyError
        When a needed symbol has no value.
    """
    result: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for node in graph.order(tuple(roots)):
            entry = graph.entries[node]
            if entry.op == "const":
                result[node] = np.float64(str(entry.value))
            elif entry.op == "symbol":
                result[node] = np.asarray(values[str(entry.value)], dtype=np.float64)
            elif entry.op == "factorial":
                result[node] = np.vectorize(_factorial, otypes=[float])(result[entry.args[0]])
            else:
                result[node] = _NUMPY[entry.op](*[result[arg] for arg in entry.args])
    return [np.asarray(result[root], dtype=np.float64) for root in roots]


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
) -> FloatArray:
    """How fast named states change: array (patient, name) [unit of the state per time]; arguments as above."""
    roots = [system.rates[system.index(name)] for name in names]
    found = evaluate_nodes(system.graph, roots, _values(system, roots, states, parameters, inputs, time))
    return np.stack([np.broadcast_to(array, states.shape[:-1]) for array in found], axis=-1)


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
    graph = system.graph
    for entry in (graph.entries[node] for node in graph.order(tuple(roots))):
        name = str(entry.value)
        if entry.op != "symbol":
            continue
        if name in system.states:
            values[name] = of(states, system.states.index(name))
        elif name in system.parameters:
            column = of(parameters, system.parameters.index(name))
            values[name] = column.reshape(column.shape + extra_axes)
        elif name in system.inputs and inputs is not None:
            column = of(inputs, system.inputs.index(name))
            values[name] = column.reshape(column.shape + extra_axes)
        elif name in system.inputs:
            values[name] = system.defaults.get(name, 0.0)
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
