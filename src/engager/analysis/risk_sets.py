"""Who was at risk when somebody had the event, for many trials at once.

In: times and events of shape (replicate, patient). Out: the same, sorted in time within each stratum, with
for every position the number at risk and the number of events at that instant. All estimators stand on it.

Sorting puts events before censorings at equal times: a patient censored on day 30 was at risk on day 30.
Times are compared exactly; round them first if they come from floating-point arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engager.core import BoolArray, FloatArray, InputError, IntArray, Problem


@dataclass(frozen=True)
class RiskSets:
    """Patients of each replicate in order of stratum, then time; left-out patients come last.

    Attributes
    ----------
    time : array (replicate, position) [as given]; inf for those left out.
    event : array (replicate, position) of bool.
    member : array (replicate, position) of bool, False for those left out.
    marked : array (replicate, position) of bool: in the marked group (e.g. the treated arm).
    first, last : array (replicate, position): first and last position of the same stratum and time.
    end : array (replicate, position): the position after the last of the same stratum.
    """

    time: FloatArray
    event: BoolArray
    member: BoolArray
    marked: BoolArray
    first: IntArray
    last: IntArray
    end: IntArray

    @property
    def at_risk(self) -> IntArray:
        """Array (replicate, position): patients of the stratum at risk at that time."""
        return self.end - self.first

    @property
    def n_events(self) -> IntArray:
        """Array (replicate, position): events of the stratum at exactly that time."""
        return self._between(self.event, self.first, self.last + 1)

    @property
    def marked_at_risk(self) -> IntArray:
        """Array (replicate, position): marked patients among those at risk."""
        return self._between(self.marked, self.first, self.end)

    @property
    def marked_events(self) -> IntArray:
        """Array (replicate, position): events among marked patients at exactly that time."""
        return self._between(self.event & self.marked, self.first, self.last + 1)

    @staticmethod
    def _between(what: BoolArray, start: IntArray, stop: IntArray) -> IntArray:
        """How many are true from `start` up to, not including, `stop`."""
        total = np.zeros((what.shape[0], what.shape[1] + 1), dtype=np.int64)
        np.cumsum(what, axis=1, out=total[:, 1:])
        found: IntArray = np.take_along_axis(total, stop, axis=1) - np.take_along_axis(total, start, axis=1)
        return found


def risk_sets(
    time: ArrayLike,
    event: ArrayLike,
    marked: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    include: ArrayLike | None = None,
) -> RiskSets:
    """Sort patients into risk sets.

    Parameters
    ----------
    time : array (..., patient), >= 0 and finite where included.
    event : array (..., patient) of bool; False is censored.
    marked : array (..., patient) of bool, or None.
    stratum : array (..., patient) of int, or None for one stratum.
    include : array (..., patient) of bool; False leaves a patient out (padding, failed, another arm).

    Raises
    ------
    InputError
        When a time of an included patient is negative or not a number, or shapes differ.
    """
    times = np.asarray(time, dtype=np.float64)
    if times.ndim == 0:
        raise InputError(Problem("time", time, "must hold one value per patient"))
    shape = times.shape
    rows = (int(np.prod(shape[:-1])), shape[-1])
    inside = _shaped(include, shape, True, "include").reshape(rows).astype(bool)
    happened = _shaped(event, shape, False, "event").reshape(rows).astype(bool) & inside
    treated = _shaped(marked, shape, False, "marked").reshape(rows).astype(bool) & inside
    layer = _shaped(stratum, shape, 0, "stratum").reshape(rows)
    times = times.reshape(rows)
    wrong = inside & ~((times >= 0) & np.isfinite(times))
    if wrong.any():
        rule = f"must be 0 or later and finite ({int(wrong.sum())} are not)"
        raise InputError(Problem("time", float(times[wrong][0]), rule, "Leave such patients out."))
    times = np.where(inside, times, np.inf)
    order = _order(times, happened, layer, inside, stratum is not None)
    return _ranked(*(np.take_along_axis(a, order, axis=1) for a in (times, happened, inside, treated, layer)))


def _order(times: FloatArray, event: BoolArray, layer: NDArray[Any], inside: BoolArray, has_strata: bool) -> IntArray:
    if has_strata:
        return np.lexsort((~event, times, layer, ~inside), axis=1)
    return np.lexsort((~event, times), axis=1)


def _ranked(time: FloatArray, event: BoolArray, member: BoolArray, marked: BoolArray, layer: NDArray[Any]) -> RiskSets:
    n_rows, n = time.shape
    position = np.broadcast_to(np.arange(n, dtype=np.int64), (n_rows, n))
    if n == 0:
        return RiskSets(time, event, member, marked, position, position, position)
    new_layer = np.ones((n_rows, n), dtype=bool)
    new_layer[:, 1:] = (member[:, 1:] != member[:, :-1]) | (member[:, 1:] & (layer[:, 1:] != layer[:, :-1]))
    new_time = new_layer.copy()
    new_time[:, 1:] |= time[:, 1:] != time[:, :-1]
    first = np.maximum.accumulate(np.where(new_time, position, 0), axis=1)
    return RiskSets(time, event, member, marked, first, _next_start(new_time) - 1, _next_start(new_layer))


def _next_start(is_start: BoolArray) -> IntArray:
    """For each position, the first later position that starts a run (or the length)."""
    n_rows, n = is_start.shape
    later = np.full((n_rows, n), n, dtype=np.int64)
    later[:, :-1] = np.where(is_start[:, 1:], np.arange(1, n, dtype=np.int64), n)
    return np.minimum.accumulate(later[:, ::-1], axis=1)[:, ::-1]


def _shaped(given: ArrayLike | None, shape: tuple[int, ...], default: object, name: str) -> NDArray[Any]:
    if given is None:
        return np.full(shape, default)
    array = np.asarray(given)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise InputError(Problem(name, array.shape, f"must have the shape of time, {shape}")) from None
