"""Exact intervals of a share, for figures that were published without one.

They are computed here and never mixed with published intervals: an `Outcome` keeps what was printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.special import betaincinv, ndtri

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
    >>> from engager.evidence import exact_interval
    >>> low, high = exact_interval(119, 271)
    >>> round(low, 3), round(high, 3)
    (0.379, 0.5)
    """
    if not 0 <= events <= n or n < 1:
        raise ValueError(f"events must be in 0 to n and n >= 1, got {events} of {n}")
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, tail))
    high = 1.0 if events == n else float(betaincinv(events + 1, n - events, 1 - tail))
    return low, high


def exact_interval_of(outcome: Outcome, level: float = 0.95) -> tuple[float, float] | None:
    """The exact interval of a published count, or None when the outcome has no events and n."""
    if outcome.events is None or not outcome.n:
        return None
    return exact_interval(outcome.events, outcome.n, level)


def standard_error_from_interval(low: float, high: float, level: float = 0.95) -> float:
    """The standard error behind a symmetric normal interval (give logs for a ratio)."""
    return (high - low) / (2 * float(ndtri(0.5 + level / 2)))
