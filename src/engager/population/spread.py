"""How a covariate is spread over patients, as a function from a uniform draw to a value.

Each function here returns a quantile function: array of numbers in (0, 1) -> array of values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engager.core import FloatArray

Quantile = Callable[[FloatArray], FloatArray]


def ndtri(p: FloatArray) -> FloatArray:
    """Quantile of the standard normal; SciPy is loaded when it is first asked."""
    from scipy.special import ndtri as quantile

    found: FloatArray = quantile(p)
    return found


def ndtr(x: FloatArray | float) -> FloatArray:
    """Share of the standard normal below x."""
    from scipy.special import ndtr as share_below

    found: FloatArray = share_below(x)
    return found


# The farther end of a printed range of some hundred patients lies about 2.2 standard deviations out
# when the spread is skewed; chosen because median 37, range 18-80 then gives TOWER's mean age of 41.
_RANGE_IN_SD = 2.2


def constant(value: float) -> Quantile:
    """Everyone has `value`."""
    return lambda u: np.full(u.shape, float(value))


def share(probability: float) -> Quantile:
    """1 for a share of patients, 0 for the rest."""
    # the upper end, so that a higher latent draw means yes and correlations keep their sign
    return lambda u: (u > 1.0 - probability).astype(np.float64)


def normal(mean: float, sd: float, low: float = -np.inf, high: float = np.inf) -> Quantile:
    """Normal, truncated to [low, high]."""
    p_low, p_high = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    return lambda u: mean + sd * ndtri(p_low + u * (p_high - p_low))


def log_normal(median: float, sd_log: float) -> Quantile:
    """Log-normal around its median."""
    return lambda u: median * np.exp(sd_log * ndtri(u))


def median_range(median: float, low: float, high: float) -> Quantile:
    """What a printed median and range say: half of the patients on each side, none outside.

    Notes
    -----
    Both halves are parts of one normal curve around the median, wide enough for the farther end and cut
    at the nearer one, so a median close to an end gives a nearly even spread on that side.
    """
    widest = max(median - low, high - median)
    # narrower than rounding: everyone has the median
    if widest <= 1e-12 * max(1.0, abs(median)):
        return constant(median)
    sd = widest / _RANGE_IN_SD
    p_low, p_high = ndtr((low - median) / sd), ndtr((high - median) / sd)

    def quantile(u: FloatArray) -> FloatArray:
        below = p_low + 2.0 * u * (0.5 - p_low)
        above = 0.5 + (2.0 * u - 1.0) * (p_high - 0.5)
        return median + sd * ndtri(np.where(u < 0.5, below, above))

    return quantile


def bins(edges: Sequence[tuple[float, float]], shares: Sequence[float]) -> Quantile:
    """Shares of classes; within a class every value is as likely."""
    order = np.argsort([low for low, _ in edges])
    low = np.array([edges[i][0] for i in order], dtype=float)
    high = np.array([edges[i][1] for i in order], dtype=float)
    cumulative = np.concatenate([[0.0], np.cumsum(np.array([shares[i] for i in order], dtype=float))])
    cumulative /= cumulative[-1]

    def quantile(u: FloatArray) -> FloatArray:
        i = np.clip(np.searchsorted(cumulative, u, side="right") - 1, 0, len(low) - 1)
        width = np.maximum(cumulative[i + 1] - cumulative[i], 1e-300)
        found: FloatArray = low[i] + (high[i] - low[i]) * (u - cumulative[i]) / width
        return found

    return quantile


def categories(values: Sequence[float], shares: Sequence[float]) -> Quantile:
    """One of `values`, each with its share."""
    cumulative = np.cumsum(np.asarray(shares, dtype=float))
    cumulative /= cumulative[-1]
    table = np.asarray(values, dtype=float)
    return lambda u: table[np.minimum(np.searchsorted(cumulative, u, side="right"), len(table) - 1)]
