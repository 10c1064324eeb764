"""A published survival curve beside simulated ones, judged at its printed points together.

In: a curve target and, for each of its printed points, the survival of every simulated trial. Out: where they
differ most, with an interval there. A band is laid about the middle of the simulated trials such that 95 % of them
lie within it at all printed points at once, and the published curve is inside when it does too. No guess is needed
of how the curve runs between printed points, as a restricted mean would need. The point shown is the one where the
published curve is farthest out, so the figure lies within the interval shown exactly when the curve is inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engager.analysis import EndpointRequest, prediction_interval
from engager.core import FEWEST_FOR_A_VERDICT, FloatArray

if TYPE_CHECKING:
    from engager.evidence import CurveInformation
    from engager.protocol import Protocol, Target


_LEVEL = 0.95
_Z = 1.959964
_HALF_EVENT = 0.5
# With fewer trials the others have no spread to measure a trial by.
_FEWEST = 4
# As for other figures: sizes closer than this are taken as the same.
_SAME_SIZE = 0.1


@dataclass(frozen=True)
class FarthestPoint:
    """The printed point at which a published curve lies farthest from the simulated ones.

    Attributes
    ----------
    index : of the point among the curve's. median : of the simulated survival there.
    low, high : of the band there, which holds whole simulated curves with probability `coverage`.
    is_inside : whether the published curve lies in the band at every printed point; None: nothing to judge.
    """

    index: int
    median: float
    low: float
    high: float
    coverage: float
    is_inside: bool | None


def watched_curve(target: Target, protocol: Protocol) -> CurveInformation:
    """The printed points of a curve target that lie within the study's follow-up; at least the first."""
    curve = target.curve
    return curve.until(max(protocol.follow_up.months, float(curve.time_months[0])))


def curve_requests(asked: EndpointRequest, curve: CurveInformation) -> list[EndpointRequest]:
    """Survival at each printed point, by the definitions of `asked`."""
    return [replace(asked, statistic="survival_at", time_months=float(month)) for month in curve.time_months]


def farthest_point(curve: CurveInformation, survival: FloatArray, n: Sequence[float] | FloatArray) -> FarthestPoint:
    """Judge a published curve against simulated ones.

    Parameters
    ----------
    survival : array (replicate, point), NaN where a trial watched nobody that long; such trials are left out.
    n : array (replicate,), patients of each simulated trial; where the published n differs by more than a
        tenth the scatter is multiplied by sqrt(n / published n), as for any other figure.

    Notes
    -----
    Distances are taken on log(-log S), each trial's from the mean of the others in their standard deviations. With
    R replicates the k-th smallest of their largest distances is exceeded by a new trial with probability
    1 - k/(R + 1). No interval is narrower than one of n patients without loss to follow-up.
    """
    sizes = np.asarray(n, dtype=float)
    known = np.isfinite(survival).all(axis=1)
    survival, sizes = survival[known], sizes[known]
    n_trials = survival.shape[0]
    if n_trials < _FEWEST:
        return FarthestPoint(0, np.nan, np.nan, np.nan, 0.0, None)
    scaled = _log_minus_log(survival, sizes[:, None])
    middle = scaled.mean(axis=0)
    spread = np.maximum(np.std(scaled, axis=0, ddof=1), 1e-9)
    found = prediction_interval(_distances(scaled, middle, spread).max(axis=1), level=2 * _LEVEL - 1)
    ratio = float(np.median(sizes)) / curve.n
    stretch = np.sqrt(ratio) if abs(ratio - 1) > _SAME_SIZE else 1.0
    reach = np.maximum(found.high * stretch * spread, _Z * _least_spread(middle, curve.n))
    away = np.abs(_log_minus_log(curve.survival, curve.n) - middle) / reach
    index = int(np.argmax(away))
    with np.errstate(over="ignore"):  # a band wide enough ends at a survival of 0
        ends = np.exp(-np.exp(middle[index] + reach[index] * np.array([1.0, -1.0])))
    median = float(np.median(survival[:, index]))
    return FarthestPoint(
        index=index,
        median=median,
        low=min(float(ends[0]), median),
        high=max(float(ends[1]), median),
        coverage=min(_LEVEL, n_trials / (n_trials + 1)),
        is_inside=bool(away[index] <= 1.0) if n_trials >= FEWEST_FOR_A_VERDICT else None,
    )


def _distances(scaled: FloatArray, middle: FloatArray, spread: FloatArray) -> FloatArray:
    """Distance of each trial from the mean of the others in their standard deviations, array (replicate, point).

    Measured against a mean and a spread it is part of, a trial would look nearer than a new one is.
    """
    n = scaled.shape[0]
    own = (scaled - middle) / spread
    others = np.sqrt(np.maximum((n - 1 - own**2 * n / (n - 1)) / (n - 2), 1e-12))
    return np.asarray(np.abs(own) * n / (n - 1) / others)


def _least_spread(middle: FloatArray, n: float) -> FloatArray:
    """The scatter that n patients have even without loss to follow-up; few replicates may show none at all."""
    survival = np.exp(-np.exp(middle))
    return np.asarray(np.sqrt((1 - survival) / (n * survival)) / -np.log(survival))


def _log_minus_log(survival: FloatArray, n: FloatArray | float) -> FloatArray:
    """log(-log S), half an event on either side so that nobody and everybody have one."""
    return np.asarray(np.log(-np.log((survival * n + _HALF_EVENT) / (n + 2 * _HALF_EVENT))))
