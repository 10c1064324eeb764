"""Pooling shares with their exact likelihood: events ~ Binomial(n, p_i), logit p_i = x_i b + tau z_i, z_i ~
N(0, 1).

No continuity correction, so studies with no event or only events enter as they are. The likelihood
integrates z_i out by the trapezoidal rule over the span that holds the integrand, dense enough for the tau at
hand. Gauss-Hermite nodes about the mode are not: where a study has no event and tau is large the integrand is a
plateau with one steep edge, 15 nodes miss it by tenths, and the fit follows the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import chdtrc, expit, gammaln

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
    use_t: bool = True,
    level: float = 0.95,
) -> BinomialNormalFit:
    """Maximum likelihood fit.

    Parameters
    ----------
    events, n : array (study,) of counts, 0 <= events <= n.
    design : array (study, term); omitted: a column of ones.
    use_t : interval from t with (studies - terms) degrees of freedom, else normal.

    Raises
    ------
    ValueError
        When the likelihood has no maximum or cannot be curved: no event anywhere, only events, fewer than two
        studies more than terms minus one, dependent covariates; the message says which.

    Notes
    -----
    With one patient in each study the data say nothing of tau: every (mean, tau) with the same share fits alike. The
    fit then is the one without variation between studies, as wherever variation does not raise the likelihood.

    References
    ----------
    Stijnen, Hamza and Ozdemir 2010, doi:10.1002/sim.4040; Trefethen and Weideman 2014,
    doi:10.1137/130932132 (why the trapezoidal rule is accurate to rounding here).
    """
    k, m = np.asarray(events, dtype=float), np.asarray(n, dtype=float)
    x = np.ones((k.size, 1)) if design is None else np.asarray(design, dtype=float)
    _check(k, m, x)
    start = _logistic_start(k, m, x)

    def loss(theta: FloatArray) -> float:
        # Beyond the wall there is no estimate to find.
        return 1e10 if theta[-1] > _WALL else -log_likelihood(theta[:-1], float(np.exp(theta[-1])), k, m, x)

    def slope(theta: FloatArray) -> FloatArray:
        return (
            np.zeros(theta.size)
            if theta[-1] > _WALL
            else -log_likelihood_slope(theta[:-1], float(np.exp(theta[-1])), k, m, x)
        )

    # Quick descents from small, middling and large variation; the lowest is followed to its end.
    starts = [np.append(start, log_tau) for log_tau in np.log(_STARTS)]
    near = [minimize(loss, theta, method="BFGS", jac=slope, options=_ROUGH) for theta in starts]
    best, height = _minimum(loss, min(near, key=lambda fit: float(fit.fun)).x)
    tau = float(np.exp(best[-1]))
    common = -_binomial(start, k, m, x)
    at_zero = height >= common - _FLAT or tau < 1e-4
    if not at_zero and tau > _DIVERGED:
        raise ValueError(
            "the likelihood goes on rising with the variance between studies, which has no finite estimate: "
            "their shares lie at 0 and at 1"
        )
    b = start if at_zero else np.asarray(best[:-1])
    tau = 0.0 if at_zero else tau
    covariance = _covariance(b, tau, k, m, x)
    value = -common if at_zero else -height
    ratio = max(0.0, 2 * (value + common))
    return BinomialNormalFit(
        terms=tuple(terms),
        coefficients=b,
        covariance=covariance,
        tau2=tau**2,
        log_likelihood=value,
        tau2_p=float(0.5 * chdtrc(1, ratio)) if ratio > 0 else 1.0,
        df=k.size - x.shape[1] if use_t else None,
        n_studies=k.size,
        level=level,
    )


# Odds that differ between studies by e^30: the likelihood goes on rising with tau and has no maximum.
_DIVERGED = 30.0
_WALL = np.log(1.5 * _DIVERGED)
# Likelihoods that differ by less are the same: variation between studies explains nothing.
_FLAT = 1e-7
_STARTS = (0.2, 1.0, 4.0)
_ROUGH = {"gtol": 1e-5, "maxiter": 100}
_TIGHT = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000, "adaptive": True}
# The integrand is followed down to e^-40 of its top; the normal factor alone ends it 9 away from there.
_DEPTH = 40.0
_REACH = 9.0


def _minimum(loss: Callable[[FloatArray], float], start: FloatArray) -> tuple[FloatArray, float]:
    """Where a smooth loss is least, and its value there; started again until it stays, as ridges mislead simplices."""
    found = minimize(loss, start, method="Nelder-Mead", options=_TIGHT)
    for _ in range(10):
        again = minimize(loss, found.x, method="Nelder-Mead", options=_TIGHT)
        if again.fun >= found.fun - 1e-11:
            break
        found = again
    return np.asarray(found.x), float(found.fun)


def log_likelihood(b: FloatArray, tau: float, k: FloatArray, m: FloatArray, x: FloatArray) -> float:
    """Marginal log likelihood of coefficients b (term,) and standard deviation tau >= 0."""
    if tau < 1e-8:
        return _binomial(b, k, m, x)
    return float(study_log_likelihoods(x @ b, tau, k, m).sum())


def log_likelihood_slope(b: FloatArray, tau: float, k: FloatArray, m: FloatArray, x: FloatArray) -> FloatArray:
    """Slope of `log_likelihood` in (b, log tau): the events not foreseen, averaged over z given a study's events."""
    if tau < 1e-8:
        return np.append(x.T @ (k - m * expit(x @ b)), 0.0)
    eta = x @ b
    u, inner, top, _ = _integrand(eta, tau, k, m)
    weight = np.exp(inner - top[:, None])
    weight /= weight.sum(axis=1, keepdims=True)
    unforeseen = weight * (k[:, None] - m[:, None] * expit(eta[:, None] + tau * u))
    return np.append(x.T @ unforeseen.sum(axis=1), tau * (u * unforeseen).sum())


def study_log_likelihoods(eta: FloatArray, tau: float, k: FloatArray, m: FloatArray) -> FloatArray:
    """Each study's marginal log likelihood, array (study,), at its mean logit eta (study,) and tau > 0."""
    _, inner, top, apart = _integrand(eta, tau, k, m)
    integral = top + np.log(np.exp(inner - top[:, None]).sum(axis=1) * apart)
    choose = gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)
    return np.asarray(integral - 0.5 * np.log(2 * np.pi) + choose)


def _integrand(
    eta: FloatArray, tau: float, k: FloatArray, m: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Points z and the log of the integrand there, array (study, point); its top and their spacing, (study,)."""

    def height(u: FloatArray) -> FloatArray:
        logit = eta + tau * u
        return np.asarray(k * logit - m * np.logaddexp(0, logit) - 0.5 * u**2)

    mode = _modes(eta, tau, k, m)
    top = height(mode)
    low, high = _edges(height, mode, top)
    # The span holds a smooth hill (a few dozen points are exact to rounding) or a plateau with an edge 1/tau wide.
    fraction = np.linspace(0, 1, 49 + int(24 * tau))
    u = low[:, None] + (high - low)[:, None] * fraction
    logit = eta[:, None] + tau * u
    inner = k[:, None] * logit - m[:, None] * np.logaddexp(0, logit) - 0.5 * u**2
    return u, inner, top, np.asarray((high - low) * fraction[1])


def _edges(height: Callable[[FloatArray], FloatArray], mode: FloatArray, top: FloatArray) -> FloatArray:
    """How far from the mode the integrand stays within e^-40 of its top, by bisection: array (side, study)."""
    inside, outside = np.stack([mode, mode]), np.stack([mode - _REACH, mode + _REACH])
    for _ in range(12):
        middle = 0.5 * (inside + outside)
        is_in = height(middle) > top - _DEPTH
        inside, outside = np.where(is_in, middle, inside), np.where(is_in, outside, middle)
    return np.asarray(outside)


def _modes(eta: FloatArray, tau: float, k: FloatArray, m: FloatArray) -> FloatArray:
    """Each study's most likely z, array (study,): Newton's method, kept between bounds that its slope must cross."""
    low, high = tau * (k - m), tau * k
    z = np.clip(0.0, low, high)
    for turn in range(200):
        p = expit(eta + tau * z)
        slope = tau * (k - m * p) - z
        low, high = np.where(slope > 0, z, low), np.where(slope > 0, high, z)
        newton = np.clip(z + slope / (1 + tau**2 * m * p * (1 - p)), low, high)
        is_there = np.abs(newton - z) < 1e-6
        # Where p is flat Newton overshoots, and from far away it creeps: every third step halves the bounds instead.
        z = np.where(is_there | ((newton > low) & (newton < high) & (turn % 3 < 2)), newton, 0.5 * (low + high))
        # The span about the mode is what counts, not its last digits.
        if is_there.all():
            break
    return np.asarray(z)


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


def _covariance(b: FloatArray, tau: float, k: FloatArray, m: FloatArray, x: FloatArray) -> FloatArray:
    """Inverse of the observed information of (b, tau); the block of b."""
    if tau == 0.0:
        p = expit(x @ b)
        return np.linalg.inv(x.T @ ((m * p * (1 - p))[:, None] * x))

    def value(theta: FloatArray) -> float:
        return log_likelihood(theta[:-1], abs(float(theta[-1])), k, m, x)

    theta = np.append(b, tau)
    # The likelihood is exact to some 1e-13, so a thousandth of each parameter gives six digits of curvature.
    step = np.diag(1e-3 * np.maximum(np.abs(theta), 0.1))
    hessian = np.empty((theta.size, theta.size))
    for i, ei in enumerate(step):
        for j, ej in enumerate(step[: i + 1]):
            mixed = value(theta + ei + ej) - value(theta + ei - ej) - value(theta - ei + ej) + value(theta - ei - ej)
            hessian[i, j] = hessian[j, i] = mixed / (4 * ei[i] * ej[j])
    slope = np.array([(value(theta + e) - value(theta - e)) / (2 * e.sum()) for e in step])
    if np.linalg.eigvalsh(-hessian).min() <= 0:
        raise ValueError("the likelihood is too flat to give a standard error; there may be too few studies")
    full = np.linalg.inv(-hessian)
    # Where the maximum was reached, a Newton step from it would gain nothing.
    if slope @ full @ slope > _NOT_REACHED:
        raise ValueError("the likelihood's maximum lies on a ridge too flat to be found; there may be too few studies")
    return np.asarray(full[:-1, :-1])


# Twice the log likelihood a Newton step could still gain.
_NOT_REACHED = 1e-3


def _check(k: FloatArray, m: FloatArray, x: FloatArray) -> None:
    if k.size < x.shape[1] + 1:
        raise ValueError(too_few(k.size, x.shape[1]))
    if not np.all((k >= 0) & (k <= m) & (m >= 1) & np.isfinite(m)):
        raise ValueError("events must lie in 0 to n and n must be at least 1 in each study")
    if k.sum() == 0:
        raise ValueError("no study had an event, so the pooled logit has no finite estimate")
    if k.sum() == m.sum():
        raise ValueError("every patient of every study had the event, so the pooled logit has no finite estimate")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise ValueError("the covariates are not independent of each other, or one is the same in all studies")
