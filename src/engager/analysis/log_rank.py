"""Log-rank test of two groups, plain or stratified, for one trial or thousands at once.

References
----------
Mantel 1966; Peto & Peto 1972, doi:10.2307/2344317. R: ``survdiff(Surv(time, event) ~ group + strata(s))``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from engager.analysis.risk_sets import risk_sets
from engager.core import FloatArray


class LogRank(NamedTuple):
    """Result of a log-rank test; each an array (...) over the leading axes, or a float.

    Attributes
    ----------
    chi_square : statistic with one degree of freedom; NaN when nothing can be compared.
    p_value : two-sided.
    observed, expected : events in the marked group, and what equal hazards would give.
    variance : hypergeometric variance of observed - expected.
    """

    chi_square: FloatArray
    p_value: FloatArray
    observed: FloatArray
    expected: FloatArray
    variance: FloatArray


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    include: ArrayLike | None = None,
) -> LogRank:
    """Compare the hazards of two groups.

    Parameters
    ----------
    time : array (..., patient), >= 0.
    event : array (..., patient) of bool.
    group : array (..., patient) of bool; True marks the treated group.
    strata : array (..., patient) of int; patients are compared only within their stratum.
    include : array (..., patient) of bool, or None for all.
    """
    from scipy.special import chdtrc

    sets = risk_sets(time, event, marked=group, stratum=strata, include=include)
    n = sets.at_risk.astype(float)
    marked = sets.marked_at_risk.astype(float)
    deaths = sets.n_events
    # One term per event: at a tie of d events they add up to the hypergeometric mean and variance.
    share = np.where(sets.event, marked / np.maximum(n, 1.0), 0.0)
    tie_factor = np.where(n > 1, (n - deaths) / np.maximum(n - 1.0, 1.0), 0.0)
    observed = np.count_nonzero(sets.event & sets.marked, axis=1).astype(float)
    expected = share.sum(axis=1)
    variance = (share * (1.0 - share) * tie_factor).sum(axis=1)
    comparable = variance > 0
    chi_square = np.where(comparable, (observed - expected) ** 2 / np.where(comparable, variance, 1.0), np.nan)
    p_value = np.where(comparable, chdtrc(1.0, np.where(comparable, chi_square, 0.0)), np.nan)
    leading = np.shape(time)[:-1]
    parts = (chi_square, p_value, observed, expected, variance)
    return LogRank(*(part.reshape(leading)[()] for part in parts))
