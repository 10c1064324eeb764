"""Shares of patients: exact intervals, the difference of two shares, and the ratio of their odds.

In: counts, any shape. Out: `Limits` of the same shape; fractions, not percent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from engager.analysis.survival import Limits, normal_quantile
from engager.core import BoolArray, FloatArray, InputError, Problem

# Bisection halves an interval of length 2 at most; 60 halvings reach the last bit.
_HALVINGS = 60


def exact_interval(events: ArrayLike, n: ArrayLike, level: float = 0.95) -> Limits:
    """Share with the exact (Clopper-Pearson) interval.

    Parameters
    ----------
    events, n : counts, 0 <= events <= n; where n is 0 all three results are NaN.

    References
    ----------
    Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404. R: ``binom.test(events, n)$conf.int``.
    """
    from engager.evidence import exact_limits

    x, total = _counts(events, n, "events")
    known = total > 0
    size = np.where(known, total, 1.0)
    low, high = exact_limits(x, size, level)
    return Limits(*(np.where(known, part, np.nan)[()] for part in (x / size, low, high)))


def risk_difference(
    events: ArrayLike,
    n: ArrayLike,
    control_events: ArrayLike,
    control_n: ArrayLike,
    method: str = "miettinen_nurminen",
    level: float = 0.95,
) -> Limits:
    """Share in the treated minus share in the control group.

    Parameters
    ----------
    events, n, control_events, control_n : counts, any shapes that broadcast; NaN where a group is empty.
    method : ``miettinen_nurminen`` (score interval) or ``newcombe`` (from two Wilson intervals).

    References
    ----------
    Miettinen & Nurminen 1985, doi:10.1002/sim.4780040211; Newcombe 1998 (method 10),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    methods = {"miettinen_nurminen": _miettinen_nurminen, "newcombe": _newcombe}
    if method not in methods:
        raise InputError(Problem("method", method, f"must be one of {', '.join(methods)}"))
    x1, n1 = _counts(events, n, "events")
    x0, n0 = _counts(control_events, control_n, "control_events")
    x1, n1, x0, n0 = (np.asarray(a, dtype=float) for a in np.broadcast_arrays(x1, n1, x0, n0))
    known = (n1 > 0) & (n0 > 0)
    n1, n0 = np.where(known, n1, 1.0), np.where(known, n0, 1.0)
    low, high = methods[method](x1, n1, x0, n0, normal_quantile(level))
    return Limits(*(np.where(known, part, np.nan)[()] for part in (x1 / n1 - x0 / n0, low, high)))


def odds_ratio(
    events: ArrayLike, n: ArrayLike, control_events: ArrayLike, control_n: ArrayLike, level: float = 0.95
) -> Limits:
    """Odds in the treated over odds in the control group, with Woolf's interval.

    Parameters
    ----------
    events, n, control_events, control_n : counts, any shapes that broadcast; NaN where a group is empty.

    Notes
    -----
    Where one of the four counts is 0, a half is added to each, so that the ratio stays finite.

    References
    ----------
    Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x; Haldane 1956, doi:10.1111/j.1469-1809.1956.tb01285.x.
    """
    x1, n1 = _counts(events, n, "events")
    x0, n0 = _counts(control_events, control_n, "control_events")
    known = (n1 > 0) & (n0 > 0)
    cells = np.stack(np.broadcast_arrays(x1, n1 - x1, x0, n0 - x0))
    cells = np.where((cells == 0).any(axis=0), cells + 0.5, cells)
    middle = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
    half = normal_quantile(level) * np.sqrt((1.0 / cells).sum(axis=0))
    return Limits(*(np.where(known, np.exp(part), np.nan)[()] for part in (middle, middle - half, middle + half)))


def _newcombe(
    x1: FloatArray, n1: FloatArray, x0: FloatArray, n0: FloatArray, z: float
) -> tuple[FloatArray, FloatArray]:
    p1, p0 = x1 / n1, x0 / n0
    low1, high1 = _wilson(p1, n1, z)
    low0, high0 = _wilson(p0, n0, z)
    difference = p1 - p0
    return (
        difference - np.hypot(p1 - low1, high0 - p0),
        difference + np.hypot(high1 - p1, p0 - low0),
    )


def _wilson(p: FloatArray, n: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    middle = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def _miettinen_nurminen(
    x1: FloatArray, n1: FloatArray, x0: FloatArray, n0: FloatArray, z: float
) -> tuple[FloatArray, FloatArray]:
    """Differences at which the score statistic equals -z and +z, found by bisection."""
    difference = x1 / n1 - x0 / n0

    def too_far(delta: FloatArray) -> BoolArray:
        return _score_statistic(x1, n1, x0, n0, delta) ** 2 > z**2

    inner, outer = difference.copy(), np.full_like(difference, -1.0)
    low = _boundary(too_far, inner, outer)
    return low, _boundary(too_far, difference.copy(), np.full_like(difference, 1.0))


def _boundary(too_far: Callable[[FloatArray], BoolArray], inside: FloatArray, outside: FloatArray) -> FloatArray:
    """Where `too_far` begins between a place that is not and a place that is."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        beyond = too_far(middle)
        outside = np.where(beyond, middle, outside)
        inside = np.where(beyond, inside, middle)
    return 0.5 * (inside + outside)


def _score_statistic(x1: FloatArray, n1: FloatArray, x0: FloatArray, n0: FloatArray, delta: FloatArray) -> FloatArray:
    """(p1 - p0 - delta) over its standard error at the most likely shares that differ by `delta`.

    The share of the control group solves a cubic; its root is taken in the trigonometric form given in the
    appendix of Miettinen & Nurminen. The variance carries their factor N/(N - 1).
    """
    total = n1 + n0
    l3, l2 = total, (n1 + 2 * n0) * delta - total - (x1 + x0)
    l1 = (n0 * delta - total - 2 * x0) * delta + x1 + x0
    l0 = x0 * delta * (1 - delta)
    q = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
    p = np.copysign(np.sqrt(np.maximum(l2**2 / (3 * l3) ** 2 - l1 / (3 * l3), 0.0)), q)
    cosine = np.where(p != 0, q / np.where(p != 0, p, 1.0) ** 3, 0.0)
    angle = (np.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3
    share0 = np.clip(2 * p * np.cos(angle) - l2 / (3 * l3), 0.0, 1.0)
    share1 = np.clip(share0 + delta, 0.0, 1.0)
    variance = (share1 * (1 - share1) / n1 + share0 * (1 - share0) / n0) * total / (total - 1)
    gap = x1 / n1 - x0 / n0 - delta
    exact = np.where(gap == 0, 0.0, np.copysign(np.inf, gap))
    return np.where(variance > 0, gap / np.sqrt(np.where(variance > 0, variance, 1.0)), exact)


def _counts(events: ArrayLike, n: ArrayLike, where: str) -> tuple[FloatArray, FloatArray]:
    x, total = np.broadcast_arrays(np.asarray(events, dtype=float), np.asarray(n, dtype=float))
    wrong = ~((x >= 0) & (x <= total))
    if np.any(wrong):
        first = (float(x[wrong].flat[0]), float(total[wrong].flat[0]))
        raise InputError(Problem(where, first, "must be counts with 0 <= events <= n"))
    return x, total
