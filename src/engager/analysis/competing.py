"""Cumulative incidence when another event can come first: Aalen-Johansen, never one minus Kaplan-Meier.

In: times, array (..., patient), and a cause per patient (0 censored, 1 the event of interest, 2 or more
competing). Out: the share of patients in whom the event has happened by a time.

References
----------
Aalen & Johansen 1978; variance by the delta method of Dinse & Larson 1986, doi:10.1093/biomet/73.2.379,
as written in Marubini & Valsecchi 1995 (section 10.3). R:
``survfit(Surv(time, factor(cause)) ~ 1, conf.type = "log-log")``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from engager.analysis.risk_sets import RiskSets, risk_sets
from engager.analysis.survival import Limits, normal_quantile
from engager.core import FloatArray, IntArray

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Incidence:
    """A cumulative incidence curve of one sample.

    Attributes
    ----------
    time : array (step,), distinct times, increasing.
    incidence, low, high : array (step,), just after that time.
    at_risk : array (step,), just before that time.
    """

    time: FloatArray
    incidence: FloatArray
    low: FloatArray
    high: FloatArray
    at_risk: IntArray


def aalen_johansen(
    time: ArrayLike, cause: ArrayLike, include: ArrayLike | None = None, level: float = 0.95
) -> Incidence:
    """Cumulative incidence of cause 1 in one sample.

    Parameters
    ----------
    time : array (patient,), >= 0.
    cause : array (patient,) of int: 0 censored, 1 the event of interest, 2 or more competing.
    include : array (patient,) of bool, or None for all.
    """
    times = np.atleast_1d(np.asarray(time, dtype=float))
    steps, sets = _incidence_steps(times, cause, include)
    ends = np.unique(sets.last[0][sets.member[0]])
    landmarks = sets.time[0, ends]
    # The variance at a landmark needs the whole history before it; one pass per landmark, all at once.
    many = len(landmarks)
    value, variance = _at(np.repeat(steps, many, axis=1), _repeat(sets, many), landmarks)
    low, high = _limits(value, variance, level)
    return Incidence(landmarks, value, low, high, sets.at_risk[0, ends])


def cumulative_incidence_at(
    time: ArrayLike,
    cause: ArrayLike,
    at: float,
    include: ArrayLike | None = None,
    level: float = 0.95,
) -> Limits:
    """Cumulative incidence of cause 1 at one time.

    Parameters
    ----------
    time, cause, include : array (..., patient), as in `aalen_johansen`.
    at : the landmark, in the unit of `time`.

    Returns
    -------
    Limits, arrays (...). NaN where nobody is observed that long while some are still event-free.
    """
    steps, sets = _incidence_steps(time, cause, include)
    value, variance = _at(steps, sets, np.full(sets.time.shape[0], float(at)))
    low, high = _limits(value, variance, level)
    observed = np.where(sets.member, sets.time, -np.inf).max(axis=1, initial=-np.inf)
    n_lost = np.count_nonzero(sets.event, axis=1)
    unseen = (at > observed) & (n_lost < np.count_nonzero(sets.member, axis=1))
    unseen |= ~sets.member.any(axis=1)
    leading = np.shape(time)[:-1]
    return Limits(*(np.where(unseen, np.nan, part).reshape(leading)[()] for part in (value, low, high)))


def _incidence_steps(time: ArrayLike, cause: ArrayLike, include: ArrayLike | None) -> tuple[FloatArray, RiskSets]:
    """Array (3, replicate, position): S just before, hazard of cause 1, hazard of any cause, per event."""
    causes = np.asarray(cause)
    sets = risk_sets(time, causes > 0, marked=causes == 1, include=include)
    position = np.arange(sets.time.shape[1])
    m = np.maximum(sets.end - position, 1).astype(float)
    after = np.cumprod(np.where(sets.event, (m - 1.0) / m, 1.0), axis=1)
    padded = np.concatenate([np.ones((after.shape[0], 1)), after], axis=1)
    before = np.take_along_axis(padded, sets.first, axis=1)
    n = np.maximum(sets.at_risk, 1).astype(float)
    # Every position of a tie holds the hazards of the whole tie; only its first position counts.
    is_first = sets.member & (sets.first == position)
    interest = np.where(is_first, sets.marked_events / n, 0.0)
    either = np.where(is_first, sets.n_events / n, 0.0)
    return np.stack([before, interest, either]), sets


def _at(steps: FloatArray, sets: RiskSets, landmark: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Incidence of cause 1 and its variance at one landmark per row."""
    before, interest, either = steps
    n = np.maximum(sets.at_risk, 1).astype(float)
    counted = sets.time <= landmark[:, None]
    gain = np.where(counted, before * interest, 0.0)
    incidence = np.cumsum(gain, axis=1)
    value = incidence[:, -1] if incidence.shape[1] else np.zeros(landmark.shape)
    to_come = value[:, None] - incidence
    # d/(n(n - d)) written with the hazard h = d/n; when h is 1 nothing is to come and the term is 0.
    ratio = np.where(either < 1, either / (n * np.where(either < 1, 1.0 - either, 1.0)), 0.0)
    terms = to_come**2 * ratio + before**2 * interest * (1.0 - interest) / n - 2.0 * to_come * before * interest / n
    return value, np.maximum(np.where(counted, terms, 0.0).sum(axis=1), 0.0)


def _limits(value: FloatArray, variance: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Limits by the log(-log) transform of the incidence, as R does; NaN when it is 0 or 1."""
    z = normal_quantile(level)
    # what rounding leaves of 0 and 1 is 0 and 1
    inside = (value > _ROUNDING) & (value < 1 - _ROUNDING)
    reached = np.where(inside, value, 0.5)
    width = z * np.sqrt(np.where(inside, variance, 0.0)) / (reached * np.abs(np.log(reached)))
    low = reached ** np.exp(width)
    high = reached ** np.exp(-width)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def _repeat(sets: RiskSets, many: int) -> RiskSets:
    """The same sample `many` times over."""
    copies = {field.name: np.repeat(getattr(sets, field.name), many, axis=0) for field in fields(sets)}
    return RiskSets(**copies)
