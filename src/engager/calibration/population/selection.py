"""Virtual-population selection: weight or pick simulated patients so that they reproduce published summaries.

The alternative to moving the population's parameters (`fit`): candidates are simulated once, widely, and each gets
a weight such that weighted shares and means equal the published ones. Cheap, and exact for what is matched; it can
only rearrange candidates that exist, it says nothing about parameters, and it costs effective sample size.

References
----------
Allen, Rieger & Musante 2016, "Efficient generation and selection of virtual populations in quantitative systems
pharmacology models", doi:10.1002/psp4.12063 (accept/reject).
Rieger et al. 2018, "Improving the generation and selection of virtual populations in quantitative systems
pharmacology models", doi:10.1016/j.pbiomolbio.2018.06.002.
Hainmueller 2012, "Entropy balancing for causal effects", doi:10.1093/pan/mpr025 (weights of maximum entropy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engager.core import FloatArray, InputError, Problem, Stream

_MOST_STEPS = 200
_CLOSE = 1e-10
_RIDGE = 1e-12


@dataclass(frozen=True)
class Summary:
    """One published share or mean, as a statement about candidates.

    Attributes
    ----------
    label : for messages and tables.
    values : array (candidate,): the quantity; 0 or 1 for a share.
    published : the share or mean. standard_error : how sure it is, > 0; a small one forces a match.
    among : array (candidate,) of bool: the denominator, e.g. responders; None: everybody.
    """

    label: str
    values: ArrayLike
    published: float
    standard_error: float
    among: ArrayLike | None = None


@dataclass(frozen=True)
class WeightedCandidates:
    """Weights of candidates.

    Attributes
    ----------
    weights : array (candidate,), summing to 1.
    before, after : array (summary,): what candidates show unweighted and weighted.
    effective_n : of as many equally weighted patients the weighted ones are worth (Kish).
    """

    weights: FloatArray
    before: FloatArray
    after: FloatArray
    effective_n: float

    def mean(self, values: ArrayLike, among: ArrayLike | None = None) -> float:
        """Weighted share or mean of another quantity: a prediction."""
        return _weighted(self.weights, np.asarray(values, dtype=float), _members(among, self.weights.size))


def select_by_weights(summaries: Sequence[Summary]) -> WeightedCandidates:
    """Weights nearest to equal ones (maximum entropy) that reproduce published summaries within their errors.

    Parameters
    ----------
    summaries : one or more, all over the same candidates.

    Raises
    ------
    InputError
        When sizes differ, a standard error is not above 0, or no candidate can show a published value (then it
        lies outside the candidates' range and no weights reach it).

    Notes
    -----
    Minimizes the divergence from equal weights plus half the squared standardized misfit. The solution is an
    exponential tilt, weight ~ exp(sum of multiplier x statement); its convex dual is solved by Newton's method.
    """
    statements, errors = _statements(summaries)
    multipliers = _tilt(statements, errors)
    weights = _softmax(statements @ multipliers)
    uniform = np.full(weights.size, 1.0 / weights.size)
    columns = [(np.asarray(one.values, dtype=float), _members(one.among, weights.size)) for one in summaries]
    return WeightedCandidates(
        weights=weights,
        before=np.array([_weighted(uniform, *column) for column in columns]),
        after=np.array([_weighted(weights, *column) for column in columns]),
        effective_n=float(1.0 / np.sum(weights**2)),
    )


def select_by_acceptance(selection: WeightedCandidates, stream: Stream) -> NDArray[np.int64]:
    """Whole, unweighted patients: each candidate is kept with probability weight / largest weight.

    Parameters
    ----------
    selection : the weights. stream : one keyed draw per candidate, so others do not change who is kept.

    Returns
    -------
    array (kept,): numbers of the candidates that are kept. Their plain shares equal the weighted ones but for chance.
    """
    draws = stream.of("acceptance").uniform(np.arange(selection.weights.size))
    return np.flatnonzero(draws < selection.weights / selection.weights.max())


def _statements(summaries: Sequence[Summary]) -> tuple[FloatArray, FloatArray]:
    """Columns whose weighted mean should be 0: array (candidate, summary), and each one's standard error."""
    if not summaries:
        raise InputError(Problem("summaries", [], "must hold at least one published share or mean"))
    n = np.size(summaries[0].values)
    problems, columns, errors = [], [], []
    for one in summaries:
        values = np.asarray(one.values, dtype=float)
        if values.size != n:
            problems.append(Problem(one.label, values.size, f"must have one value for each of the {n} candidates"))
            continue
        members = _members(one.among, n)
        inside = values[members]
        if not one.standard_error > 0:
            problems.append(Problem(one.label, one.standard_error, "standard_error must be above 0"))
        elif not inside.size or not inside.min() <= one.published <= inside.max():
            rule = "must lie within what candidates show"
            problems.append(Problem(one.label, one.published, rule, "Simulate candidates with wider parameters."))
        # A share among some is a statement about everybody: those not counted are neither for nor against.
        columns.append(np.where(members, np.where(members, values, 0.0) - one.published, 0.0))
        errors.append(one.standard_error * float(members.mean()))
    if problems:
        raise InputError(problems)
    return np.stack(columns, axis=1), np.array(errors)


def _tilt(statements: FloatArray, errors: FloatArray) -> FloatArray:
    """Multipliers that minimize log mean exp(statements x multipliers) + (multipliers x errors)^2 / 2."""
    # Unit scale makes the Newton steps comparable; multipliers are scaled back at the end.
    unit = np.maximum(statements.std(axis=0), _RIDGE)
    scaled, slack = statements / unit, (errors / unit) ** 2
    found = np.zeros(scaled.shape[1])
    value = _dual(scaled, slack, found)
    for _ in range(_MOST_STEPS):
        weights = _softmax(scaled @ found)
        mean = weights @ scaled
        gradient = mean + slack * found
        if np.abs(gradient).max() < _CLOSE:
            break
        centered = scaled - mean
        curvature = (centered * weights[:, None]).T @ centered + np.diag(slack + _RIDGE)
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while length > 1e-8 and _dual(scaled, slack, found - length * step) > value:
            length /= 2.0
        found = found - length * step
        value = _dual(scaled, slack, found)
    answer: FloatArray = found / unit
    return answer


def _dual(statements: FloatArray, slack: FloatArray, multipliers: FloatArray) -> float:
    from scipy.special import logsumexp

    return float(logsumexp(statements @ multipliers) + 0.5 * np.sum(slack * multipliers**2))


def _softmax(score: FloatArray) -> FloatArray:
    weights = np.exp(score - score.max())
    found: FloatArray = weights / weights.sum()
    return found


def _members(among: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    return np.ones(n, dtype=bool) if among is None else np.asarray(among, dtype=bool)


def _weighted(weights: FloatArray, values: FloatArray, members: NDArray[np.bool_]) -> float:
    counted = np.where(members, weights, 0.0)
    return float(np.sum(counted * np.where(members, values, 0.0)) / counted.sum())
