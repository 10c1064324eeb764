"""The binomial-normal model against R metafor 3.8-1 (`rma.glmm`, which fits by lme4 1.1-31)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, norm

from engager.evidence.synthesis.binomial_normal import fit_binomial_normal, log_likelihood, study_log_likelihoods

EVENTS = np.array([91, 81, 25, 8, 29, 22.0])
N = np.array([271, 189, 36, 37, 50, 66.0])
SPARSE_N = np.array([12, 30, 25, 9, 40.0])
# lme4's default optimizer stops about 1e-5 from the maximum in these coefficients.
TOLERANCE = 1e-5


def test_six_studies():
    # g <- rma.glmm(measure="PLO", xi=c(91,81,25,8,29,22), ni=c(271,189,36,37,50,66), nAGQ=25)
    fit = fit_binomial_normal(EVENTS, N, use_t=False)
    assert fit.coefficients[0] == pytest.approx(-0.3126559138, abs=TOLERANCE)
    assert fit.standard_errors[0] == pytest.approx(0.2607570643, abs=TOLERANCE)
    assert fit.tau2 == pytest.approx(0.3378888802, abs=TOLERANCE)


def test_interval_by_t():
    # rma.glmm(..., nAGQ=25, test="t"); c(g$ci.lb, g$ci.ub)
    _, low, high = fit_binomial_normal(EVENTS, N).at()
    assert (low, high) == pytest.approx((-0.9829532868, 0.3576414593), abs=TOLERANCE)


def test_studies_without_events_and_no_heterogeneity():
    # rma.glmm(measure="PLO", xi=c(0,2,1,0,5), ni=c(12,30,25,9,40), nAGQ=25)
    fit = fit_binomial_normal(np.array([0, 2, 1, 0, 5.0]), SPARSE_N, use_t=False)
    assert fit.coefficients[0] == pytest.approx(-2.6026896854, abs=1e-8)
    assert fit.standard_errors[0] == pytest.approx(0.3664140346, abs=1e-6)
    assert fit.tau2 == 0.0


def test_large_heterogeneity_with_an_empty_study():
    # rma.glmm(measure="PLO", xi=c(8,2,1,0,25), ni=c(12,30,25,9,40), nAGQ=25)
    fit = fit_binomial_normal(np.array([8, 2, 1, 0, 25.0]), SPARSE_N, use_t=False)
    assert fit.coefficients[0] == pytest.approx(-1.668942924, abs=3 * TOLERANCE)
    assert fit.standard_errors[0] == pytest.approx(1.000299263, abs=3 * TOLERANCE)
    # tau2 is a square of the parameter fitted, so its tolerance is four times as wide here.
    assert fit.tau2 == pytest.approx(3.874892279, abs=1e-4)


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
    fit = fit_binomial_normal(np.array(events, dtype=float), np.array(n, dtype=float), use_t=False)
    assert fit.coefficients[0] == pytest.approx(mean, abs=1e-6)
    # lme4's Hessian is by finite differences, good to some 1e-3 of the error where tau is large.
    assert fit.standard_errors[0] == pytest.approx(se, rel=1e-3)
    # 25 nodes miss the integral by some 1e-5 where tau is 4.
    assert fit.tau2 == pytest.approx(tau2, abs=1e-5, rel=1e-5)


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
    value = log_likelihood(np.array([mean]), tau, events, n, np.ones((3, 1)))
    assert value == pytest.approx(np.log(each).sum(), abs=1e-9)


@pytest.mark.parametrize("tau", [0.02, 0.5, 4.0, 12.0, 30.0])
@pytest.mark.parametrize(("k", "m"), [(0, 3), (3, 3), (1, 1), (0, 20), (7, 20), (0, 5000), (4999, 5000)])
@pytest.mark.parametrize("eta", [-9.0, 0.3, 6.0])
def test_each_study_is_integrated_to_rounding(eta, k, m, tau):
    # 2e5 points about the likeliest z, found by its own search.
    centers = np.linspace(-400, 400, 800001)
    center = centers[np.argmax(_integrand(centers, eta, tau, k, m))]
    z = center + np.linspace(-10, 10, 200001)
    height = _integrand(z, eta, tau, k, m)
    top = height.max()
    dense = top + np.log(np.exp(height - top).sum() * (z[1] - z[0])) + binom.logpmf(k, m, 0.5) - m * np.log(0.5)
    value = study_log_likelihoods(np.array([eta]), tau, np.array([float(k)]), np.array([float(m)]))[0]
    assert value == pytest.approx(dense, rel=1e-10, abs=1e-10)


def _integrand(z, eta, tau, k, m):
    logit = eta + tau * z
    return k * logit - m * np.logaddexp(0, logit) - 0.5 * z**2 - 0.5 * np.log(2 * np.pi)


@pytest.mark.parametrize(
    ("events", "n", "mean", "se"),
    [
        # the maximum by dense integration (2e5 points a study); 15 Gauss-Hermite nodes gave -9.48 with error 0.034
        ([0, 0, 0, 0, 0, 12], [20, 15, 18, 12, 22, 30], -8.0860, 5.8756),
        # its mirror image
        ([20, 15, 18, 12, 22, 18], [20, 15, 18, 12, 22, 30], 8.0860, 5.8756),
    ],
)
def test_mostly_empty_studies_leave_the_mean_open(events, n, mean, se):
    fit = fit_binomial_normal(np.array(events, dtype=float), np.array(n, dtype=float))
    assert fit.coefficients[0] == pytest.approx(mean, abs=1e-3)
    assert fit.standard_errors[0] == pytest.approx(se, rel=1e-3)
    _, low, high = 1 / (1 + np.exp(-np.array(fit.at())))
    assert low < 0.001
    assert high > 0.999


@pytest.mark.parametrize(
    ("events", "n", "share"),
    [
        # glmer(cbind(x, 1 - x) ~ 1 + (1 | s), binomial) gives 60 %; nothing can be seen of tau with one patient a study
        ([1, 1, 1, 0, 0], [1] * 5, 0.6),
        ([0, 0, 0, 1], [1] * 4, 0.25),
        ([1, 1, 1, 0, 0, 2], [1, 1, 1, 1, 1, 3], 0.625),
    ],
)
def test_tiny_studies_give_the_share_of_all_patients(events, n, share):
    fit = fit_binomial_normal(np.array(events, dtype=float), np.array(n, dtype=float))
    assert fit.tau2 == 0.0
    assert 1 / (1 + np.exp(-fit.coefficients[0])) == pytest.approx(share, abs=1e-6)


def test_the_wide_fit_is_where_the_likelihood_is_highest():
    events, n, x = np.array([0, 0, 0, 0, 0, 12.0]), np.array([20, 15, 18, 12, 22, 30.0]), np.ones((6, 1))
    fit = fit_binomial_normal(events, n)
    b, tau = fit.coefficients, np.sqrt(fit.tau2)
    around = [
        log_likelihood(b + db, tau * dt, events, n, x)
        for db in np.linspace(-4, 4, 17)
        for dt in np.geomspace(0.5, 2, 15)
    ]
    assert max(around) <= fit.log_likelihood + 1e-9
