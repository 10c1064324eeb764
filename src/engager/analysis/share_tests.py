"""Tests of two shares on the z scale, for one trial or thousands at once; positive: the treated do better.

In: counts (..., stratum). Out: arrays (...).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engager.core import FloatArray


def score_z(events: ArrayLike, n: ArrayLike, control_events: ArrayLike, control_n: ArrayLike) -> FloatArray:
    """The stratified score test of equal shares (Mantel and Haenszel, without continuity correction).

    Parameters
    ----------
    events, n, control_events, control_n : array (..., stratum).

    Returns
    -------
    z, array (...); NaN when no stratum can be compared. Its square is R's
    ``mantelhaen.test(table, correct = FALSE)``; with one stratum it is the pooled z times sqrt((N - 1) / N).
    """
    x1, n1, x0, n0 = (np.asarray(part, dtype=float) for part in (events, n, control_events, control_n))
    total, had = n1 + n0, x1 + x0
    size = np.maximum(total, 1.0)
    expected = n1 * had / size
    spread = n1 * n0 * had * (total - had) / (size**2 * np.maximum(total - 1.0, 1.0))
    variance = spread.sum(axis=-1)
    usable = variance > 0
    gap = (x1 - expected).sum(axis=-1)
    return np.where(usable, gap / np.sqrt(np.where(usable, variance, 1.0)), np.nan)[()]


def fisher_z(events: ArrayLike, n: ArrayLike, control_events: ArrayLike, control_n: ArrayLike) -> FloatArray:
    """Fisher's exact test that the treated have the larger share, its one-sided p-value as a z value.

    Parameters
    ----------
    events, n, control_events, control_n : array (...).

    Notes
    -----
    R: ``qnorm(fisher.test(table, alternative = "greater")$p.value, lower.tail = FALSE)``.
    """
    from scipy.stats import hypergeom, norm

    x1, n1, x0, n0 = (np.asarray(part) for part in (events, n, control_events, control_n))
    p_value = hypergeom.sf(x1 - 1, n1 + n0, x1 + x0, n1)
    return np.asarray(norm.isf(np.clip(p_value, 0.0, 1.0)))[()]


def fisher_mid_z(events: ArrayLike, n: ArrayLike, control_events: ArrayLike, control_n: ArrayLike) -> FloatArray:
    """Fisher's test with half the chance of the table seen (mid-p) as a z value, 0 where there is no difference.

    Parameters
    ----------
    events, n, control_events, control_n : array (...).

    Notes
    -----
    For bounds of futility. The exact one-sided p-value is above one half even where the treated do a little better,
    and 1 where nobody had an event, so that its z value would stop a trial for a difference in the right direction.
    Turning the arms about turns the sign.
    """
    from scipy.stats import hypergeom, norm

    x1, n1, x0, n0 = (np.asarray(part) for part in (events, n, control_events, control_n))
    above, below = hypergeom.sf(x1, n1 + n0, x1 + x0, n1), hypergeom.cdf(x1 - 1, n1 + n0, x1 + x0, n1)
    here = 0.5 * hypergeom.pmf(x1, n1 + n0, x1 + x0, n1)
    upper, lower = np.clip(above + here, 0.0, 1.0), np.clip(below + here, 0.0, 1.0)
    # The smaller of the two tails is the one known to all its digits; equal tails are no difference.
    z = np.where(upper <= lower, norm.isf(upper), norm.ppf(lower))
    return np.asarray(np.where(np.abs(upper - lower) < 1e-12, 0.0, z))[()]
