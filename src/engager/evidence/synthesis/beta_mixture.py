"""Mixtures of beta distributions: density, moments, effective sample size, posterior, and fitting to a
density.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln, digamma, logsumexp, polygamma
from scipy.stats import beta as beta_distribution

from engager.core import FloatArray


@dataclass(frozen=True)
class BetaMixture:
    """A prior of a share.

    Attributes
    ----------
    weights, a, b : array (component,); weights sum to 1; the last component of a robust prior is the vague
        one.
    """

    weights: FloatArray
    a: FloatArray
    b: FloatArray

    @property
    def mean(self) -> float:
        return float(self.weights @ (self.a / (self.a + self.b)))

    @property
    def sd(self) -> float:
        total = self.a + self.b
        second = self.a * (self.a + 1) / (total * (total + 1))
        return float(np.sqrt(self.weights @ second - self.mean**2))

    def density(self, share: FloatArray) -> FloatArray:
        """Density at shares in (0, 1)."""
        return np.asarray(np.exp(logsumexp(self._log_parts(share), axis=1)))

    def cdf(self, share: FloatArray | float) -> FloatArray:
        """Probability of a share at most this."""
        x = np.atleast_1d(np.asarray(share, dtype=float))
        return np.asarray(beta_distribution.cdf(x[:, None], self.a, self.b) @ self.weights)

    def quantile(self, p: float) -> float:
        """The share below which a part p lies."""
        return float(brentq(lambda x: float(self.cdf(x)[0]) - p, 1e-12, 1 - 1e-12, xtol=1e-12))

    def robust(self, weight: float = 0.2, mean: float = 0.5) -> BetaMixture:
        """The mixture with a vague component of two pseudo-patients, against a trial unlike those before."""
        return BetaMixture(
            np.append(self.weights * (1 - weight), weight),
            np.append(self.a, 2 * mean),
            np.append(self.b, 2 * (1 - mean)),
        )

    def posterior(self, events: int, n: int) -> BetaMixture:
        """After `events` of `n` new patients; components that predicted them badly lose weight."""
        a, b = self.a + events, self.b + n - events
        log_weight = np.log(self.weights) + betaln(a, b) - betaln(self.a, self.b)
        return BetaMixture(np.exp(log_weight - logsumexp(log_weight)), a, b)

    def effective_sample_size(self) -> float:
        """How many patients the prior is worth: expected local information ratio.

        A component that rises without bound at 0 or 1 (a or b below 1) has no such ratio; then by moments.

        References
        ----------
        Neuenschwander et al. 2020, doi:10.1111/biom.13252.
        """
        if np.any(self.a < 1.0) or np.any(self.b < 1.0):
            return self.effective_sample_size_by_moments()
        # Gauss-Legendre pieces between quantiles, so that narrow components are not stepped over.
        edges = np.unique(np.concatenate([[0.0, 1.0], [self.quantile(p) for p in np.linspace(0.001, 0.999, 60)]]))
        node, node_weight = np.polynomial.legendre.leggauss(12)
        half = np.diff(edges) / 2
        x = ((edges[:-1] + half)[:, None] + half[:, None] * node[None, :]).ravel()
        w = (half[:, None] * node_weight[None, :]).ravel()
        information = -self._log_curvature(x)
        return float(np.sum(w * self.density(x) * information * x * (1 - x)))

    def effective_sample_size_by_moments(self) -> float:
        """a + b of the one beta distribution with the same mean and standard deviation; smaller, more
        cautious.
        """
        return self.mean * (1 - self.mean) / self.sd**2 - 1

    def _log_parts(self, share: FloatArray) -> FloatArray:
        x = np.asarray(share, dtype=float)[:, None]
        return np.asarray(
            np.log(self.weights) + (self.a - 1) * np.log(x) + (self.b - 1) * np.log1p(-x) - betaln(self.a, self.b)
        )

    def _log_curvature(self, x: FloatArray) -> FloatArray:
        """Second derivative of the log density."""
        parts = self._log_parts(x)
        responsibility = np.exp(parts - logsumexp(parts, axis=1, keepdims=True))
        y = x[:, None]
        first = (self.a - 1) / y - (self.b - 1) / (1 - y)
        second = -(self.a - 1) / y**2 - (self.b - 1) / (1 - y) ** 2
        mean_first = (responsibility * first).sum(axis=1)
        return np.asarray((responsibility * (second + first**2)).sum(axis=1) - mean_first**2)


def fit_beta_mixture(
    share: FloatArray, mass: FloatArray, max_components: int = 4, tolerance: float = 1e-3
) -> tuple[BetaMixture, float]:
    """The smallest mixture close to a distribution given by masses at shares, and how far it is.

    Parameters
    ----------
    share, mass : array (point,); masses sum to 1.
    tolerance : Kullback-Leibler distance at which no further component is added.

    Returns
    -------
    mixture and its Kullback-Leibler distance (relative to the best that was reached when none is below
    `tolerance`).
    """
    width = np.gradient(share)
    target = mass / width
    entropy = float(np.sum(mass * np.log(np.maximum(target, 1e-300))))
    best: tuple[float, BetaMixture] | None = None
    for n_components in range(1, max_components + 1):
        mixture = _expectation_maximization(share, mass, n_components)
        distance = entropy - float(np.sum(mass * np.log(np.maximum(mixture.density(share), 1e-300))))
        if best is None or distance < best[0] - tolerance / 10:
            best = (distance, mixture)
        if best[0] < tolerance:
            break
    assert best is not None
    return best[1], best[0]


def _expectation_maximization(share: FloatArray, mass: FloatArray, n_components: int) -> BetaMixture:
    """Start from slices of the distribution, then 150 rounds; deterministic."""
    order = np.cumsum(mass)
    part = np.minimum((order * n_components).astype(int), n_components - 1)
    hard = (part[:, None] == np.arange(n_components)[None, :]).astype(float)
    a, b, weights = _maximize(share, mass, 0.9 * hard + 0.1 / n_components)
    for _ in range(150):
        mixture = BetaMixture(weights, a, b)
        parts = mixture._log_parts(share)
        responsibility = np.exp(parts - logsumexp(parts, axis=1, keepdims=True))
        a, b, weights = _maximize(share, mass, responsibility, (a, b))
    return BetaMixture(weights, a, b)


def _maximize(
    share: FloatArray, mass: FloatArray, responsibility: FloatArray, start: tuple[FloatArray, FloatArray] | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Beta parameters from weighted means of log x and log(1 - x), by Newton; weights from the total mass."""
    w = mass[:, None] * responsibility
    total = w.sum(axis=0)
    log_x = (w * np.log(share)[:, None]).sum(axis=0) / total
    log_1x = (w * np.log1p(-share)[:, None]).sum(axis=0) / total
    if start is None:
        mean = (w * share[:, None]).sum(axis=0) / total
        variance = (w * (share[:, None] - mean) ** 2).sum(axis=0) / total
        scale = np.maximum(mean * (1 - mean) / variance - 1, 0.5)
        start = (mean * scale, (1 - mean) * scale)
    a, b = start[0].copy(), start[1].copy()
    for _ in range(4):
        both = digamma(a + b)
        f, g = digamma(a) - both - log_x, digamma(b) - both - log_1x
        p, q, r = polygamma(1, a), polygamma(1, b), polygamma(1, a + b)
        det = (p - r) * (q - r) - r * r
        # Halving a step that would leave the allowed region keeps both parameters positive.
        a = np.maximum(a - (f * (q - r) + g * r) / det, a / 2)
        b = np.maximum(b - (g * (p - r) + f * r) / det, b / 2)
    return a, b, total / total.sum()


def mixture_of(components: Sequence[tuple[float, float, float]]) -> BetaMixture:
    """A mixture from (weight, a, b) of each component."""
    weights, a, b = (np.array(column, dtype=float) for column in zip(*components, strict=True))
    return BetaMixture(weights / weights.sum(), a, b)
