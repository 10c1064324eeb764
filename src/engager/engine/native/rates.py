"""A model's compiled right side and Jacobian for one patient, for use with other integrators."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

from engager.core import FloatArray
from engager.engine.lowering.layout import lane_arrays
from engager.engine.lowering.tableau import RODAS5P
from engager.engine.native.backend import lay_out, refuse_events
from engager.engine.native.compiler import compile_system
from engager.engine.native.steps import PARTS
from engager.engine.problem import OdeProblem
from engager.model import System

_RATES, _SLOPES = PARTS.index("rates"), PARTS.index("slopes")


@dataclass(frozen=True)
class RatesPointer:
    """How other compiled code calls the right side: ``function(block address, 0, part, 1)``, all 64-bit integers.

    Attributes
    ----------
    function : address of the code; valid while its `CompiledRates` lives.
    part : what the code is asked for.
    block : array (number,); one patient's working memory, shared with its `CompiledRates`.
    time, state, rates, inputs : where in `block` each begins; time and state are read, rates are written.
    """

    function: int
    part: int
    block: FloatArray
    time: int
    state: int
    rates: int
    inputs: int


class CompiledRates:
    """Rates and Jacobian of one patient at a time.

    Call `begin` first. `rates` and `jacobian` write into the array they are given and return nothing.
    """

    def __init__(self, system: System):
        refuse_events(system)
        self.system = system
        self.compiled = compile_system(system, RODAS5P, width=1)
        kernel = self.compiled.kernel
        offsets, total = lane_arrays(kernel.sizes, 1)
        self._block = np.zeros(total)
        self._at = self._block.ctypes.data
        n = len(system.states)
        self._offsets = offsets
        self._views = {name: self._block[start:] for name, start in offsets.items()}
        self._state, self._rates = self._views["Y"][:n], self._views["F"][:n]
        self._start = self._views["X"][:n]
        self._entries = kernel.entries

    def begin(self, parameters: FloatArray, inputs: FloatArray) -> FloatArray:
        """Takes one patient's parameters and inputs; returns the states at the start, array (state,)."""
        instant = OdeProblem(self.system, parameters[None, :], np.zeros(1), inputs=inputs[None, :])
        laid = lay_out(instant, 1e-6, None, 1)
        context = laid.context()
        self.compiled.drive(self._at, context.ctypes.data)
        found: FloatArray = laid.result.values[0, 0]
        return found

    def set_inputs(self, inputs: FloatArray) -> None:
        """New values of the inputs from now on."""
        self._views["U"][: len(inputs)] = inputs

    def pointer(self) -> RatesPointer:
        """The right side for callers that are compiled themselves; call `begin` for each patient as ever."""
        function = ctypes.cast(self.compiled.repeat, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
        at = self._offsets
        return RatesPointer(function, _RATES, self._block, at["TS"], at["Y"], at["F"], at["U"])

    def rates(self, time: float, state: FloatArray, out: FloatArray) -> None:
        """out[i] = d state[i] / d time."""
        self._state[:] = state
        self._views["TS"][0] = time
        self.compiled.repeat(self._at, 0, _RATES, 1)
        out[:] = self._rates

    def jacobian(self, time: float, state: FloatArray, out: FloatArray) -> None:
        """out[i, j] = d rate[i] / d state[j], dense."""
        self._start[:] = state
        self._views["TS"][0] = time
        self.compiled.repeat(self._at, 0, _SLOPES, 1)
        out[:] = 0.0
        for row, column, kind, where in self._entries:
            out[row, column] = where if kind == "const" else self._views[kind][int(where)]
