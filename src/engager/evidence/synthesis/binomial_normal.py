"""Pooling shares with their exact likelihood: events ~ Binomial(n, p_i), logit p_i = x_i b + tau z_i, z_i ~
N(0, 1).

No continuity correction, so studies with no event or only events enter as they are. The likelihood
integrates z_i out by adaptive Gauss-Hermite quadrature, centered and scaled at each study's own mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln
from scipy.stats import chi2

from engager.core import FloatArray
from engager.evidence.synthesis.random_effects import RandomEffects, too_few


@dataclass(frozen=True)
class BinomialNormalFit(RandomEffects):
    """A fitted binomial-normal model; everything on the logit scale.

    Attributes
    ----------
    coefficients, covariance : array (term,), (term, term).
    tau2 : variance between studies.
    log_likelihood : marginal log likelihood, binomial coefficients included.
    tau2_p : p value of the likelihood-ratio test of tau2 = 0 (half chi-square, one degree of freedom).
    df : degrees of freedom of the interval (studies - terms).
    """

    terms: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    tau2: float
    log_likelihood: float
    tau2_p: float
    df: int | None
    n_studies: int
    level: float = 0.95


def fit_binomial_normal(
    events: FloatArray,
    n: FloatArray,
    design: FloatArray | None = None,
    terms: Sequence[str] = ("mean",),
    n_nodes: int = 15,
    use_t: bool = True,
    level: float = 0.95,
) -> BinomialNormalFit:
    """Maximum likelihood fit.

    Parameters
    ----------
    events, n : array (study,) of counts, 0 <= events <= n.
    design : array (study, term); omitted: a column of ones.
    n_nodes : quadrature nodes; 1 is the Laplace approximation.
    use_t : interval from t with (studies - terms) degrees of freedom, else normal.

    Raises
    ------
    ValueError
        When the likelihood has no maximum or cannot be curved: no event anywhere, only events, fewer than two
        studies more than terms minus one, dependent covariates; the message says which.

    References
    ----------
    Stijnen, Hamza and Ozdemir 2010, doi:10.1002/sim.4040; Pinheiro and Bates 1995,
    doi:10.1080/10618600.1995.10474663 (adaptive quadrature).
    """
    k, m = np.asarray(events, dtype=float), np.asarray(n, dtype=float)
    x = np.ones((k.size, 1)) if design is None else np.asarray(design, dtype=float)
    _check(k, m, x)
    nodes = np.polynomial.hermite.hermgauss(n_nodes)
    start = _logistic_start(k, m, x)

    def loss(theta: FloatArray) -> float:
        return -log_likelihood(theta[:-1], float(np.exp(theta[-1])), k, m, x, nodes)

    fits = [
        minimize(loss, np.append(start, log_tau), method="Nelder-Mead", options=_TIGHT)
        for log_tau in (np.log(0.2), np.log(1.0))
    ]
    best = min(fits, key=lambda fit: float(fit.fun))
    tau = float(np.exp(best.x[-1]))
    if tau > _DIVERGED:
        raise ValueError("the studies' shares lie at 0 and at 1, so their variance has no finite estimate")
    common = -_binomial(start, k, m, x)
    at_zero = float(best.fun) >= common - 1e-9 or tau < 1e-4
    b = start if at_zero else np.asarray(best.x[:-1])
    tau = 0.0 if at_zero else tau
    covariance = _covariance(b, tau, k, m, x, nodes)
    value = -common if at_zero else -float(best.fun)
    ratio = max(0.0, 2 * (value + common))
    return BinomialNormalFit(
        terms=tuple(terms),
        coefficients=b,
        covariance=covariance,
        tau2=tau**2,
        log_likelihood=value,
        tau2_p=float(0.5 * chi2.sf(ratio, 1)) if ratio > 0 else 1.0,
        df=k.size - x.shape[1] if use_t else None,
        n_studies=k.size,
        level=level,
    )


# Odds that differ between studies by e^30: the likelihood goes on rising with tau and has no maximum.
_DIVERGED = 30.0
_TIGHT = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000, "adaptive": True}


def log_likelihood(
    b: FloatArray, tau: float, k: FloatArray, m: FloatArray, x: FloatArray, nodes: tuple[FloatArray, FloatArray]
) -> float:
    """Marginal log likelihood of coefficients b (term,) and standard deviation tau >= 0."""
    if tau < 1e-8:
        return _binomial(b, k, m, x)
    return float(study_log_likelihoods(x @ b, tau, k, m, nodes).sum())


def study_log_likelihoods(
    eta: FloatArray, tau: float, k: FloatArray, m: FloatArray, nodes: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """Each study's marginal log likelihood, array (study,), at its mean logit eta (study,) and tau > 0."""
    z = _modes(eta, tau, k, m)
    p = expit(eta + tau * z)
    spread = 1 / np.sqrt(1 + tau**2 * m * p * (1 - p))
    abscissa, weight = nodes
    u = z[:, None] + np.sqrt(2) * spread[:, None] * abscissa[None, :]
    logit = eta[:, None] + tau * u
    inner = k[:, None] * logit - m[:, None] * np.logaddexp(0, logit) - 0.5 * u**2 - 0.5 * np.log(2 * np.pi)
    inner = inner + np.log(weight)[None, :] + abscissa[None, :] ** 2
    top = inner.max(axis=1)
    integral = top + np.log(np.exp(inner - top[:, None]).sum(axis=1)) + np.log(np.sqrt(2) * spread)
    return np.asarray(integral + gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1))


def _modes(eta: FloatArray, tau: float, k: FloatArray, m: FloatArray) -> FloatArray:
    """Each study's most likely z, array (study,); the inner target is concave, so damped Newton ends."""
    z = np.zeros_like(eta)
    for _ in range(200):
        p = expit(eta + tau * z)
        slope = tau * (k - m * p) - z
        curve = 1 + tau**2 * m * p * (1 - p)
        # A full Newton step may overshoot where p is flat; one unit of z is always safe enough.
        step = np.clip(slope / curve, -1.0, 1.0)
        z = z + step
        if np.abs(step).max() < 1e-12:
            break
    return z


def _binomial(b: FloatArray, k: FloatArray, m: FloatArray, x: FloatArray) -> float:
    eta = x @ b
    return float((k * eta - m * np.logaddexp(0, eta)).sum() + _log_choose(k, m))


def _log_choose(k: FloatArray, m: FloatArray) -> float:
    return float((gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)).sum())


def _logistic_start(k: FloatArray, m: FloatArray, x: FloatArray) -> FloatArray:
    """Coefficients of the model without variation between studies, by Newton's method."""
    b = np.linalg.lstsq(x, np.log((k + 0.5) / (m - k + 0.5)), rcond=None)[0]
    for _ in range(100):
        p = expit(x @ b)
        information = x.T @ ((m * p * (1 - p))[:, None] * x)
        step = np.linalg.solve(information, x.T @ (k - m * p))
        b = b + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-12:
            break
    return np.asarray(b)


def _covariance(
    b: FloatArray, tau: float, k: FloatArray, m: FloatArray, x: FloatArray, nodes: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """Inverse of the observed information of (b, tau); the block of b."""
    if tau == 0.0:
        p = expit(x @ b)
        return np.linalg.inv(x.T @ ((m * p * (1 - p))[:, None] * x))

    def value(theta: FloatArray) -> float:
        return log_likelihood(theta[:-1], abs(float(theta[-1])), k, m, x, nodes)

    theta = np.append(b, tau)
    step = 1e-4 * np.maximum(np.abs(theta), 0.1)
    size = theta.size
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            ei, ej = np.eye(size)[i] * step[i], np.eye(size)[j] * step[j]
            mixed = value(theta + ei + ej) - value(theta + ei - ej) - value(theta - ei + ej) + value(theta - ei - ej)
            hessian[i, j] = hessian[j, i] = mixed / (4 * step[i] * step[j])
    full = np.linalg.inv(-hessian)
    if not np.all(np.diag(full) > 0):
        raise ValueError("the likelihood is too flat to give a standard error; there may be too few studies")
    return np.asarray(full[:-1, :-1])


def _check(k: FloatArray, m: FloatArray, x: FloatArray) -> None:
    if k.size < x.shape[1] + 1:
        raise ValueError(too_few(k.size, x.shape[1], "it needs one more study for the variance between them"))
    if np.any(k < 0) or np.any(k > m) or np.any(m < 1):
        raise ValueError("events must lie in 0 to n and n must be at least 1 in each study")
    if k.sum() == 0:
        raise ValueError("no study had an event, so the pooled logit has no finite estimate")
    if k.sum() == m.sum():
        raise ValueError("every patient of every study had the event, so the pooled logit has no finite estimate")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise ValueError("the covariates are not independent of each other, or one is the same in all studies")
