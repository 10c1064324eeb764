"""The binomial-normal model against R metafor 3.8-1 (`rma.glmm`, which fits by lme4 1.1-31)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, norm

from engager.evidence.synthesis.binomial_normal import fit_binomial_normal, log_likelihood

EVENTS = np.array([91, 81, 25, 8, 29, 22.0])
N = np.array([271, 189, 36, 37, 50, 66.0])
SPARSE_N = np.array([12, 30, 25, 9, 40.0])
# lme4's default optimizer stops about 1e-5 from the maximum in these coefficients.
TOLERANCE = 1e-5


@pytest.mark.parametrize(
    ("n_nodes", "mean", "se", "tau2"),
    [
        # g <- rma.glmm(measure="PLO", xi=c(91,81,25,8,29,22), ni=c(271,189,36,37,50,66), nAGQ=7)
        (7, -0.3126559138, 0.2607570886, 0.3378888802),
        # ... nAGQ=25
        (25, -0.3126559138, 0.2607570643, 0.3378888802),
    ],
)
def test_six_studies(n_nodes, mean, se, tau2):
    fit = fit_binomial_normal(EVENTS, N, n_nodes=n_nodes, use_t=False)
    assert fit.coefficients[0] == pytest.approx(mean, abs=TOLERANCE)
    assert fit.standard_errors[0] == pytest.approx(se, abs=TOLERANCE)
    assert fit.tau2 == pytest.approx(tau2, abs=TOLERANCE)


def test_interval_by_t():
    # rma.glmm(..., nAGQ=25, test="t"); c(g$ci.lb, g$ci.ub)
    _, low, high = fit_binomial_normal(EVENTS, N, n_nodes=25).at()
    assert (low, high) == pytest.approx((-0.9829532868, 0.3576414593), abs=TOLERANCE)


def test_studies_without_events_and_no_heterogeneity():
    # rma.glmm(measure="PLO", xi=c(0,2,1,0,5), ni=c(12,30,25,9,40), nAGQ=25)
    fit = fit_binomial_normal(np.array([0, 2, 1, 0, 5.0]), SPARSE_N, n_nodes=25, use_t=False)
    assert fit.coefficients[0] == pytest.approx(-2.6026896854, abs=1e-8)
    assert fit.standard_errors[0] == pytest.approx(0.3664140346, abs=1e-6)
    assert fit.tau2 == 0.0


@pytest.mark.parametrize(
    ("n_nodes", "mean", "se", "tau2"),
    [
        # rma.glmm(measure="PLO", xi=c(8,2,1,0,25), ni=c(12,30,25,9,40), nAGQ=25), and nAGQ=7
        (25, -1.668942924, 1.000299263, 3.874892279),
        (7, -1.669124971, 0.999976006, 3.871477702),
    ],
)
def test_large_heterogeneity_with_an_empty_study(n_nodes, mean, se, tau2):
    fit = fit_binomial_normal(np.array([8, 2, 1, 0, 25.0]), SPARSE_N, n_nodes=n_nodes, use_t=False)
    assert fit.coefficients[0] == pytest.approx(mean, abs=3 * TOLERANCE)
    assert fit.standard_errors[0] == pytest.approx(se, abs=3 * TOLERANCE)
    # tau2 is a square of the parameter fitted, so its tolerance is four times as wide here.
    assert fit.tau2 == pytest.approx(tau2, abs=1e-4)


@pytest.mark.parametrize(
    ("events", "n", "mean", "se", "tau2"),
    [
        # d <- data.frame(x=c(22,75,11,8,29,12), m=c(49,135,29,11,50,39), s=factor(1:6))
        # g <- glmer(cbind(x, m-x) ~ 1 + (1|s), d, binomial, nAGQ=25,
        #            control=glmerControl("bobyqa", optCtrl=list(rhoend=1e-10, maxfun=1e5)))
        # c(fixef(g), sqrt(vcov(g)), VarCorr(g)$s); the standard error from its Hessian is that of the mean and tau
        ([22, 75, 11, 8, 29, 12], [49, 135, 29, 11, 50, 39], -0.051830637, 0.185457970, 0.103337262),
        # x=c(5,12), m=c(20,30): two studies, no variance between them
        ([5, 12], [20, 30], -0.663294215, 0.298540707, 0.0),
        # x=c(1,99,2,98,50), m=rep(100, 5)
        ([1, 99, 2, 98, 50], [100] * 5, 0.0, 1.8228830677, 15.957259159),
    ],
)
def test_shipped_remissions_and_extremes_against_lme4(events, n, mean, se, tau2):
    fit = fit_binomial_normal(np.array(events, dtype=float), np.array(n, dtype=float), n_nodes=25, use_t=False)
    assert fit.coefficients[0] == pytest.approx(mean, abs=1e-6)
    # lme4's Hessian is by finite differences, good to some 1e-3 of the error where tau is large.
    assert fit.standard_errors[0] == pytest.approx(se, rel=1e-3)
    assert fit.tau2 == pytest.approx(tau2, abs=1e-5)


def test_likelihood_is_the_integral_over_the_random_effect():
    mean, tau = -1.2, 1.7
    events, n = np.array([0, 4, 19.0]), np.array([9, 30, 20.0])
    each = [
        quad(
            lambda z, k=k, m=m: binom.pmf(k, m, 1 / (1 + np.exp(-mean - tau * z))) * norm.pdf(z),
            -9,
            9,
            epsabs=1e-13,
        )[0]
        for k, m in zip(events, n, strict=True)
    ]
    nodes = np.polynomial.hermite.hermgauss(41)
    value = log_likelihood(np.array([mean]), tau, events, n, np.ones((3, 1)), nodes)
    assert value == pytest.approx(np.log(each).sum(), abs=1e-9)
