"""What a trial of the published size would show: interval over replicates.

In: one estimate per replicate of a simulated trial. Out: median and prediction interval, with the coverage
that so many replicates can honestly claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from engager.core import FloatArray, InputError, Problem

# Share of the replicates that must tell a difference, a figure at one time or a mean estimate, for it to be told: the
# others lie at one end.
LEAST_TOLD = 0.95
_SCALES = ("identity", "log", "logit", "cloglog")
#: On which scale an estimate scatters evenly, by statistic.
SCALE_BY_STATISTIC = {
    "proportion": "logit",
    "survival_at": "logit",
    "cumulative_at": "logit",
    "median": "log",
    "follow_up_median": "log",
    "hazard_ratio": "log",
    "odds_ratio": "log",
    "difference": "identity",
    "curve": "cloglog",
}
#: Estimates at one time, which a trial can tell only while it watches somebody.
AT_ONE_TIME = ("survival_at", "cumulative_at")


@dataclass(frozen=True)
class Prediction:
    """Where the estimate of one new trial is expected.

    Attributes
    ----------
    median, low, high : in the unit of the values; inf when "not reached" is that common; NaN when no
        replicate could be estimated, or too few of a figure at one time.
    coverage : what the interval covers; below the level asked for when there are too few replicates (the
        whole range of R replicates covers (R - 1)/(R + 1)).
    n_replicates : replicates that gave an estimate; `n_missing` did not.
    rescaled : True when simulated and published trials differ in size and the scatter was adjusted.
    """

    median: float
    low: float
    high: float
    coverage: float
    n_replicates: int
    n_missing: int
    rescaled: bool

    @property
    def is_told(self) -> bool:
        """Whether there is a value at all."""
        return not np.isnan(self.median)

    def holds(self, published: float) -> bool:
        """Whether a published value lies within the interval (its ends included)."""
        return bool(self.low <= published <= self.high)


def prediction_interval(
    values: ArrayLike,
    n: ArrayLike | None = None,
    published_n: float | None = None,
    scale: str = "identity",
    level: float = 0.95,
    is_count: bool = False,
    at_one_time: bool = False,
) -> Prediction:
    """Median and prediction interval over replicates.

    Parameters
    ----------
    values : array (replicate,), one estimate each; NaN means not estimable, inf not reached.
    n : number of patients behind each value (one number or array (replicate,)), or None.
    published_n : patients behind the published value, or None. Where it differs from `n` by more than a
        tenth, the scatter about the median is multiplied by sqrt(n / published_n).
    scale : on which the scatter is adjusted: ``identity``, ``log``, ``logit`` or ``cloglog`` (log(-log S));
        see `SCALE_BY_STATISTIC`.
    level : coverage asked for.
    is_count : the values are shares of `n` patients who had something. A published trial of another size is then
        predicted as a count: beta-binomial, with the replicates' mean and what they scatter beyond binomial, and
        half a patient at either end for rounded shares.
    at_one_time : the values are of `AT_ONE_TIME`. Where follow-up ends before that time, only trials in which everybody
        had the event tell it, and they are no fair sample of all: there is no median then. 95 % of the replicates must
        tell it, of those with patients where `n` is given.

    Notes
    -----
    Replicates of the published size already hold its sampling error, so their spread is the answer: the
    k-th of R sorted values is exceeded by a new trial with probability 1 - k/(R + 1), whatever the
    distribution. Rescaling assumes that all scatter is sampling error; with parameters drawn anew for every
    replicate it overstates the change, so simulate the published size where the answer matters.
    """
    if scale not in _SCALES:
        raise InputError(Problem("scale", scale, f"must be one of {', '.join(_SCALES)}"))
    if not 0 < level < 1:
        raise InputError(Problem("level", level, "must lie between 0 and 1"))
    given = np.asarray(values, dtype=float).ravel()
    known = np.sort(given[~np.isnan(given)])
    n_missing = given.size - known.size
    n_asked = given.size if n is None else np.count_nonzero(np.broadcast_to(np.asarray(n, dtype=float), given.shape))
    if known.size == 0 or (at_one_time and known.size < LEAST_TOLD * n_asked):
        return Prediction(np.nan, np.nan, np.nan, 0.0, known.size, n_missing, False)
    median = float(order_statistics(known, 0.5))
    ratio = _size_ratio(n, published_n)
    # A median at the border of its scale (0 events, not reached) has no scatter that could be stretched.
    other_size = abs(ratio - 1.0) > 0.1
    coverage = min(level, (known.size - 1) / (known.size + 1))
    if other_size and is_count and known.size > 1:
        sizes = np.broadcast_to(np.asarray(n, dtype=float), given.shape)
        low, high = _count_interval(given, sizes, round(float(published_n or 0)), coverage)
        # of few replicates the median may lie beside what their mean predicts
        return Prediction(median, min(low, median), max(high, median), coverage, known.size, n_missing, True)
    rescaled = other_size and _has_room(median, scale)
    if rescaled:
        known = _rescale(known, median, np.sqrt(ratio), scale)
    tail = (1.0 - level) / 2.0
    low, high = (float(order_statistics(known, probability)) for probability in (tail, 1.0 - tail))
    return Prediction(median, low, high, coverage, known.size, n_missing, rescaled)


def difference_interval(differences: ArrayLike, scale: str = "identity") -> Prediction:
    """Median and prediction interval of a difference, replicate by replicate; NaN when too few replicates tell it.

    Parameters
    ----------
    differences : array (replicate,), or ratios; not finite where one side has no value or was not reached.
    scale : as in `prediction_interval`.

    Notes
    -----
    The replicates in which both sides reached their median are no fair sample of all: those of the longer median are
    missing first, and the difference of the rest can have the wrong sign. So 95 % of the replicates must tell it.
    """
    given = np.asarray(differences, dtype=float).ravel()
    known = np.isfinite(given)
    if not known.any() or known.mean() < LEAST_TOLD:
        n = int(known.sum())
        return Prediction(np.nan, np.nan, np.nan, 0.0, n, given.size - n, False)
    return prediction_interval(np.where(known, given, np.nan), scale=scale)


def _count_interval(shares: FloatArray, sizes: FloatArray, n: int, level: float) -> tuple[float, float]:
    """Ends of the share that a trial of `n` patients would show, from shares of trials of other sizes."""
    from scipy.stats import betabinom, binom

    used = ~np.isnan(shares) & (sizes > 0)
    events, sizes = shares[used] * sizes[used], sizes[used]
    # half an event on either side: none seen in the replicates is not never
    mean = (events.sum() + 0.5) / (sizes.sum() + 1.0)
    binomial = float(np.mean(mean * (1 - mean) / sizes))
    beyond = float(np.mean((events / sizes - mean) ** 2)) - binomial
    # correlation between two patients of one trial: 0 when the replicates scatter as samples of one share do, and
    # where every trial has one patient, since then no two can be compared
    room = mean * (1 - mean) - binomial
    between = beyond / room if room > 1e-12 else 0.0
    if between > 1e-9:
        spread = 1.0 / min(between, 0.999) - 1.0
        counts = betabinom(n, mean * spread, (1.0 - mean) * spread)
    else:
        counts = binom(n, mean)
    tail = (1.0 - level) / 2.0
    low, high = float(counts.ppf(tail)), float(counts.ppf(1.0 - tail))
    return max(low - 0.5, 0.0) / n, min(high + 0.5, float(n)) / n


def order_statistics(ordered: FloatArray, probability: float) -> FloatArray:
    """Values at rank p(R + 1), between neighbors, never beyond the data; safe with inf.

    Parameters
    ----------
    ordered : array (..., replicate), sorted along the last axis, with at least one replicate.

    Returns
    -------
    array (...).
    """
    size = ordered.shape[-1]
    rank = min(max(probability * (size + 1), 1.0), float(size)) - 1.0
    below, above = int(np.floor(rank)), int(np.ceil(rank))
    low, high = ordered[..., below], ordered[..., above]
    with np.errstate(invalid="ignore"):
        between = low + (rank - below) * (high - low)
    found: FloatArray = np.where((below == above) | (low == high), low, between)
    return found


def _size_ratio(n: Any, published_n: float | None) -> float:
    if n is None or published_n is None or not np.isfinite(published_n) or published_n <= 0:
        return 1.0
    size = np.asarray(n, dtype=float)
    size = size[size > 0]
    return float(np.median(size) / published_n) if size.size else 1.0


def _has_room(median: float, scale: str) -> bool:
    lowest = -np.inf if scale == "identity" else 0.0
    return bool(lowest < median < (1.0 if scale in ("logit", "cloglog") else np.inf))


def _rescale(values: FloatArray, median: float, factor: float, scale: str) -> FloatArray:
    """Stretch the scatter about the median; 0, 1 and inf map to themselves on their scale."""
    if scale == "identity":
        return np.sort(median + (values - median) * factor)
    with np.errstate(divide="ignore", over="ignore"):
        if scale == "log":
            return np.sort(np.exp(np.log(median) + (np.log(values) - np.log(median)) * factor))
        if scale == "cloglog":
            center = np.log(-np.log(median))
            return np.sort(np.exp(-np.exp(center + (np.log(-np.log(values)) - center) * factor)))
        center = np.log(median / (1 - median))
        moved = center + (np.log(values / (1 - values)) - center) * factor
        return np.sort(1 / (1 + np.exp(-moved)))
