"""Exact intervals of a share, for figures that were published without one.

They are computed here and never mixed with published intervals: an `Outcome` keeps what was printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtri

from engager.core import FloatArray

if TYPE_CHECKING:
    from engager.evidence.records.outcome import Outcome


def exact_interval(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of a share.

    Parameters
    ----------
    events, n : counts, 0 <= events <= n, n >= 1.
    level : coverage, in (0, 1); it is at least this for every true share.

    Returns
    -------
    low, high : fractions; low is 0 when nobody, high is 1 when everybody had the event.

    References
    ----------
    Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> from engager.evidence.records.intervals import exact_interval
    >>> low, high = exact_interval(119, 271)
    >>> round(low, 3), round(high, 3)
    (0.379, 0.5)
    """
    if not 0 <= events <= n or n < 1:
        raise ValueError(f"events must be in 0 to n and n >= 1, got {events} of {n}")
    low, high = exact_limits(np.array(events, dtype=float), np.array(n, dtype=float), level)
    return float(low), float(high)


def exact_limits(events: FloatArray, n: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """`exact_interval` of many shares at once.

    Parameters
    ----------
    events, n : arrays of one shape, counts, 0 <= events <= n, n >= 1.

    Returns
    -------
    low, high : arrays of that shape, fractions.
    """
    tail = (1.0 - level) / 2.0
    low = np.where(events > 0, betaincinv(np.maximum(events, 1.0), n - events + 1.0, tail), 0.0)
    high = np.where(events < n, betaincinv(events + 1.0, np.maximum(n - events, 1.0), 1.0 - tail), 1.0)
    return low, high


def exact_interval_of(outcome: Outcome, level: float = 0.95) -> tuple[float, float] | None:
    """The exact interval of a published count, or None when the outcome has no events and n."""
    if outcome.events is None or not outcome.n:
        return None
    return exact_interval(outcome.events, outcome.n, level)


def standard_error_from_interval(low: float, high: float, level: float = 0.95) -> float:
    """The standard error behind a symmetric normal interval (give logs for a ratio)."""
    return (high - low) / (2 * float(ndtri(0.5 + level / 2)))
