"""Random-effects meta-analysis and meta-regression by inverse variance and REML.

Study effects y_i with known variances v_i: y ~ N(X b, diag(v) + tau2 I). tau2 by restricted maximum
likelihood, the interval of b by Hartung and Knapp (or normal), heterogeneity as Q, I2 and a Q-profile
interval of tau2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtrc, gammaincinv, ndtr, ndtri, stdtr, stdtrit

from engager.core import FloatArray
from engager.evidence.synthesis.random_effects import RandomEffects, too_few


@dataclass(frozen=True)
class MetaFit(RandomEffects):
    """A fitted random-effects model.

    Attributes
    ----------
    coefficients, covariance : array (term,), (term, term), on the scale of the effects.
    tau2, tau2_low, tau2_high : variance between studies and its Q-profile interval.
    i2 : share of the variation that is between studies, in [0, 1].
    q, q_p : heterogeneity statistic and its p value (residual heterogeneity when there are covariates).
    df : degrees of freedom of the interval; None: normal.
    n_studies : how many studies.
    weights : array (study,), summing to 1.
    log_likelihood : restricted (REML) log likelihood.
    is_widened : the Hartung-Knapp interval was narrower than the normal one and was widened to it.
    """

    terms: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    q: float
    q_p: float
    df: int | None
    n_studies: int
    weights: FloatArray
    log_likelihood: float
    level: float = 0.95
    failure: str | None = field(default=None)
    is_widened: bool = False

    def p_values(self) -> FloatArray:
        """Two-sided p value of each term."""
        z = np.abs(self.coefficients) / self.standard_errors
        return np.asarray(2 * (ndtr(-z) if self.df is None else stdtr(self.df, -z)))


def fit_random_effects(
    effect: FloatArray,
    variance: FloatArray,
    design: FloatArray | None = None,
    terms: Sequence[str] = ("mean",),
    method: str = "reml",
    knapp_hartung: bool = True,
    level: float = 0.95,
) -> MetaFit:
    """Fit a random-effects (or, with `method` ``common``, a common-effect) model.

    Parameters
    ----------
    effect, variance : array (study,), e.g. log odds and their variances; variance > 0.
    design : array (study, term); omitted: a column of ones.
    terms : names of the columns.
    method : ``reml`` or ``common`` (tau2 = 0).
    knapp_hartung : use the Hartung-Knapp interval with t on (studies - terms) degrees of freedom, but never one
        narrower than the normal interval: studies that agree by chance would else seem to know more than
        their patients can.

    Raises
    ------
    ValueError
        When there are not more studies than terms, a variance is not positive, or the columns are
        dependent; the message says which.

    References
    ----------
    Viechtbauer 2005, doi:10.3102/10769986030003261 (REML); Knapp and Hartung 2003, doi:10.1002/sim.1482;
    Jackson and others 2017, doi:10.1002/sim.7411 (the wider of the two intervals); Viechtbauer 2007,
    doi:10.1002/sim.2514 (Q-profile).
    """
    y, v = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    x = np.ones((y.size, 1)) if design is None else np.asarray(design, dtype=float)
    _check(y, v, x)
    tau2 = 0.0 if method == "common" else reml_tau2(y, v, x)
    w = 1 / (v + tau2)
    b, cov = weighted_least_squares(y, w, x)
    n_studies, n_terms = x.shape
    df, is_widened = None, False
    if knapp_hartung:
        residual = y - x @ b
        df = n_studies - n_terms
        factor, tail = float(w @ residual**2) / df, 0.5 + level / 2
        least = float((ndtri(tail) / stdtrit(df, tail)) ** 2)
        is_widened = factor < least
        cov = cov * max(factor, least)
    q = _q(y, v, x, 0.0)
    low, high = _q_profile(y, v, x, level)
    typical = _typical_variance(v, x)
    return MetaFit(
        terms=tuple(terms),
        coefficients=b,
        covariance=cov,
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        i2=tau2 / (tau2 + typical),
        q=q,
        q_p=float(chdtrc(n_studies - n_terms, q)) if n_studies > n_terms else float("nan"),
        df=df,
        n_studies=n_studies,
        weights=w / w.sum(),
        log_likelihood=_reml(tau2, y, v, x),
        level=level,
        is_widened=is_widened,
    )


def weighted_least_squares(y: FloatArray, w: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients (term,) and their covariance (term, term) with weights w (study,)."""
    cov = np.linalg.inv(x.T @ (w[:, None] * x))
    return cov @ (x.T @ (w * y)), np.asarray(cov)


def reml_tau2(y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    """The variance between studies that maximizes the restricted likelihood, >= 0.

    The likelihood may have its best value at 0; both ends are compared, so the search never stops at a worse
    inner point.
    """
    if y.size <= x.shape[1]:
        return 0.0
    scale = float(np.var(y) + np.mean(v)) or 1.0
    grid = np.concatenate([[0.0], scale * np.logspace(-6, 2, 161)])
    values = np.array([_reml(tau2, y, v, x) for tau2 in grid])
    best = int(values.argmax())
    if best == 0:
        low, high = 0.0, float(grid[1])
    else:
        low, high = float(grid[best - 1]), float(grid[min(best + 1, grid.size - 1)])
    found = minimize_scalar(
        lambda tau2: -_reml(tau2, y, v, x),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-12 * scale},
    )
    tau2 = _newton(float(found.x), y, v, x)
    return tau2 if _reml(tau2, y, v, x) > _reml(0.0, y, v, x) else 0.0


def leave_one_out(
    effect: FloatArray, variance: FloatArray, method: str = "reml", knapp_hartung: bool = True
) -> list[MetaFit]:
    """The fit without each study in turn; needs at least three studies."""
    keep = ~np.eye(np.size(effect), dtype=bool)
    y, v = np.asarray(effect), np.asarray(variance)
    return [fit_random_effects(y[k], v[k], method=method, knapp_hartung=knapp_hartung) for k in keep]


def _reml(tau2: float, y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    w = 1 / (v + tau2)
    b, cov = weighted_least_squares(y, w, x)
    residual = y - x @ b
    n, p = x.shape
    log_det = np.linalg.slogdet(cov)[1]
    extra = np.linalg.slogdet(x.T @ x)[1]
    log_two_pi = (n - p) * np.log(2 * np.pi)
    return float(-0.5 * (log_two_pi - extra - np.log(w).sum() - log_det + w @ residual**2))


def _newton(tau2: float, y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    """Fisher scoring from a good start: the bounded search alone is good to about 1e-8."""
    for _ in range(50):
        w = 1 / (v + tau2)
        p = np.diag(w) - (w[:, None] * x) @ np.linalg.inv(x.T @ (w[:, None] * x)) @ (w[:, None] * x).T
        py = p @ y
        step = float((py @ py - np.trace(p)) / np.sum(p * p))
        if tau2 + step < 0:
            return tau2
        tau2 += step
        if abs(step) < 1e-14 * (1 + tau2):
            break
    return tau2


def _q(y: FloatArray, v: FloatArray, x: FloatArray, tau2: float) -> float:
    w = 1 / (v + tau2)
    b, _ = weighted_least_squares(y, w, x)
    return float(w @ (y - x @ b) ** 2)


def _q_profile(y: FloatArray, v: FloatArray, x: FloatArray, level: float) -> tuple[float, float]:
    """tau2 values at which the generalized Q sits at its chi-square quantiles."""
    df = y.size - x.shape[1]
    if df < 1:
        return float("nan"), float("nan")
    bounds = []
    for quantile in (0.5 + level / 2, 0.5 - level / 2):
        target = float(2.0 * gammaincinv(df / 2.0, quantile))
        if _q(y, v, x, 0.0) <= target:
            bounds.append(0.0)
            continue
        high = float(np.var(y) + 1.0)
        while _q(y, v, x, high) > target:
            high *= 4
        bounds.append(float(brentq(lambda tau2, aim=target: _q(y, v, x, tau2) - aim, 0.0, high, xtol=1e-12)))
    return bounds[0], bounds[1]


def _typical_variance(v: FloatArray, x: FloatArray) -> float:
    """The within-study variance that I2 compares tau2 with (Higgins and Thompson 2002)."""
    w = 1 / v
    projected = np.diag(w) - (w[:, None] * x) @ np.linalg.inv(x.T @ (w[:, None] * x)) @ (w[:, None] * x).T
    trace = float(np.trace(projected))
    return (v.size - x.shape[1]) / trace if trace > 0 else float("inf")


def _check(y: FloatArray, v: FloatArray, x: FloatArray) -> None:
    if y.size <= x.shape[1]:
        raise ValueError(too_few(y.size, x.shape[1]))
    if not np.all(v > 0) or not np.all(np.isfinite(y)):
        raise ValueError("each study needs a finite effect and a variance > 0")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise ValueError("the covariates are not independent of each other, or one is the same in all studies")
