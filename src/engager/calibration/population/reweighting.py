"""A posterior without one study, by weights instead of another fit.

Each draw of the posterior is weighted by one over the likelihood that it gives to the study's figures: what is left
is, up to chance, the posterior from the other studies. The likelihood is normal about what a ridge regression says the
virtual trials of the study show at the draw's values; what the trials scatter by around it holds sampling error and
the effect of a study that is not known yet. Weights of few draws that carry all are smoothed by a generalized Pareto
tail, and the effective number of draws tells whether the answer is worth anything.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry 2024, "Pareto smoothed importance sampling", JMLR 25(72).
Zhang & Stephens 2009, "A new and efficient estimation method for the generalized Pareto distribution", Technometrics
51(3):316, doi:10.1198/tech.2009.08017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engager.calibration.population.ridge import ridge_expectation
from engager.core import FloatArray

# Weights whose tail is heavier have no variance worth the name: a fit without the study is needed.
WORST_TAIL = 0.7
FEWEST_EFFECTIVE = 50.0


@dataclass(frozen=True)
class Weights:
    """Weights of draws.

    Attributes
    ----------
    weight : array (draw,), sum 1. effective : number of equally weighted draws that say as much.
    tail : shape of the Pareto tail of the raw weights; above `WORST_TAIL` they are not to be trusted.
    """

    weight: FloatArray
    effective: float
    tail: float

    @property
    def is_trusted(self) -> bool:
        return self.effective >= FEWEST_EFFECTIVE and self.tail <= WORST_TAIL


def likelihood_of_study(unknowns: FloatArray, simulated: FloatArray, observed: FloatArray) -> FloatArray:
    """Log likelihood of a study's figures for each draw: array (draw,).

    Parameters
    ----------
    unknowns : array (draw, unknown), on the fit's unbounded scale.
    simulated : array (draw, datum), a virtual trial of the published size for each draw, with a study effect of its
        own; NaN: not estimable. observed : array (datum,).
    """
    known = np.where(np.isnan(simulated), np.nanmean(simulated, axis=0), simulated)
    expected, away = ridge_expectation(unknowns, known)
    scatter = np.atleast_2d(np.cov(away, rowvar=False))
    # shrunk a little to its diagonal: as many draws as figures would else make it singular
    share = observed.size / (observed.size + len(known))
    scatter = (1 - share) * scatter + share * np.diag(np.diag(scatter))
    lower = np.linalg.cholesky(scatter + 1e-9 * np.eye(observed.size))
    distance = np.linalg.solve(lower, (observed - expected).T)
    return np.asarray(-0.5 * np.sum(distance**2, axis=0))


def without(log_likelihood: FloatArray) -> Weights:
    """Weights that take a likelihood out of a posterior: smoothed one over the likelihood."""
    log_weight = -(log_likelihood - log_likelihood.min())
    log_weight -= log_weight.max()
    weight, tail = _smoothed(np.exp(log_weight))
    weight = weight / weight.sum()
    return Weights(weight, float(1.0 / np.sum(weight**2)), tail)


def _smoothed(weight: FloatArray) -> tuple[FloatArray, float]:
    """Largest weights replaced by expected order statistics of the tail fitted to them, and the tail's shape."""
    n = weight.size
    n_tail = int(min(np.ceil(0.2 * n), 3 * np.sqrt(n)))
    if n_tail < 5:
        return weight, float("inf")
    order = np.argsort(weight)
    tail, threshold = order[-n_tail:], weight[order[-n_tail - 1]]
    beyond = weight[tail] - threshold
    if beyond[0] <= 0:
        return weight, 0.0 if np.ptp(weight) == 0 else float("inf")
    shape, scale = generalized_pareto(beyond)
    ranks = (np.arange(n_tail) + 0.5) / n_tail
    quantile = scale * np.expm1(-shape * np.log1p(-ranks)) / shape if abs(shape) > 1e-9 else -scale * np.log1p(-ranks)
    found = weight.copy()
    found[tail] = np.minimum(threshold + quantile, weight.max())
    return found, shape


def generalized_pareto(sample: FloatArray) -> tuple[float, float]:
    """Shape and scale of a generalized Pareto distribution from a sorted sample, by Zhang & Stephens 2009."""
    n = sample.size
    m = 30 + int(np.sqrt(n))
    quarter = sample[max(int(n / 4 + 0.5) - 1, 0)]
    theta = 1.0 / sample[-1] + (1.0 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3.0 * quarter)
    shape = np.mean(np.log1p(-theta[:, None] * sample), axis=1)
    log_posterior = n * (np.log(-theta / shape) - shape - 1.0)
    weight = np.exp(log_posterior - log_posterior.max())
    best = float(np.sum(theta * weight) / weight.sum())
    found = float(np.mean(np.log1p(-best * sample)))
    # a weak prior about 0.5, worth ten observations, as in the reference
    return (found * n + 5.0) / (n + 10.0), -found / best


def weighted_quantiles(values: FloatArray, weight: FloatArray, at: FloatArray) -> FloatArray:
    """Quantiles of weighted values; infinite ones count as beyond all others, NaN are left out."""
    known = ~np.isnan(values)
    values, weight = values[known], weight[known]
    order = np.argsort(values)
    cumulative = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(cumulative, at).clip(0, values.size - 1)
    return np.asarray(values[order][places])
