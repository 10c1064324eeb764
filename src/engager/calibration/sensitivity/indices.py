"""Global sensitivity of any quantity to its inputs: Sobol indices, one-at-a-time swings, rank correlations.

In: where to evaluate and what came out; nothing here knows patients or trials. Sobol indices need SALib
(extra ``calibration``). Inputs are independent and uniform on (0, 1); callers map them to what they mean.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from engager.core import FloatArray, InputError, Problem

CONFIDENCE = 0.95
LOW_SHARE, HIGH_SHARE = 0.05, 0.95
_RESAMPLES = 200
# A base sample beside exactly 0 or 1 would mean an infinite value of a normal factor.
_EDGE = 1e-6


@dataclass(frozen=True)
class SobolIndex:
    """Shares of the variance of an output that come from one factor.

    Attributes
    ----------
    first : from the factor alone. total : with all its interactions.
    first_low, first_high, total_low, total_high : 95 % bootstrap limits.
    """

    output: str
    factor: str
    first: float
    first_low: float
    first_high: float
    total: float
    total_low: float
    total_high: float


@dataclass(frozen=True)
class Swing:
    """An output when one factor goes from its 5 % to its 95 % value and all others stay in the middle.

    Attributes
    ----------
    low_value, high_value : of the factor, in its own unit.
    at_low, at_center, at_high : of the output.
    """

    output: str
    factor: str
    low_value: float
    high_value: float
    at_low: float
    at_center: float
    at_high: float

    @property
    def width(self) -> float:
        """Distance between the ends; NaN when one could not be estimated."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's correlation of an output with a factor, with its 95 % interval by Fisher's transformation."""

    output: str
    factor: str
    value: float
    low: float
    high: float


def saltelli_points(n_factors: int, n_base: int, seed: int) -> FloatArray:
    """Where to evaluate for Sobol indices.

    Parameters
    ----------
    n_factors : >= 1.
    n_base : a power of two; the number of evaluations is n_base x (n_factors + 2).

    Returns
    -------
    array (point, factor) in (0, 1): a scrambled Sobol sequence in Saltelli's arrangement.

    Raises
    ------
    InputError
        When `n_base` is no power of two, or SALib is not installed.
    """
    if n_base < 2 or n_base & (n_base - 1):
        rule = "must be a power of two from 2"
        raise InputError(Problem("--samples", n_base, rule, "256, 512, 1024 and 2048 are usual."))
    points = _salib().sample.sobol.sample(
        _problem([f"x{k}" for k in range(n_factors)]), n_base, calc_second_order=False, seed=seed
    )
    found: FloatArray = np.clip(points, _EDGE, 1 - _EDGE)
    return found


def sobol_indices(
    values: FloatArray, outputs: Sequence[str], factors: Sequence[str], seed: int
) -> tuple[list[SobolIndex], int]:
    """Sobol indices from evaluations at `saltelli_points`.

    Parameters
    ----------
    values : array (point, output), points in the order of `saltelli_points`. NaN: could not be evaluated; the
        base sample it belongs to is left out.
    outputs, factors : names.
    seed : of the bootstrap.

    Returns
    -------
    indices, and how many base samples were left out. An output that never varies has indices of 0.

    References
    ----------
    Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018 (estimators, as in SALib).
    """
    block = len(factors) + 2
    grouped = np.asarray(values, dtype=float).reshape(-1, block, len(outputs))
    whole = np.isfinite(grouped).all(axis=(1, 2))
    kept = grouped[whole].reshape(-1, len(outputs))
    found: list[SobolIndex] = []
    for k, output in enumerate(outputs):
        found += _of_output(kept[:, k], output, factors, seed)
    return found, int((~whole).sum())


def _of_output(column: FloatArray, output: str, factors: Sequence[str], seed: int) -> list[SobolIndex]:
    if column.size == 0:
        nan = float("nan")
        return [SobolIndex(output, factor, nan, nan, nan, nan, nan, nan) for factor in factors]
    if np.ptp(column) <= 1e-12 * max(1.0, float(np.abs(column).max())):
        return [SobolIndex(output, factor, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0) for factor in factors]
    # A rare yes/no may not vary in a resample: it has no index there, of which SALib warns.
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Constant values encountered")
        result = _salib().analyze.sobol.analyze(
            _problem(factors), column, calc_second_order=False, num_resamples=_RESAMPLES,
            conf_level=CONFIDENCE, seed=seed,
        )  # fmt: skip
    return [
        SobolIndex(
            output, factor, float(s1), float(s1 - half_1), float(s1 + half_1), float(st), float(st - half_t),
            float(st + half_t),
        )
        for factor, s1, half_1, st, half_t in zip(
            factors, result["S1"], result["S1_conf"], result["ST"], result["ST_conf"], strict=True
        )
    ]  # fmt: skip


def tornado(
    evaluate: Callable[[FloatArray], FloatArray],
    outputs: Sequence[str],
    factors: Sequence[str],
    value_of: Callable[[int, float], float] | None = None,
) -> list[Swing]:
    """Move one factor at a time.

    Parameters
    ----------
    evaluate : array (point, factor) in (0, 1) to array (point, output); the same chance at every point, so
        that points differ by their factors only.
    value_of : the value of factor number k at a share in (0, 1), for the record; None: the share itself.

    Returns
    -------
    One swing for each output and factor, in this order.
    """
    points = tornado_points(len(factors))
    found = np.asarray(evaluate(points), dtype=float)
    told = value_of or (lambda k, share: share)
    return [
        Swing(
            output, factor, float(told(k, LOW_SHARE)), float(told(k, HIGH_SHARE)),
            float(found[1 + 2 * k, i]), float(found[0, i]), float(found[2 + 2 * k, i]),
        )
        for i, output in enumerate(outputs)
        for k, factor in enumerate(factors)
    ]  # fmt: skip


def tornado_points(n_factors: int) -> FloatArray:
    """The middle, then for each factor its 5 % and its 95 % share: array (1 + 2 x factor, factor)."""
    points = np.full((1 + 2 * n_factors, n_factors), 0.5)
    for k in range(n_factors):
        points[1 + 2 * k, k], points[2 + 2 * k, k] = LOW_SHARE, HIGH_SHARE
    return points


def rank_correlations(
    points: FloatArray, values: FloatArray, outputs: Sequence[str], factors: Sequence[str]
) -> list[RankCorrelation]:
    """Spearman's correlation of every output with every factor.

    Parameters
    ----------
    points : array (set, factor). values : array (set, output); sets with NaN are left out of that output.
    """
    from scipy.stats import rankdata

    found = []
    for i, output in enumerate(outputs):
        known = np.isfinite(values[:, i])
        n = int(known.sum())
        ranked = rankdata(values[known, i])
        for k, factor in enumerate(factors):
            r = _correlation(rankdata(points[known, k]), ranked)
            low, high = fisher_interval(r, n)
            found.append(RankCorrelation(output, factor, r, low, high))
    return found


def fisher_interval(r: float, n: int) -> tuple[float, float]:
    """95 % interval of a correlation from n pairs."""
    if n < 4 or not np.isfinite(r):
        return -1.0, 1.0
    half = 1.959964 / np.sqrt(n - 3)
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def _correlation(a: FloatArray, b: FloatArray) -> float:
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _problem(names: Sequence[str]) -> dict[str, object]:
    return {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}


def _salib() -> ModuleType:
    try:
        import SALib
        import SALib.analyze.sobol
        import SALib.sample.sobol
    except ImportError as error:
        rule = "is not installed; Sobol indices need it"
        raise InputError(Problem("SALib", None, rule, "Install it with pip install 'engager[calibration]'.")) from error
    found: ModuleType = SALib
    return found
