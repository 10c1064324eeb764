"""How sharp predictions are: the width of a prediction interval beside that of the published one."""

from __future__ import annotations

import math

from engager.analysis import SCALE_BY_STATISTIC, exact_interval
from engager.calibration.comparison.compare import Comparison, published_interval

_Z = 1.959964
# Events behind a median printed without an interval: about half of the patients by then. An exponential median
# then has this log standard error; only the order of magnitude matters for a width.
_EVENTS_AT_MEDIAN = 0.5


def likely_interval(comparison: Comparison) -> tuple[float, float] | None:
    """The published 95 % interval: printed, else from n; None when neither is known.

    Notes
    -----
    From n: exact limits for shares and for survival at a landmark (no censoring before it assumed), an
    exponential median otherwise. A bound that was printed as not reached leaves no width.
    """
    low, high = published_interval(comparison)
    if low is not None and high is not None:
        return low, high
    if low is not None or high is not None or comparison.n is None:
        return None
    n, value = comparison.n, comparison.published
    if comparison.statistic in ("survival_at", "cumulative_at"):
        limits = exact_interval(round(value * n), n)
        return float(limits.low), float(limits.high)
    if comparison.statistic == "median":
        factor = math.exp(_Z / math.sqrt(_EVENTS_AT_MEDIAN * n))
        return value / factor, value * factor
    return None


def width_ratio(comparison: Comparison) -> float | None:
    """Width of the prediction interval over that of the published one.

    Returns
    -------
    Shares are compared as they are, times and ratios on the log scale. inf: the prediction has no upper end;
    None: no published width is known, or nothing could be estimated.
    """
    published = likely_interval(comparison)
    if published is None or comparison.low is None or comparison.is_inside is None:
        return None
    width = _width(*published, comparison.statistic)
    if not width:
        return None
    if comparison.high is None:
        return math.inf
    simulated = _width(comparison.low, comparison.high, comparison.statistic)
    return None if simulated is None else simulated / width


def _width(low: float, high: float, statistic: str) -> float | None:
    if SCALE_BY_STATISTIC.get(statistic) != "log":
        return high - low
    return math.log(high / low) if low > 0 else None
