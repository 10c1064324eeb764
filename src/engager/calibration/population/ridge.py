"""Ridge regression of what virtual trials show on the unknowns behind them, its penalty chosen by left-out draws."""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray

_PENALTIES = 10.0 ** np.arange(0.0, 5.1, 0.5)


def ridge_expectation(unknowns: FloatArray, simulated: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What is expected at each draw.

    Parameters
    ----------
    unknowns : array (draw, unknown). simulated : array (draw, datum).

    Returns
    -------
    Two arrays (draw, datum): expected, and how far each draw's trial is from what the others expect of it.
    """
    x, _ = _standardized(unknowns)
    slopes, apart = _fitted(x, simulated)
    return simulated.mean(axis=0) + x @ slopes, apart


def ridge_slopes(unknowns: FloatArray, simulated: FloatArray) -> FloatArray:
    """Change of each datum per unit of each unknown: array (datum, unknown)."""
    x, spread = _standardized(unknowns)
    slopes, _ = _fitted(x, simulated)
    return np.asarray((slopes / spread[:, None]).T)


def _standardized(unknowns: FloatArray) -> tuple[FloatArray, FloatArray]:
    spread = unknowns.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (unknowns - unknowns.mean(axis=0)) / spread, spread


def _fitted(x: FloatArray, simulated: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slopes, array (unknown, datum), and errors of left-out draws, array (draw, datum), at each datum's penalty."""
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    centered = simulated - simulated.mean(axis=0)
    along = left.T @ centered
    slopes, apart = np.empty((x.shape[1], simulated.shape[1])), np.empty_like(simulated)
    best = np.full(simulated.shape[1], np.inf)
    for penalty in _PENALTIES:
        shrunk = singular / (singular**2 + penalty)
        leverage = left**2 @ (singular * shrunk) + 1.0 / len(x)
        fitted = left @ ((singular * shrunk)[:, None] * along)
        left_out = (centered - fitted) / np.maximum(1.0 - leverage, 1e-6)[:, None]
        error = np.mean(left_out**2, axis=0)
        better = error < best
        best = np.where(better, error, best)
        slopes[:, better] = (right.T @ (shrunk[:, None] * along))[:, better]
        apart[:, better] = left_out[:, better]
    return slopes, apart
