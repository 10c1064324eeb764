"""Where a driver's functions find things: the workspace's arrays, a lane's element of one, the context's pointers.

In: sizes of a model, method and width. Out: a base for what writes functions in LLVM IR. Not here: any of them.
"""

from __future__ import annotations

import math

from engager.engine.lowering.layout import SLOT, Sizes, lane_arrays
from engager.engine.lowering.printer import vector_type
from engager.engine.lowering.tableau import Tableau
from engager.engine.native.ir import Function, Value


class Frame:
    """Addresses of one model, method and width.

    Parameters
    ----------
    over_time : stages whose rates depend on time itself.
    workspace : type of a pointer to the workspace.
    """

    def __init__(self, sizes: Sizes, tableau: Tableau, width: int, over_time: tuple[int, ...], workspace: str = "ptr"):
        self.sizes, self.tableau, self.width, self.workspace = sizes, tableau, width, workspace
        self.over_time = over_time
        self.offset, self.total = lane_arrays(sizes, width)
        self.vector, self.whole = vector_type("double", width), vector_type("i64", width)

    def _begin(self, name: str, *more: str, result: str = "void", exported: bool = False) -> Function:
        return Function(
            name, ["ws", "ctx", *more], integers=more, result=result, exported=exported, workspace=self.workspace
        )

    def _context(self, f: Function, name: str, kind: str = "ptr") -> Value:
        return f.load(kind, f.at(f.argument("ctx"), SLOT[name]))

    def _is_given(self, f: Function, name: str) -> Value:
        """Whether the context has an array of this name."""
        return f.op(f"icmp ne ptr {self._context(f, name).name}, null", "i1")

    def _place(self, f: Function, array: str, i: Value | int, lane: Value | int) -> Value:
        start = f.whole(self.offset[array])
        i = i if isinstance(i, Value) else f.whole(i)
        return f.at(f.argument("ws"), start + i * self.width + lane)

    def _get(self, f: Function, array: str, lane: Value, i: Value | int = 0, kind: str = "double") -> Value:
        return f.load(kind, self._place(f, array, i, lane))

    def _put(self, f: Function, array: str, lane: Value, value: Value | float, i: Value | int = 0) -> None:
        value = value if isinstance(value, Value) else f.real(value)
        f.store(value, self._place(f, array, i, lane))

    def _all(self, f: Function, array: str, i: Value | int = 0, whole: bool = False) -> Value:
        """One element in all lanes."""
        return f.load(self.whole if whole else self.vector, self._place(f, array, i, 0))

    def _put_all(self, f: Function, array: str, value: Value, i: Value | int = 0) -> None:
        f.store(value, self._place(f, array, i, 0))

    def _any(self, f: Function, mask: Value) -> Value:
        if self.width == 1:
            return mask
        return f.op(f"bitcast {mask.kind} {mask.name} to i{self.width}", f"i{self.width}").differs(0)

    def _times(self, f: Function, patient: Value) -> Value:
        """Address of a patient's save times."""
        return f.at(self._context(f, "save_times"), patient * self._context(f, "time_stride", "i64"))

    def _time_at(self, f: Function, times: Value, index: Value, n: Value) -> Value:
        """times[index], infinite from n on."""
        found = f.variable("double", math.inf)
        with f.when(index < n):
            found.set(f.load("double", f.at(times, index)))
        return found.get()
