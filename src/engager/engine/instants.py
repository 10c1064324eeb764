"""When two times are the same instant: the one tolerance for times computed in different ways.

A dose repeated every third of a day, the end of an infusion, a comparison in a formula and a row of a table may mean
one instant and differ by a few roundings. Whoever orders times asks here.
"""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray

#: Times that differ by less than this share of their size are one instant: thousands of roundings of one sum, and a
#: ten-thousandth of a second in a year.
SAME_INSTANT = 4e-12


def is_same_instant(a: float, b: float) -> bool:
    """Whether two times mean the same instant."""
    return abs(a - b) <= SAME_INSTANT * max(abs(a), abs(b))


def distinct_instants(times: FloatArray) -> FloatArray:
    """Sorted times, one for each instant: the first of those that are the same."""
    ordered = np.unique(times)
    if ordered.size < 2:
        return ordered
    gap = np.diff(ordered)
    apart = gap > SAME_INSTANT * np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    found: FloatArray = ordered[np.concatenate([[True], apart])]
    return found


def snap(times: FloatArray, to: FloatArray) -> FloatArray:
    """`times`, each replaced by the time of sorted `to` that is the same instant, if there is one."""
    if not to.size or not times.size:
        return times
    after = np.clip(np.searchsorted(to, times), 0, to.size - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(to[after] - times) <= np.abs(to[before] - times), to[after], to[before])
    same = np.abs(nearest - times) <= SAME_INSTANT * np.maximum(np.abs(nearest), np.abs(times))
    return np.where(same, nearest, times)
