"""How much studies and regimens differ: the distribution of the spreads of a hierarchy, all else summed over.

A figure is linear in an effect, and an effect is spread times a number around 0: so no figure correlates with a spread,
and an ensemble smoother leaves it where its prior was. Drawing a spread from what the effects of an ensemble say fails
too, the other way: an effect that its study's few figures hardly inform keeps most of its width, which then counts as
a difference between studies. Here effects and common unknowns are summed over instead. Figures are taken as linear in
them, by ridge regression over the ensemble; what was published is then normal, with a covariance in which each spread
has its own part, and the spreads are sampled from half-normal priors times that likelihood.

In: an ensemble and what it predicts. Out: the same members, their spreads moved to that distribution in the order they
had among each other, so that an ensemble that has it already stays as it is.

References
----------
Gelman 2006, "Prior distributions for variance parameters in hierarchical models", doi:10.1214/06-BA117A (half-normal
and half-t priors; what few groups can say of a spread).
Roberts, Gelman & Gilks 1997, doi:10.1214/aoap/1034625254 (acceptance of random-walk Metropolis).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engager.calibration.population.ridge import ridge_slopes
from engager.core import BoolArray, FloatArray, Stream

_STEPS, _BURN_IN, _EVERY = 10_000, 2_000, 5
# Step of the random walk on the logarithm of a spread, and how many of the spreads a step moves, of all.
_STEP, _SHARE_MOVED = 0.4, 0.4


@dataclass(frozen=True)
class Spread:
    """One spread of a hierarchy.

    Attributes
    ----------
    place : of the spread among the unknowns. own : places of the standard normal numbers it multiplies.
    scale : of its half-normal prior.
    """

    place: int
    own: tuple[int, ...]
    scale: float


@dataclass(frozen=True)
class LinearFigures:
    """Figures as linear in unknowns.

    Attributes
    ----------
    slopes : array (datum, unknown), effects on their own scale, spread times number. intercept : array (datum,).
    """

    slopes: FloatArray
    intercept: FloatArray


def linear_figures(members: FloatArray, simulated: FloatArray, concerns: BoolArray) -> LinearFigures:
    """Regress what an ensemble predicts on its unknowns.

    Parameters
    ----------
    members : array (member, unknown), effects on their own scale. simulated : array (member, datum); NaN: not
        estimable.
    concerns : array (unknown, datum), which unknowns a datum may depend on.
    """
    n_data = simulated.shape[1]
    known = np.where(np.isnan(simulated), np.nanmean(simulated, axis=0), simulated)
    slopes = np.zeros((n_data, members.shape[1]))
    patterns, group = np.unique(concerns.T, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        data = np.flatnonzero(group.ravel() == k)
        slopes[np.ix_(data, np.flatnonzero(pattern))] = ridge_slopes(members[:, pattern], known[:, data])
    return LinearFigures(slopes, known.mean(axis=0) - slopes @ members.mean(axis=0))


def sampled_spreads(
    figures: LinearFigures,
    spreads: Sequence[Spread],
    common: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    stream: Stream,
) -> FloatArray:
    """Spreads given what was published: array (draw, spread).

    Parameters
    ----------
    common : array (unknown,), prior means of the unknowns with a prior of their own, on a scale where it has standard
        deviation 1; NaN for effects, which are around 0, and for spreads.
    observed, variance : arrays (datum,), published figures and the variance of their sampling error.
    """
    is_common = ~np.isnan(common)
    of_common = figures.slopes[:, is_common]
    away = observed - figures.intercept - of_common @ common[is_common]
    fixed = np.diag(variance) + of_common @ of_common.T
    parts = np.stack([figures.slopes[:, one.own] @ figures.slopes[:, one.own].T for one in spreads])
    scales = np.array([one.scale for one in spreads])

    def log_density(logs: FloatArray) -> float:
        sizes = np.exp(logs)
        lower = np.linalg.cholesky(fixed + np.tensordot(sizes**2, parts, axes=1))
        distance = np.linalg.solve(lower, away)
        # on the logarithm of a spread, hence one power of the spread more
        prior = np.sum(logs - 0.5 * (sizes / scales) ** 2)
        return float(prior - np.sum(np.log(np.diag(lower))) - 0.5 * distance @ distance)

    steps = np.arange(_STEPS)
    jumps = _STEP * stream.of("jump").normal(steps, scales.size).reshape(_STEPS, -1)
    jumps *= stream.of("moved").uniform(steps, scales.size).reshape(_STEPS, -1) < _SHARE_MOVED
    limits = np.log(stream.of("accept").uniform(steps))
    at = np.log(0.6 * scales)
    density = log_density(at)
    kept = []
    for k in range(_STEPS):
        proposed = at + jumps[k]
        if (found := log_density(proposed)) - density > limits[k]:
            at, density = proposed, found
        if k >= _BURN_IN and k % _EVERY == 0:
            kept.append(np.exp(at))
    return np.array(kept)


def mapped(values: FloatArray, sample: FloatArray) -> FloatArray:
    """Values with the distribution of a sample, in the order they had: array like `values`."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(np.quantile(sample, (ranks + 0.5) / values.size))
