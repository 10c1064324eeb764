"""A prior for the control arm's median survival in a new trial, from published medians of earlier ones.

Meta-analytic-predictive on the log scale: log median_i ~ N(theta_i, se_i^2), theta_i ~ N(mu, tau^2), and the
new trial's theta is one more. Given tau everything is normal, so the predictive distribution is a mixture of
normals over tau, kept as it is. Its effective sample size counts deaths: with a constant hazard one death is
worth a variance of 1 on this scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import norm

from engager.core import FloatArray, InputError, Problem
from engager.evidence.records.intervals import standard_error_from_interval
from engager.evidence.synthesis.historical_prior import LARGEST_SCALE, follow_scale, with_components

if TYPE_CHECKING:
    from engager.evidence.synthesis.selection import Selection

_NEGLIGIBLE = 1e-5


@dataclass(frozen=True)
class NormalMixture:
    """A mixture of normal distributions; weights, means and sds are array (component,)."""

    weights: FloatArray
    means: FloatArray
    sds: FloatArray

    @property
    def mean(self) -> float:
        return float(self.weights @ self.means)

    @property
    def sd(self) -> float:
        return float(np.sqrt(self.weights @ (self.sds**2 + self.means**2) - self.mean**2))

    def quantile(self, p: float) -> float:
        """The value below which a part p lies."""
        low, high = float((self.means - 12 * self.sds).min()), float((self.means + 12 * self.sds).max())
        return float(brentq(lambda x: float(self.weights @ norm.cdf(x, self.means, self.sds)) - p, low, high))

    def effective_events(self) -> float:
        """Expected local information ratio against one death (variance 1): how many deaths the prior is
        worth.
        """
        x = np.linspace(self.quantile(1e-6), self.quantile(1 - 1e-6), 4001)
        parts = np.log(self.weights) + norm.logpdf(x[:, None], self.means, self.sds)
        density = np.exp(logsumexp(parts, axis=1))
        share = np.exp(parts - logsumexp(parts, axis=1, keepdims=True))
        slope = -(x[:, None] - self.means) / self.sds**2
        mean_slope = (share * slope).sum(axis=1)
        curvature = (share * (slope**2 - 1 / self.sds**2)).sum(axis=1) - mean_slope**2
        return float(np.trapezoid(-curvature * density, x))


@dataclass(frozen=True)
class HistoricalMedian:
    """A robust prior of a control arm's log median survival.

    Attributes
    ----------
    prior : mixture on log months, vague component last; `predictive` before it was made robust.
    low, median, high : of the predictive distribution [months], 95 % interval.
    tau_mean : posterior mean of the standard deviation between studies (log).
    effective_events, effective_events_predictive : deaths the prior is worth, with and without the vague
        part.
    """

    prior: NormalMixture
    predictive: NormalMixture
    low: float
    median: float
    high: float
    tau_mean: float
    effective_events: float
    effective_events_predictive: float
    n_studies: int
    labels: tuple[str, ...]
    left_out: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """A JSON-like mapping; `components` are (weight, mean, sd) of the robust prior on log months."""
        return with_components(self, weight=self.prior.weights, mean=self.prior.means, sd=self.prior.sds)


def median_prior_from_records(
    selection: Selection, tau_scale: float = 0.5, robust_weight: float = 0.2
) -> HistoricalMedian:
    """The prior from a selection with statistic ``median``; medians without a finite interval are left out
    and told.
    """
    usable = [study for study in selection.studies if _has_interval(study.outcome)]
    reason = "no finite interval in the record"
    told = tuple(f"{s.record}/{s.arm}: {reason}" for s in selection.studies if not _has_interval(s.outcome))
    effect = np.array([np.log(study.outcome.value or np.nan) for study in usable])
    se = np.array(
        [
            standard_error_from_interval(
                float(np.log(study.outcome.low or np.nan)),
                float(np.log(study.outcome.high or np.nan)),
                study.outcome.level,
            )
            for study in usable
        ]
    )
    labels = tuple(study.label for study in usable)
    return prior_from_log_medians(effect, se, tau_scale, robust_weight, labels, (*selection.left_out, *told))


def prior_from_log_medians(
    effect: FloatArray,
    se: FloatArray,
    tau_scale: float = 0.5,
    robust_weight: float = 0.2,
    labels: tuple[str, ...] = (),
    left_out: tuple[str, ...] = (),
) -> HistoricalMedian:
    """The prior from log medians and their standard errors, each array (study,).

    Parameters
    ----------
    tau_scale : tau ~ half-normal; 0.5 lets true medians differ between trials by a factor of about 2.7 (95
        %).
    robust_weight : weight of a vague component worth one death, centered at the predictive mean.

    Raises
    ------
    InputError
        When there is no study, or a setting is outside its range.

    Notes
    -----
    The mean of the log medians has a flat prior, so one study suffices only because tau has a proper one.
    """
    problems = []
    if np.size(effect) == 0:
        problems.append(Problem("historical median", 0, "needs at least one median with a finite interval"))
    if not 0 < tau_scale <= LARGEST_SCALE:
        problems.append(Problem("tau_scale", tau_scale, f"must be > 0 and at most {LARGEST_SCALE:g}"))
    if not 0 <= robust_weight < 1:
        problems.append(Problem("robust_weight", robust_weight, "must be in 0 to 1, 1 excluded"))
    if problems:
        raise InputError(problems)
    y, variance = np.asarray(effect, dtype=float), np.asarray(se, dtype=float) ** 2

    def parts(tau: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Precision and mean of mu, and log posterior density of tau, at each tau."""
        total = variance[None, :] + tau[:, None] ** 2
        precision = (1 / total).sum(axis=1)
        mean = (y / total).sum(axis=1) / precision
        residual = ((y - mean[:, None]) ** 2 / total).sum(axis=1)
        log_density = -0.5 * (np.log(total).sum(axis=1) + np.log(precision) + residual)
        return precision, mean, log_density + norm.logpdf(tau, 0, tau_scale)

    tau, tau_weight = follow_scale(lambda one: float(parts(np.array([one]))[2][0]), tau_scale)
    precision, mean, log_density = parts(tau)
    log_weight = log_density + np.log(tau_weight)
    weight = np.exp(log_weight - logsumexp(log_weight))
    keep = weight > _NEGLIGIBLE
    sds = np.sqrt(1 / precision + tau**2)
    predictive = NormalMixture(weight[keep] / weight[keep].sum(), mean[keep], sds[keep])
    prior = predictive
    if robust_weight > 0:
        prior = NormalMixture(
            np.append(predictive.weights * (1 - robust_weight), robust_weight),
            np.append(predictive.means, predictive.mean),
            np.append(predictive.sds, 1.0),
        )
    low, median, high = (float(np.exp(predictive.quantile(p))) for p in (0.025, 0.5, 0.975))
    return HistoricalMedian(
        prior=prior,
        predictive=predictive,
        low=low,
        median=median,
        high=high,
        tau_mean=float(weight @ tau),
        effective_events=prior.effective_events(),
        effective_events_predictive=predictive.effective_events(),
        n_studies=int(y.size),
        labels=labels,
        left_out=left_out,
    )


def _has_interval(outcome: Any) -> bool:
    return outcome.low is not None and outcome.high is not None and outcome.low > 0 and bool(outcome.value)
