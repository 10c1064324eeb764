"""Hazard ratio of two groups by Cox's partial likelihood, for one trial or thousands at once.

One yes/no covariate makes the score a falling function of one number, so all replicates are solved
together by Newton steps kept inside a bracket.

References
----------
Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977 (ties), doi:10.1080/01621459.1977.10480613.
R: ``coxph(Surv(time, event) ~ group + strata(s), ties = "efron")``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from engager.analysis.risk_sets import risk_sets
from engager.analysis.survival import normal_quantile
from engager.core import BoolArray, FloatArray

# A log hazard ratio beyond this is not an estimate any trial of this size could support.
_WIDEST = 30.0
_MAX_STEPS = 60
_CONVERGED = 1e-10


class HazardRatio(NamedTuple):
    """Hazard of the marked group over the other; each an array (...) or a float.

    Attributes
    ----------
    value : 0 or inf when all events of one kind precede any in the other group (no finite estimate); NaN
        when nothing can be compared.
    low, high : Wald limits on the log scale; NaN when `value` is not finite and positive.
    log_hazard_ratio, standard_error : on the log scale.
    n_events : in both groups.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    log_hazard_ratio: FloatArray
    standard_error: FloatArray
    n_events: FloatArray


class _Terms(NamedTuple):
    """One entry per event: risk-set sizes thinned by Efron's share of the tied events."""

    event: BoolArray
    marked: FloatArray
    other: FloatArray
    observed: FloatArray


def cox_hazard_ratio(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    include: ArrayLike | None = None,
    level: float = 0.95,
) -> HazardRatio:
    """Hazard ratio, marked group over the other, with Wald limits.

    Parameters
    ----------
    time : array (..., patient), >= 0.
    event : array (..., patient) of bool.
    group : array (..., patient) of bool; True marks the treated group.
    strata : array (..., patient) of int; each stratum has its own baseline hazard.
    include : array (..., patient) of bool, or None for all.
    """
    sets = risk_sets(time, event, marked=group, stratum=strata, include=include)
    position = np.arange(sets.time.shape[1])
    share = (position - sets.first) / np.maximum(sets.n_events, 1)
    marked = sets.marked_at_risk - share * sets.marked_events
    other = (sets.at_risk - sets.marked_at_risk) - share * (sets.n_events - sets.marked_events)
    observed = np.count_nonzero(sets.event & sets.marked, axis=1).astype(float)
    terms = _Terms(sets.event, np.where(sets.event, marked, 0.0), np.where(sets.event, other, 1.0), observed)
    log_ratio, error = _solve(terms)
    z = normal_quantile(level)
    # Past +-30 standing for infinity, limits would be made up.
    with np.errstate(over="ignore"):
        parts = (
            np.exp(log_ratio),
            np.exp(log_ratio - z * error),
            np.exp(log_ratio + z * error),
            log_ratio,
            error,
            sets.event.sum(axis=1).astype(float),
        )
    leading = np.shape(time)[:-1]
    return HazardRatio(*(part.reshape(leading)[()] for part in parts))


def _solve(terms: _Terms) -> tuple[FloatArray, FloatArray]:
    """Root of the score and its standard error, array (replicate,); infinite or NaN where there is none."""
    # Limits of the score at minus and plus infinity: the likelihood has a peak only between opposite signs.
    only_marked = np.count_nonzero(terms.event & (terms.other <= 0), axis=1)
    any_marked = np.count_nonzero(terms.event & (terms.marked > 0), axis=1)
    rises = terms.observed - only_marked > 0
    falls = terms.observed - any_marked < 0
    finite = rises & falls
    log_ratio = np.zeros(terms.observed.shape)
    low, high = np.full_like(log_ratio, -_WIDEST), np.full_like(log_ratio, _WIDEST)
    for _ in range(_MAX_STEPS):
        score, information = _score(terms, log_ratio)
        low = np.where(score > 0, log_ratio, low)
        high = np.where(score < 0, log_ratio, high)
        newton = log_ratio + score / np.maximum(information, 1e-300)
        inside = (newton > low) & (newton < high)
        following = np.where(inside, newton, 0.5 * (low + high))
        moved = np.abs(following - log_ratio)
        log_ratio = np.where(finite & (score != 0), following, log_ratio)
        if not np.any(finite & (score != 0) & (moved > _CONVERGED)):
            break
    information = _score(terms, log_ratio)[1]
    error = np.where(finite, 1.0 / np.sqrt(np.where(information > 0, information, np.inf)), np.nan)
    infinite = np.where(rises & ~falls, np.inf, np.where(falls & ~rises, -np.inf, np.nan))
    return np.where(finite, log_ratio, infinite), error


def _score(terms: _Terms, log_ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First derivative of the log partial likelihood and minus the second, array (replicate,)."""
    weight = terms.marked * np.exp(log_ratio)[:, None]
    share = weight / (weight + terms.other)
    return terms.observed - share.sum(axis=1), (share * (1.0 - share)).sum(axis=1)
