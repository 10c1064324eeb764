"""Kaplan-Meier: curve, landmarks, median and follow-up, for one trial or thousands at once.

In: times and events, array (..., patient). Out: a `Curve` for one sample; arrays (...) for landmarks and
medians. Time keeps the unit it came in.

References
----------
Kaplan & Meier 1958, doi:10.2307/2281868; Greenwood 1926 (variance); Brookmeyer & Crowley 1982,
doi:10.2307/2530286 (interval of the median). Limits use the log(-log) transform, as R's
``survfit(..., conf.type = "log-log")``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engager.analysis.risk_sets import RiskSets, risk_sets
from engager.core import FloatArray, IntArray

# A survival of exactly one half must be found although it was reached by a product of fractions.
# R's quantile.survfit uses the same size, sqrt(machine epsilon).
_TOLERANCE = 1.5e-8


class Limits(NamedTuple):
    """A value with its confidence limits; each an array (...) over the leading axes, or a float."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve of one sample.

    Attributes
    ----------
    time : array (step,), distinct times of events and censorings, increasing.
    survival, low, high : array (step,), just after that time; limits are NaN once survival is 0.
    at_risk : array (step,), patients at risk just before that time.
    n_events, n_censored : array (step,).
    """

    time: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray
    at_risk: IntArray
    n_events: IntArray
    n_censored: IntArray

    def number_at_risk(self, at: ArrayLike) -> IntArray:
        """Patients still under observation just before each time of `at`."""
        times = np.asarray(at, dtype=float)
        total = int(self.at_risk[0]) if self.at_risk.size else 0
        gone = np.concatenate([[0], np.cumsum(self.n_events + self.n_censored)])
        return total - gone[np.searchsorted(self.time, times, side="left")]

    def survival_at(self, at: ArrayLike) -> FloatArray:
        """Survival at each time of `at`; NaN where nobody is under observation any more."""
        times = np.asarray(at, dtype=float)
        steps = np.concatenate([[1.0], self.survival])
        value = steps[np.searchsorted(self.time, times, side="right")]
        unseen = (times > (self.time[-1] if self.time.size else -1.0)) & (value > 0)
        return np.where(unseen, np.nan, value)


def kaplan_meier(time: ArrayLike, event: ArrayLike, include: ArrayLike | None = None, level: float = 0.95) -> Curve:
    """The survival curve of one sample.

    Parameters
    ----------
    time : array (patient,), >= 0.
    event : array (patient,) of bool; False is censored.
    include : array (patient,) of bool, or None for all.
    level : of the pointwise confidence limits.

    Returns
    -------
    Curve with one entry for each distinct time: survival as a share, its limits, and who was at risk.

    Examples
    --------
    >>> from engager.analysis import kaplan_meier
    >>> curve = kaplan_meier([2.0, 4.0, 4.0, 7.0], [True, True, False, True])
    >>> curve.survival.round(2).tolist()
    [0.75, 0.5, 0.0]
    """
    sets = risk_sets(np.atleast_1d(np.asarray(time, dtype=float)), event, include=include)
    survival, variance = product_limit(sets)
    limits = _log_log_limits(survival, variance, level)
    ends = np.unique(sets.last[0][sets.member[0]])
    n_events = sets.n_events[0, ends]
    n_here = ends - sets.first[0, ends] + 1
    return Curve(
        time=sets.time[0, ends],
        survival=survival[0, ends],
        low=limits[0][0, ends],
        high=limits[1][0, ends],
        at_risk=sets.at_risk[0, ends],
        n_events=n_events,
        n_censored=n_here - n_events,
    )


def survival_at(
    time: ArrayLike,
    event: ArrayLike,
    at: float,
    include: ArrayLike | None = None,
    level: float = 0.95,
) -> Limits:
    """The share of patients without the event at one time.

    Parameters
    ----------
    time, event, include : array (..., patient), as in `kaplan_meier`.
    at : the landmark, in the unit of `time`.

    Returns
    -------
    Limits, arrays (...). NaN where nobody is observed that long while some are still event-free.
    """
    sets = risk_sets(time, event, include=include)
    survival, variance = product_limit(sets)
    low, high = _log_log_limits(survival, variance, level)
    index = np.count_nonzero(sets.member & (sets.time <= at), axis=1) - 1
    observed = np.where(sets.member, sets.time, -np.inf).max(axis=1, initial=-np.inf)
    picked = [_pick(values, index) for values in (survival, low, high)]
    unseen = (at > observed) & (picked[0] > 0)
    value, low, high = (np.where(unseen, np.nan, values) for values in picked)
    return _like_input(Limits(value, low, high), time)


def median_survival(
    time: ArrayLike,
    event: ArrayLike,
    include: ArrayLike | None = None,
    level: float = 0.95,
    quantile: float = 0.5,
) -> Limits:
    """The time by which half of the patients have had the event.

    Returns
    -------
    Limits, arrays (...), in the unit of `time`. A median or limit that is not reached is inf, not NaN: it is
    known to be later than the data. NaN: no patients, or a limit that cannot be told because everybody had
    the event at once.

    Notes
    -----
    Where the curve stays at exactly one half, the middle of that stretch is given, as R does.
    """
    sets = risk_sets(time, event, include=include)
    survival, variance = product_limit(sets)
    low, high = _log_log_limits(survival, variance, level)
    value = _crossing(sets, survival, quantile)
    early = _crossing(sets, low, quantile)
    late = _crossing(sets, high, quantile)
    ended = np.where(sets.member, survival, 1.0).min(axis=1, initial=1.0) <= 0
    early = np.where(np.isinf(early) & ended, np.nan, early)
    empty = ~sets.member.any(axis=1)
    value, early, late = (np.where(empty, np.nan, values) for values in (value, early, late))
    return _like_input(Limits(value, early, late), time)


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, include: ArrayLike | None = None, level: float = 0.95
) -> Limits:
    """Median follow-up: how long patients would have been watched had none had the event.

    References
    ----------
    Schemper & Smith 1996, doi:10.1016/0197-2456(96)00075-X. R: ``survfit(Surv(time, 1 - event) ~ 1)``.
    """
    watched = ~np.asarray(event, dtype=bool)
    return median_survival(time, watched, include=include, level=level)


def product_limit(sets: RiskSets) -> tuple[FloatArray, FloatArray]:
    """Survival and Greenwood's sum after each position; equal times share the value after all of them.

    With events sorted before censorings, the product of (m - 1)/m over single events telescopes to
    (n - d)/n at a tie, and the sum of 1/(m(m - 1)) to d/(n(n - d)): ties need no extra care.
    """
    m: FloatArray = (sets.end - np.arange(sets.time.shape[1])).astype(np.float64)
    left: FloatArray = np.maximum(m - 1.0, 0.0)
    kept: FloatArray = np.where(sets.event, left / np.maximum(m, 1.0), 1.0)
    survival: FloatArray = np.cumprod(kept, axis=1, dtype=np.float64)
    with np.errstate(divide="ignore"):
        terms: FloatArray = np.where(sets.event, 1.0 / (np.maximum(m, 1.0) * left), 0.0)
    return (
        np.take_along_axis(survival, sets.last, axis=1),
        np.take_along_axis(np.cumsum(terms, axis=1), sets.last, axis=1),
    )


def _log_log_limits(survival: FloatArray, variance: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Pointwise limits S^exp(+-z se/|log S|); 1 before the first event, NaN after the last when S is 0."""
    z = normal_quantile(level)
    inside = (survival > 0) & (survival < 1)
    s = np.where(inside, survival, 0.5)
    width = z * np.sqrt(np.where(inside, variance, 0.0)) / np.abs(np.log(s))
    outside = np.where(survival >= 1, 1.0, np.nan)
    low = np.where(inside, s ** np.exp(width), outside)
    return low, np.where(inside, s ** np.exp(-width), outside)


def _crossing(sets: RiskSets, curve: FloatArray, level: float) -> FloatArray:
    """Array (replicate,): first time at which a falling curve is at or below `level`; inf if never."""
    reached = sets.member & (curve <= level + _TOLERANCE)
    below = sets.member & (curve < level - _TOLERANCE)
    start = _first_time(sets, reached)
    latest = np.where(sets.member, sets.time, -np.inf).max(axis=1, initial=-np.inf)
    stop = np.where(below.any(axis=1), _first_time(sets, below), latest)
    # The two differ only where the curve stays at exactly `level`.
    return np.where(np.isinf(start), np.inf, 0.5 * (start + np.maximum(stop, start)))


def _first_time(sets: RiskSets, where: NDArray[np.bool_]) -> FloatArray:
    if where.shape[1] == 0:
        return np.full(where.shape[0], np.inf)
    index = np.argmax(where, axis=1)
    return np.where(where.any(axis=1), _pick(sets.time, index), np.inf)


def _pick(values: FloatArray, index: IntArray) -> FloatArray:
    """One value per row; 1 (nobody lost yet) where the index is before the first position."""
    if values.shape[1] == 0:
        return np.full(values.shape[0], 1.0)
    taken = np.take_along_axis(values, np.maximum(index, 0)[:, None], axis=1)[:, 0]
    return np.where(index < 0, 1.0, taken)


def _like_input(limits: Limits, time: ArrayLike) -> Limits:
    """Give the leading axes of the input back; a single sample gives numbers."""
    leading = np.shape(time)[:-1]
    return Limits(*(values.reshape(leading)[()] for values in limits))


def normal_quantile(level: float) -> float:
    """How many standard errors a two-sided interval of `level` reaches, e.g. 1.96 for 0.95."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2.0))
