"""A prior for the control arm of a new trial, from the control arms of earlier ones.

Meta-analytic-predictive: earlier true shares scatter around a mean on the logit scale, logit p_i ~ N(mu,
tau^2), and the new trial's share is one more of them. The posterior of (mu, tau) is integrated on a grid
that follows it, without sampling; the predictive distribution becomes a mixture of beta distributions, to which
a vague part is added in case the new trial is unlike the earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logsumexp, ndtr
from scipy.stats import norm

from engager.core import FloatArray, InputError, Problem
from engager.evidence.synthesis.beta_mixture import BetaMixture, fit_beta_mixture
from engager.evidence.synthesis.binomial_normal import study_log_likelihoods

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from engager.evidence.synthesis.selection import Selection


@dataclass(frozen=True)
class HistoricalPrior:
    """A robust prior of a control share.

    Attributes
    ----------
    prior : the mixture to use, vague component last.
    predictive : the mixture before it was made robust.
    mean, sd, low, median, high : of the predictive distribution itself (95 % interval).
    tau_mean, tau_median : posterior of the standard deviation between studies (logit).
    effective_sample_size : of `prior`, in patients; `effective_sample_size_predictive` before the vague part.
    distance : Kullback-Leibler distance of the mixture from the predictive distribution.
    """

    prior: BetaMixture
    predictive: BetaMixture
    mean: float
    sd: float
    low: float
    median: float
    high: float
    tau_mean: float
    tau_median: float
    effective_sample_size: float
    effective_sample_size_predictive: float
    distance: float
    n_studies: int
    n_patients: int
    labels: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """A JSON-like mapping; `components` are (weight, a, b) of the robust prior."""
        return with_components(self, weight=self.prior.weights, a=self.prior.a, b=self.prior.b)


def with_components(found: DataclassInstance, **parts: FloatArray) -> dict[str, Any]:
    """The fields of a result, and in place of its mixtures the components of the robust prior.

    Parameters
    ----------
    parts : array (component,) each, by the key of a component.
    """
    rows = zip(*parts.values(), strict=True)
    components = [dict(zip(parts, map(float, row), strict=True)) for row in rows]
    own = {name: getattr(found, name) for name in found.__dataclass_fields__ if name not in ("prior", "predictive")}
    return {
        "components": components,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in own.items()},
    }


def prior_from_records(
    selection: Selection,
    tau_scale: float = 1.0,
    mean_sd: float = 2.0,
    robust_weight: float = 0.2,
    robust_mean: float = 0.5,
) -> HistoricalPrior:
    """The prior from a selection of control arms (`select` with statistic ``proportion``); see
    `prior_from_counts`.
    """
    events = np.array([study.events for study in selection.studies], dtype=float)
    n = np.array([study.n for study in selection.studies], dtype=float)
    labels = tuple(study.label for study in selection.studies)
    return prior_from_counts(
        events, n, tau_scale, mean_sd, robust_weight, robust_mean, labels=labels, left_out=selection.left_out
    )


def prior_from_counts(
    events: FloatArray,
    n: FloatArray,
    tau_scale: float = 1.0,
    mean_sd: float = 2.0,
    robust_weight: float = 0.2,
    robust_mean: float = 0.5,
    labels: tuple[str, ...] = (),
    left_out: tuple[str, ...] = (),
) -> HistoricalPrior:
    """The prior from counts of earlier control arms.

    Parameters
    ----------
    events, n : array (study,).
    tau_scale : tau ~ half-normal with this scale; 1 allows large differences between studies on the logit
        scale.
    mean_sd : mu ~ N(0, mean_sd^2), logit.
    robust_weight : weight of the vague component, in [0, 1); 0.2 gives up a fifth of the trust in the past.
    robust_mean : mean of the vague component.

    Raises
    ------
    InputError
        When there is no study, or a setting is outside its range.

    References
    ----------
    Schmidli et al. 2014, doi:10.1111/biom.12242 (robust meta-analytic-predictive priors).
    """
    _check(events, n, tau_scale, mean_sd, robust_weight, robust_mean)
    mu, tau, kernel, weight = _posterior_grid(np.asarray(events, float), np.asarray(n, float), tau_scale, mean_sd)
    logit, mass = _predictive(mu, np.hypot(tau, kernel), weight)
    share = expit(logit)
    mean = float(mass @ share)
    cumulative = np.cumsum(mass) - mass / 2
    low, median, high = (float(expit(np.interp(p, cumulative, logit))) for p in (0.025, 0.5, 0.975))
    keep = mass > 1e-12
    mixture, distance = fit_beta_mixture(share[keep], mass[keep] / mass[keep].sum())
    robust = mixture.robust(robust_weight, robust_mean) if robust_weight > 0 else mixture
    taus, place = np.unique(tau, return_inverse=True)
    tau_weight = np.bincount(place, weights=weight)
    return HistoricalPrior(
        prior=robust,
        predictive=mixture,
        mean=mean,
        sd=float(np.sqrt(mass @ share**2 - mean**2)),
        low=low,
        median=median,
        high=high,
        tau_mean=float(weight @ tau),
        tau_median=float(np.interp(0.5, np.cumsum(tau_weight) - tau_weight / 2, taus)),
        effective_sample_size=robust.effective_sample_size(),
        effective_sample_size_predictive=mixture.effective_sample_size(),
        distance=distance,
        n_studies=int(np.size(events)),
        n_patients=int(np.sum(n)),
        labels=labels,
        left_out=left_out,
    )


def _posterior_grid(
    k: FloatArray, m: FloatArray, tau_scale: float, mean_sd: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Points (mu, tau), half the spacing of mu there, and posterior weights, each array (point,).

    Both grids follow the posterior: tau runs over what holds its mass, whatever `tau_scale` is (large studies that
    differ push tau far beyond it), and mu over what holds its mass at each tau.
    """

    def over_mu(tau: float) -> tuple[FloatArray, FloatArray]:
        return _mu_grid(k, m, float(tau), tau_scale, mean_sd)

    def log_posterior(tau: float) -> float:
        return float(logsumexp(over_mu(tau)[1]))

    taus, tau_weights = follow_scale(log_posterior, tau_scale)
    mus, all_taus, kernels, logs = [], [], [], []
    for tau, tau_weight in zip(taus, tau_weights, strict=True):
        grid, log_mass = over_mu(tau)
        mus.append(grid)
        logs.append(log_mass + np.log(tau_weight))
        all_taus.append(np.full(grid.size, tau))
        kernels.append(np.full(grid.size, 0.5 * (grid[1] - grid[0])))
    log_weight = np.concatenate(logs)
    weight = np.exp(log_weight - logsumexp(log_weight))
    return np.concatenate(mus), np.concatenate(all_taus), np.concatenate(kernels), weight


def _mu_grid(
    k: FloatArray, m: FloatArray, tau: float, tau_scale: float, mean_sd: float
) -> tuple[FloatArray, FloatArray]:
    """A grid of mu that holds its posterior at one tau, and the log of mass times prior of tau, array (mu,)."""

    def log_density(grid: FloatArray) -> FloatArray:
        eta = np.repeat(grid, k.size)
        each = study_log_likelihoods(eta, tau, np.tile(k, grid.size), np.tile(m, grid.size))
        return np.asarray(each.reshape(grid.size, k.size).sum(axis=1) + norm.logpdf(grid, 0, mean_sd))

    grid = _window(log_density, -8.0 * mean_sd, 8.0 * mean_sd)
    return grid, log_density(grid) + np.log(grid[1] - grid[0]) + float(norm.logpdf(tau, 0, tau_scale))


def _window(log_density: Callable[[FloatArray], FloatArray], low: float, high: float) -> FloatArray:
    """An even grid over what holds a density of one hill, found by narrowing."""
    for _ in range(20):
        grid = np.linspace(low, high, 17)
        height = log_density(grid)
        inside = np.flatnonzero(height > height.max() - _DEPTH)
        narrower = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, grid.size - 1)]
        if narrower[1] - narrower[0] > 0.7 * (high - low):
            break
        low, high = narrower
    return np.linspace(low, high, 65)


# Down to e^-30 of its top a posterior is followed.
_DEPTH = 30.0


def follow_scale(log_posterior: Callable[[float], float], scale: float) -> tuple[FloatArray, FloatArray]:
    """Quadrature of a standard deviation over what holds its posterior density, however narrow or far off.

    Parameters
    ----------
    log_posterior : log density at one value > 0, up to a constant; one hill, which may lie at 0.
    scale : of its prior, where the search begins.

    Returns
    -------
    nodes and weights, array (node,): Gauss-Legendre in the square root, dense near 0 where the density may peak.
    """
    tried = scale * np.geomspace(1e-4, 1e6, 41)
    height = np.full(tried.size, -np.inf)
    for index, tau in enumerate(tried):
        height[index] = log_posterior(float(tau)) if tau < _LARGEST else -np.inf
        if height[index] < height.max() - 3 * _DEPTH:
            break
    for _ in range(3):
        inside = np.flatnonzero(height > height.max() - _DEPTH)
        low = 0.0 if inside[0] == 0 and tried[0] < 1e-3 * tried[inside[-1]] else tried[max(inside[0] - 1, 0)]
        high = tried[min(inside[-1] + 1, tried.size - 1)]
        if low == 0.0 or high > 1.5 * low:
            break
        # A hill between two or three of the values tried: look again between them.
        tried = np.geomspace(low, high, 25)
        height = np.array([log_posterior(float(tau)) for tau in tried])
    node, weight = np.polynomial.legendre.leggauss(48)
    low, high = np.sqrt(low), np.sqrt(high)
    root = low + (high - low) * (node + 1) / 2
    return root**2, weight * (high - low) * root


# Logits that differ by more than this are all 0 or 1.
_LARGEST = 60.0
# Logits or logs with this standard deviation say nothing any more; beyond it only overflow is left.
LARGEST_SCALE = 100.0
# Shares nearer to 0 or 1 than 1e-13 are told from them by rounding alone.
_EDGE = 30.0


def _predictive(mu: FloatArray, sd: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logits and the mass of a mixture of normals at each: cells of much alike mass, narrow where it peaks."""
    keep = weight > 1e-10
    mu, sd, weight = mu[keep], sd[keep], weight[keep] / weight[keep].sum()
    wanted = expit(np.linspace(-_DEPTH / 1.5, _DEPTH / 1.5, 801))
    edges = np.linspace(float((mu - 8 * sd).min()), float((mu + 8 * sd).max()), wanted.size)
    for _ in range(4):
        below = np.maximum.accumulate(ndtr((edges[:, None] - mu) / sd) @ weight)
        edges = np.unique(np.interp(wanted, below, edges))
    edges = np.unique(np.clip(edges, -_EDGE, _EDGE))
    below = ndtr((edges[:, None] - mu) / sd) @ weight
    # What lies beyond the edges is in the outermost cells.
    below[[0, -1]] = 0.0, 1.0
    return 0.5 * (edges[1:] + edges[:-1]), np.diff(below)


def _check(
    events: FloatArray, n: FloatArray, tau_scale: float, mean_sd: float, robust_weight: float, robust_mean: float
) -> None:
    problems = []
    if np.size(events) == 0:
        problems.append(Problem("historical prior", 0, "needs at least one earlier control arm"))
    elif not np.all((np.asarray(events) >= 0) & (np.asarray(events) <= n) & (np.asarray(n) >= 1) & np.isfinite(n)):
        rule = "events must lie in 0 to n, n at least 1"
        problems.append(Problem("historical prior", np.asarray(events).tolist(), rule))
    for name, value in (("tau_scale", tau_scale), ("mean_sd", mean_sd)):
        if not 0 < value <= LARGEST_SCALE:
            problems.append(Problem(name, value, f"must be > 0 and at most {LARGEST_SCALE:g}"))
    if not 0 <= robust_weight < 1:
        problems.append(Problem("robust_weight", robust_weight, "must be in 0 to 1, 1 excluded"))
    if not 0 < robust_mean < 1:
        problems.append(Problem("robust_mean", robust_mean, "must be in 0 to 1, both excluded"))
    if problems:
        raise InputError(problems)
