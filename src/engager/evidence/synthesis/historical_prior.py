"""A prior for the control arm of a new trial, from the control arms of earlier ones.

Meta-analytic-predictive: earlier true shares scatter around a mean on the logit scale, logit p_i ~ N(mu,
tau^2), and the new trial's share is one more of them. The posterior of (mu, tau) is integrated on a grid,
without sampling; the predictive distribution becomes a mixture of beta distributions, to which a vague part
is added in case the new trial is unlike the earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logsumexp
from scipy.stats import norm

from engager.core import FloatArray, InputError, Problem
from engager.evidence.synthesis.beta_mixture import BetaMixture, fit_beta_mixture
from engager.evidence.synthesis.binomial_normal import study_log_likelihoods

if TYPE_CHECKING:
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
        parts = zip(self.prior.weights, self.prior.a, self.prior.b, strict=True)
        own = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("prior", "predictive")}
        return {
            "components": [{"weight": float(w), "a": float(a), "b": float(b)} for w, a, b in parts],
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
    mu, tau, weight = _posterior_grid(np.asarray(events, float), np.asarray(n, float), tau_scale, mean_sd)
    logit = np.linspace(-12, 12, 1601)
    density = _predictive_density(logit, mu, tau, weight)
    mass = density / density.sum()
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
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points (mu, tau) and their posterior weights, each array (point,).

    tau runs to 4 scales over Gauss-Legendre nodes of its square root, which are dense near 0 where the
    posterior may peak; mu over an even grid wide enough for each tau.
    """
    node, node_weight = np.polynomial.legendre.leggauss(48)
    root = (node + 1) / 2
    taus, jacobian = 4 * tau_scale * root**2, 4 * tau_scale * root
    center = float(np.log((k.sum() + 0.5) / (m.sum() - k.sum() + 0.5)))
    nodes = np.polynomial.hermite.hermgauss(15)
    mus, all_taus, logs = [], [], []
    for tau, tau_weight in zip(taus, node_weight * jacobian, strict=True):
        spread = min(np.sqrt((tau**2 + 1.0) / k.size + 4 / m.sum()), 2.0)
        grid = center + np.linspace(-6, 6, 97) * spread
        eta = np.repeat(grid, k.size)
        each = study_log_likelihoods(eta, float(tau), np.tile(k, grid.size), np.tile(m, grid.size), nodes)
        prior = norm.logpdf(grid, 0, mean_sd) + norm.logpdf(tau, 0, tau_scale)
        logs.append(each.reshape(grid.size, k.size).sum(axis=1) + prior + np.log(tau_weight * (grid[1] - grid[0])))
        mus.append(grid)
        all_taus.append(np.full(grid.size, tau))
    log_weight = np.concatenate(logs)
    return np.concatenate(mus), np.concatenate(all_taus), np.exp(log_weight - logsumexp(log_weight))


def _predictive_density(logit: FloatArray, mu: FloatArray, tau: FloatArray, weight: FloatArray) -> FloatArray:
    keep = weight > 1e-10
    return np.asarray(norm.pdf(logit[:, None], mu[keep], np.maximum(tau[keep], 0.01)) @ weight[keep])


def _check(
    events: FloatArray, n: FloatArray, tau_scale: float, mean_sd: float, robust_weight: float, robust_mean: float
) -> None:
    problems = []
    if np.size(events) == 0:
        problems.append(Problem("historical prior", 0, "needs at least one earlier control arm"))
    elif np.any(np.asarray(events) > np.asarray(n)) or np.any(np.asarray(n) < 1) or np.any(np.asarray(events) < 0):
        problems.append(Problem("historical prior", list(events), "events must lie in 0 to n, n at least 1"))
    for name, value in (("tau_scale", tau_scale), ("mean_sd", mean_sd)):
        if not value > 0:
            problems.append(Problem(name, value, "must be > 0"))
    if not 0 <= robust_weight < 1:
        problems.append(Problem("robust_weight", robust_weight, "must be in 0 to 1, 1 excluded"))
    if not 0 < robust_mean < 1:
        problems.append(Problem("robust_mean", robust_mean, "must be in 0 to 1, both excluded"))
    if problems:
        raise InputError(problems)
