"""A polynomial stand-in for virtual trials, from which Sobol indices follow in closed form.

A trial is too noisy and too long for Saltelli's design, so a few hundred are simulated and a sparse polynomial
chaos of degree 2 is fitted: Hermite polynomials of standard normal factors, orthogonal to each other, so that
a squared coefficient is a share of the variance. Its error is stated: Q2 over sets left out in turn.

References
----------
Sudret 2008, doi:10.1016/j.ress.2007.04.002. Blatman & Sudret 2011, doi:10.1016/j.jcp.2010.12.021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.calibration.sensitivity.indices import CONFIDENCE, SobolIndex
from engager.core import FloatArray, Stream

# A term for each factor in it and its degree there: ((3, 1),) is linear, ((3, 2),) square, ((1, 1), (3, 1)) mixed.
Term = tuple[tuple[int, int], ...]

# Mixed terms are looked for among the factors that matter most on their own.
_FACTORS_THAT_MIX = 10
# At least this many simulated sets for each term.
_SETS_PER_TERM = 5
_MOST_TERMS = 40
_RESAMPLES = 200
_FOLDS = 10


@dataclass(frozen=True)
class Surrogate:
    """A fitted polynomial.

    Attributes
    ----------
    terms, coefficients : what is in it, without the constant.
    q2 : share of the variance of sets left out that it predicts; 1 is perfect, 0 no better than the mean.
    n_sets : sets it was fitted to.
    """

    output: str
    terms: tuple[Term, ...]
    coefficients: FloatArray
    q2: float
    n_sets: int


def fit_surrogate(points: FloatArray, values: FloatArray, output: str) -> Surrogate:
    """Choose terms one by one, the one that explains most first, until leaving out sets shows no gain.

    Parameters
    ----------
    points : array (set, factor), standard normal and independent.
    values : array (set,); sets with NaN are left out.
    """
    known = np.isfinite(values)
    x, y = points[known], values[known]
    if y.size < 2 * _SETS_PER_TERM or np.ptp(y) == 0:
        return Surrogate(output, (), np.zeros(0), 0.0, int(y.size))
    candidates = _candidates(x, y)
    columns = np.stack([_column(x, term) for term in candidates], axis=1)
    chosen, q2 = _choose(columns, y, min(_MOST_TERMS, y.size // _SETS_PER_TERM))
    coefficients = _least_squares(columns[:, chosen], y)[1:] if chosen else np.zeros(0)
    return Surrogate(output, tuple(candidates[k] for k in chosen), coefficients, q2, int(y.size))


def surrogate_indices(
    surrogate: Surrogate,
    points: FloatArray,
    values: FloatArray,
    factors: Sequence[str],
    stream: Stream,
    chance_variance: float = 0.0,
) -> list[SobolIndex]:
    """First and total indices of the polynomial, with limits from choosing and fitting terms on resampled sets.

    Parameters
    ----------
    points, values : what it was fitted to.
    stream : keys the resampling.
    chance_variance : of the values between sets that are the same; it is no factor's doing.

    Notes
    -----
    Shares are of the variance of `values` without that of chance, so what the polynomial misses belongs to
    nobody and the first indices add up to less than 1. A coefficient's own sampling variance is taken off its
    square, so noise alone does not make an index.
    """
    known = np.isfinite(values)
    x, y = points[known], values[known]
    if not surrogate.terms:
        return [SobolIndex(surrogate.output, name, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0) for name in factors]
    candidates = _candidates(x, y)
    columns = np.stack([_column(x, term) for term in candidates], axis=1)

    def shares(rows: NDArray[np.int64], chosen: Sequence[int]) -> FloatArray:
        terms = [candidates[k] for k in chosen]
        return _shares(columns[rows][:, list(chosen)], y[rows], terms, len(factors), chance_variance)

    everything = np.arange(y.size)
    first, total = shares(everything, [candidates.index(term) for term in surrogate.terms])
    uniform = np.asarray(stream.uniform(np.arange(_RESAMPLES), y.size)).reshape(_RESAMPLES, y.size)
    draws = []
    for row in uniform:
        again = np.minimum((row * y.size).astype(np.int64), y.size - 1)
        draws.append(shares(again, _pursuit(columns[again], y[again], len(surrogate.terms))))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(np.array(draws), [tail, 100 - tail], axis=0)
    return [
        SobolIndex(
            surrogate.output, name, float(first[k]), float(low[0, k]), float(high[0, k]), float(total[k]),
            float(low[1, k]), float(high[1, k]),
        )
        for k, name in enumerate(factors)
    ]  # fmt: skip


def _candidates(x: FloatArray, y: FloatArray) -> list[Term]:
    n = x.shape[1]
    alone: list[Term] = [((k, degree),) for k in range(n) for degree in (1, 2)]
    strength = np.zeros(n)
    centered = y - y.mean()
    for term in alone:
        column = _column(x, term)
        strength[term[0][0]] += float(np.dot(column - column.mean(), centered)) ** 2
    strongest = sorted(np.argsort(-strength)[:_FACTORS_THAT_MIX].tolist())
    mixed: list[Term] = [((a, 1), (b, 1)) for i, a in enumerate(strongest) for b in strongest[i + 1 :]]
    return alone + mixed


def _column(x: FloatArray, term: Term) -> FloatArray:
    """The term at each set; mean 0 and variance 1 over standard normal factors."""
    result = np.ones(x.shape[0])
    for factor, degree in term:
        z = x[:, factor]
        result = result * (z if degree == 1 else (z**2 - 1) / np.sqrt(2))
    return result


def _choose(columns: FloatArray, y: FloatArray, most: int) -> tuple[list[int], float]:
    """Terms by orthogonal matching pursuit, as many as predict best the sets that are left out in turn.

    The terms are chosen anew without each tenth: choosing them once and leaving out sets only afterwards would
    let noise in.
    """
    fold = np.arange(y.size) % _FOLDS
    errors = np.zeros(most + 1)
    for left_out in range(_FOLDS):
        inside, outside = fold != left_out, fold == left_out
        order = _pursuit(columns[inside], y[inside], most)
        for n in range(most + 1):
            chosen = order[:n]
            fitted = _least_squares(columns[inside][:, chosen], y[inside])
            predicted = fitted[0] + columns[outside][:, chosen] @ fitted[1:]
            errors[n] += float(np.sum((y[outside] - predicted) ** 2))
    best = int(np.argmin(errors))
    return _pursuit(columns, y, best), 1.0 - float(errors[best] / errors[0])


def _pursuit(columns: FloatArray, y: FloatArray, most: int) -> list[int]:
    """The term that explains most of what is left, again and again."""
    residual = y - y.mean()
    settled = 1e-9 * float(np.linalg.norm(residual))
    left = columns - columns.mean(axis=0)
    chosen: list[int] = []
    for _ in range(most):
        length = np.sqrt((left**2).sum(axis=0))
        usable = length > 1e-6 * np.sqrt(y.size)
        usable[chosen] = False
        if not usable.any() or float(np.linalg.norm(residual)) <= settled:
            break
        gain = np.where(usable, np.abs(residual @ left) / np.maximum(length, 1e-300), 0.0)
        k = int(np.argmax(gain))
        direction = left[:, k] / length[k]
        chosen.append(k)
        residual = residual - direction * (direction @ residual)
        left = left - direction[:, None] * (direction @ left)
    return chosen


def _least_squares(columns: FloatArray, y: FloatArray) -> FloatArray:
    """The constant and one coefficient for each column."""
    design = np.column_stack([np.ones(y.size), columns])
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], dtype=np.float64)


def _shares(columns: FloatArray, y: FloatArray, terms: Sequence[Term], n: int, chance_variance: float) -> FloatArray:
    """First and total index of each factor: array (2, factor)."""
    coefficients = _least_squares(columns, y)
    design = np.column_stack([np.ones(y.size), columns])
    residual = y - design @ coefficients
    noise = float(residual @ residual) / max(y.size - design.shape[1], 1)
    own = noise * np.diag(np.linalg.pinv(design.T @ design))
    power = np.maximum(coefficients**2 - own, 0.0)[1:]
    whole = max(float(np.var(y, ddof=1)) - chance_variance, float(power.sum()), 1e-300)
    found = np.zeros((2, n))
    for term, share in zip(terms, power / whole, strict=True):
        for factor, _ in term:
            found[1, factor] += share
        if len(term) == 1:
            found[0, term[0][0]] += share
    return found
