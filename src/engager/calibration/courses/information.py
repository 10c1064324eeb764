"""The marginal likelihood around a SAEM fit: its maximum, curvature and profiles.

Log-parameters of each patient are drawn once from a proposal that covers what his readings allow. How likely
the readings are under a drawn parameter does not depend on the population, so the probability of all readings
is, for any typical values and spreads near the fit, one weighted sum over the same draws: smooth, and free of
further simulation. Standard errors come from its curvature. Error sizes are held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.calibration.courses.saem import Likelihood, Saem, log_prior
from engager.core import FloatArray, Stream
from engager.population import ValueName

# Kernels as wide as the conditional spread: with narrower ones a few draws carry all of the weight.
# A tenth of the draws comes from the population, so that weights stay bounded.
_N_KERNELS = 150
_WIDTH = 1.0
_SHARE_FROM_POPULATION = 0.1


@dataclass(frozen=True)
class Marginal:
    """Probability of all readings as a function of typical values and spreads.

    Attributes
    ----------
    phi : array (patient, draw, effect). log_weight : array (patient, draw), readings over proposal.
    places_mu, places_omega : which effects' typical values and spreads move.
    labels : of the moving entries, typical values (logarithm) first, then spreads (their logarithm).
    """

    phi: FloatArray
    log_weight: FloatArray
    mu: FloatArray
    omega: FloatArray
    places_mu: tuple[int, ...]
    places_omega: tuple[int, ...]
    low: FloatArray
    high: FloatArray
    labels: tuple[str, ...]

    @property
    def start(self) -> FloatArray:
        """The fit's own values of the moving entries."""
        return np.concatenate([self.mu[list(self.places_mu)], np.log(self.omega[list(self.places_omega)])])

    def split(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Typical values and spreads of all effects, given the moving entries."""
        mu, omega = self.mu.copy(), self.omega.copy()
        mu[list(self.places_mu)] = x[: len(self.places_mu)]
        omega[list(self.places_omega)] = np.exp(x[len(self.places_mu) :])
        return mu, omega

    def log_likelihood(self, x: FloatArray) -> float:
        """Up to a constant that does not depend on x."""
        return float(self._by_patient(x).sum())

    def cost(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Minus the log-likelihood and its gradient: scores averaged over each patient's weighted draws."""
        from scipy.special import logsumexp

        mu, omega = self.split(x)
        log_terms = self._log_terms(x)
        total = logsumexp(log_terms, axis=1)
        weight = np.exp(log_terms - total[:, None])
        mean = np.einsum("ik,ikd->d", weight, self.phi)
        square = np.einsum("ik,ikd->d", weight, self.phi**2)
        n = self.phi.shape[0]
        slope_mu = (mean - n * mu) / omega**2
        slope_omega = (square - 2 * mu * mean + n * mu**2) / omega**2 - n
        slope = np.concatenate([slope_mu[list(self.places_mu)], slope_omega[list(self.places_omega)]])
        return -float(total.sum()), -slope

    def effective_draws(self, x: FloatArray) -> float:
        """Smallest number over patients of draws that carry the weight."""
        log_w = self._log_terms(x)
        w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
        return float((w.sum(axis=1) ** 2 / (w**2).sum(axis=1)).min())

    def _log_terms(self, x: FloatArray) -> FloatArray:
        mu, omega = self.split(x)
        n, k, d = self.phi.shape
        return self.log_weight + log_prior(self.phi.reshape(n * k, d), mu, omega).reshape(n, k)

    def _by_patient(self, x: FloatArray) -> FloatArray:
        from scipy.special import logsumexp

        found: FloatArray = logsumexp(self._log_terms(x), axis=1) - np.log(self.phi.shape[1])
        return found


def marginal_around(fit: Saem, likelihood: Likelihood, stream: Stream, n_draws: int = 2000) -> Marginal:
    """Draw and weigh log-parameters of every patient around a fit.

    Raises
    ------
    numpy.linalg.LinAlgError
        When conditional draws of a patient span no volume.
    """
    n, d = likelihood.n_patients, fit.mu.size
    # Conditional draws are skewed where readings are cut off: kernels on the draws follow any shape.
    kept = np.linspace(0, fit.draws.shape[0] - 1, _N_KERNELS).round().astype(np.int64)
    centers = fit.draws[kept].transpose(1, 0, 2)
    factors = np.stack(
        [np.linalg.cholesky(_WIDTH**2 * np.cov(fit.draws[:, i], rowvar=False) + 1e-8 * np.eye(d)) for i in range(n)]
    )
    patient = np.repeat(np.arange(n, dtype=np.int64), n_draws)
    number = np.arange(patient.size, dtype=np.int64)
    z = stream.of("importance").normal(number, d).reshape(-1, d)
    broad = stream.of("importance-mixture").uniform(number) < _SHARE_FROM_POPULATION
    chosen = (stream.of("importance-kernel").uniform(number) * _N_KERNELS).astype(np.int64)
    phi = centers[patient, chosen] + np.einsum("rij,rj->ri", factors[patient], z)
    phi[broad] = fit.mu + fit.omega * z[broad]
    log_near = np.concatenate([_log_kernels(phi[patient == i], centers[i], factors[i]) for i in range(n)])
    log_broad = log_prior(phi, fit.mu, fit.omega)
    log_proposal = np.logaddexp(
        np.log(1 - _SHARE_FROM_POPULATION) + log_near, np.log(_SHARE_FROM_POPULATION) + log_broad
    )
    log_readings, _, _ = likelihood.terms(phi, patient, fit.errors)
    places_mu = tuple(j for j, one in enumerate(fit.effects) if one.moves_mu)
    places_omega = tuple(j for j, one in enumerate(fit.effects) if one.moves_omega)
    names = [one.name for one in fit.effects]
    return Marginal(
        phi=phi.reshape(n, n_draws, d),
        log_weight=(log_readings - log_proposal).reshape(n, n_draws),
        mu=fit.mu,
        omega=fit.omega,
        places_mu=places_mu,
        places_omega=places_omega,
        low=np.array([fit.effects[j].low for j in places_mu] + [np.log(0.02)] * len(places_omega)),
        high=np.array([fit.effects[j].high for j in places_mu] + [np.log(5.0)] * len(places_omega)),
        labels=tuple([names[j] for j in places_mu] + [str(ValueName("spread", names[j])) for j in places_omega]),
    )


def _log_kernels(phi: FloatArray, centers: FloatArray, factor: FloatArray) -> FloatArray:
    """Log-density, without the normal constant, of the mean of normal kernels: array (draw,)."""
    from scipy.special import logsumexp

    inverse = np.linalg.inv(factor)
    a, b = phi @ inverse.T, centers @ inverse.T
    distance = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    found: FloatArray = logsumexp(-0.5 * distance, axis=1) - np.log(len(centers)) - np.log(np.diag(factor)).sum()
    return found


def maximize(
    marginal: Marginal, held: dict[int, float] | None = None, start: FloatArray | None = None, within: float = 1.0
) -> FloatArray:
    """Moving entries of highest likelihood, at most `within` away from the fit (the draws hold no farther).

    Parameters
    ----------
    held : place -> value of entries that do not move, for profiles.
    start : where to begin; None: the fit.
    """
    from scipy.optimize import minimize

    center = marginal.start
    low, high = np.maximum(marginal.low, center - within), np.minimum(marginal.high, center + within)
    first = (center if start is None else start).copy()
    for place, value in (held or {}).items():
        first[place] = low[place] = high[place] = value
    found = minimize(
        marginal.cost, np.clip(first, low, high), jac=True, method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)), options={"maxiter": 40, "ftol": 1e-7},
    )  # fmt: skip
    return np.asarray(found.x, dtype=float)


def covariance_at(
    marginal: Marginal, x: FloatArray, free: NDArray[np.bool_] | None = None, h: float = 0.03
) -> FloatArray:
    """Inverse of the curvature at x over the entries that are `free`; NaN for the others and in flat directions.

    Parameters
    ----------
    free : array (entry,); None: all that are off their bounds. At a bound the likelihood has a slope, and its
        curvature says nothing of what the readings allow.
    """
    off_bounds = (x - marginal.low > 1e-3) & (marginal.high - x > 1e-3)
    kept = np.flatnonzero(off_bounds if free is None else off_bounds & free)
    found = np.full((x.size, x.size), np.nan)
    found[np.ix_(kept, kept)] = _inverse_curvature(marginal, x, kept, h)
    return found


def _inverse_curvature(marginal: Marginal, x: FloatArray, kept: NDArray[np.int64], h: float) -> FloatArray:
    n = kept.size
    eye = h * np.eye(x.size)[kept]
    f = marginal.log_likelihood
    base = f(x)
    information = np.empty((n, n))
    for i in range(n):
        information[i, i] = -(f(x + eye[i]) - 2 * base + f(x - eye[i])) / h**2
        for j in range(i):
            mixed = f(x + eye[i] + eye[j]) - f(x + eye[i] - eye[j]) - f(x - eye[i] + eye[j]) + f(x - eye[i] - eye[j])
            information[i, j] = information[j, i] = -mixed / (4 * h**2)
    values, vectors = np.linalg.eigh(information)
    covariance: FloatArray = vectors @ np.diag(1 / np.maximum(values, 1e-3)) @ vectors.T
    flat = (np.abs(vectors[:, values <= 1e-3]) > 0.3).any(axis=1)
    covariance[flat, :] = np.nan
    covariance[:, flat] = np.nan
    return covariance


def profile_interval(
    marginal: Marginal, x: FloatArray, place: int, drop: float = 1.92, farthest: float = 1.5, n_steps: int = 10
) -> tuple[float | None, float | None]:
    """Where the profiled log-likelihood has fallen by `drop` (1.92: 95 %) on either side of x.

    Returns
    -------
    (low, high) of the entry; None where it has not fallen that far within `farthest` or a bound.
    """
    top = marginal.log_likelihood(x)
    ends: list[float | None] = []
    for sign in (-1.0, 1.0):
        end: float | None = None
        before, now = 0.0, x
        for step in np.linspace(0, farthest, n_steps + 1)[1:]:
            value = float(x[place] + sign * step)
            if not marginal.low[place] <= value <= marginal.high[place]:
                break
            now = maximize(marginal, {place: value}, now)
            fall = top - marginal.log_likelihood(now)
            if fall >= drop:
                share = (drop - before) / max(fall - before, 1e-12)
                end = float(x[place] + sign * (step - (1 - share) * farthest / n_steps))
                break
            before = fall
        ends.append(end)
    return ends[0], ends[1]
