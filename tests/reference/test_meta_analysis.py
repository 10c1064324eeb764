"""Inverse-variance meta-analysis against R metafor 3.8-1; each number stands beside the call that gave it."""

from __future__ import annotations

import numpy as np
import pytest

from engager.evidence.synthesis.meta_analysis import fit_random_effects, leave_one_out
from engager.evidence.synthesis.pooling import logits

# x <- c(91,81,25,8,29,22); n <- c(271,189,36,37,50,66)
# dat <- escalc(measure="PLO", xi=x, ni=n)
EVENTS = np.array([91, 81, 25, 8, 29, 22.0])
N = np.array([271, 189, 36, 37, 50, 66.0])
# metafor iterates to about 1e-5 of tau2 by default; the pooled values then agree to about 1e-6.
TAU2 = 2e-5
VALUE = 2e-6


def test_reml_with_knapp_and_hartung():
    # r <- rma(yi, vi, data=dat, method="REML", test="knha"); c(coef(r), r$se, r$ci.lb, r$ci.ub, r$tau2,
    # r$I2, ...)
    fit = fit_random_effects(*logits(EVENTS, N))
    mean, low, high = fit.at()
    assert mean == pytest.approx(-0.3068761375101, abs=VALUE)
    assert fit.standard_errors[0] == pytest.approx(0.2978300032735, abs=VALUE)
    assert (low, high) == pytest.approx((-1.0724725340325, 0.4587202590123), abs=VALUE)
    assert fit.tau2 == pytest.approx(0.4144385939815, abs=TAU2)
    assert 100 * fit.i2 == pytest.approx(89.6994683055288, abs=1e-3)
    assert fit.q == pytest.approx(29.2605781059976, abs=1e-9)
    assert fit.q_p == pytest.approx(0.0000206116977, rel=1e-6)
    # logLik(r)
    assert fit.log_likelihood == pytest.approx(-5.543881801, abs=1e-8)


def test_prediction_interval():
    # predict(r)
    fit = fit_random_effects(*logits(EVENTS, N))
    assert fit.prediction() == pytest.approx((-2.1303, 1.5165), abs=6e-5)


def test_q_profile_interval_of_tau2():
    # confint(r)$random[1,]
    fit = fit_random_effects(*logits(EVENTS, N))
    assert (fit.tau2_low, fit.tau2_high) == pytest.approx((0.1103779973, 3.3896228322), abs=2e-6)


def test_leave_one_out():
    # for (i in 1:6) {l <- rma(yi, vi, data=dat[-i,], test="knha"); cat(coef(l), l$tau2, l$ci.lb, l$ci.ub)}
    published = [
        (-0.2199939803, 0.5137552361, -1.214751449, 0.7747634889),
        (-0.3088129876, 0.5737876163, -1.342709189, 0.7250832143),
        (-0.4939998697, 0.204528792, -1.17624981, 0.1882500709),
        (-0.1535452807, 0.3245989481, -0.9471486883, 0.6400581269),
        (-0.4303942376, 0.4189196848, -1.349089793, 0.4883013181),
        (-0.2269230695, 0.5104123316, -1.213603438, 0.7597572994),
    ]
    for fit, (mean, tau2, low, high) in zip(leave_one_out(*logits(EVENTS, N)), published, strict=True):
        assert fit.at() == pytest.approx((mean, low, high), abs=VALUE)
        assert fit.tau2 == pytest.approx(tau2, abs=TAU2)


def test_meta_regression():
    # yr <- c(2017,2015,2014,2010,2013,1997)-2010; r <- rma(yi, vi, mods=~yr, data=dat, test="knha")
    # c(coef(r), r$se, r$tau2, r$QE, r$I2, r$pval)
    year = np.array([7, 5, 4, 0, 3, -13.0])
    fit = fit_random_effects(*logits(EVENTS, N), np.column_stack([np.ones(6), year]), ("mean", "year"))
    assert fit.coefficients == pytest.approx([-0.34010386980, 0.03063272378], abs=VALUE)
    assert fit.standard_errors == pytest.approx([0.32385553215, 0.04769735127], abs=VALUE)
    assert fit.tau2 == pytest.approx(0.50464935204, abs=TAU2)
    assert fit.q == pytest.approx(28.94863001651, abs=1e-8)
    assert 100 * fit.i2 == pytest.approx(91.32565924588, abs=1e-3)
    assert fit.p_values() == pytest.approx([0.35289760460, 0.55568110379], abs=2e-6)


def test_sparse_studies_with_normal_interval():
    # x <- c(0,2,1,0,5); n <- c(12,30,25,9,40); rma(yi, vi, data=escalc("PLO", xi=x, ni=n), method="REML")
    fit = fit_random_effects(*logits(np.array([0, 2, 1, 0, 5.0]), np.array([12, 30, 25, 9, 40.0])), knapp_hartung=False)
    assert fit.at() == pytest.approx((-2.3826940403, -3.0689264989, -1.6964615818), abs=1e-9)
    assert fit.standard_errors[0] == pytest.approx(0.3501250349, abs=1e-9)
    assert fit.tau2 == 0.0
    assert fit.i2 == 0.0
    assert fit.q == pytest.approx(2.0506814508, abs=1e-9)


def test_bcg_vaccine_trials():
    # d <- escalc(measure="RR", ai=tpos, bi=tneg, ci=cpos, di=cneg, data=dat.bcg); rma(yi, vi, data=d)
    # and rma(yi, vi, mods=~ablat+year, data=d); c(coef(r), r$se, r$tau2)
    vaccinated = np.array([[4, 119], [6, 300], [3, 228], [62, 13536], [33, 5036], [180, 1361], [8, 2537]])
    vaccinated = np.vstack([vaccinated, [[505, 87886], [29, 7470], [17, 1699], [186, 50448], [5, 2493], [27, 16886]]])
    control = np.array([[11, 128], [29, 274], [11, 209], [248, 12619], [47, 5761], [372, 1079], [10, 619]])
    control = np.vstack([control, [[499, 87892], [45, 7232], [65, 1600], [141, 27197], [3, 2338], [29, 17825]]])
    latitude = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33.0])
    year = np.array([1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976.0])
    n1, n2 = vaccinated.sum(axis=1), control.sum(axis=1)
    effect = np.log(vaccinated[:, 0] / n1) - np.log(control[:, 0] / n2)
    variance = 1 / vaccinated[:, 0] - 1 / n1 + 1 / control[:, 0] - 1 / n2
    fit = fit_random_effects(effect, variance, knapp_hartung=False)
    assert fit.at()[0] == pytest.approx(-0.7145323484, abs=VALUE)
    assert fit.standard_errors[0] == pytest.approx(0.1797815318, abs=VALUE)
    assert fit.tau2 == pytest.approx(0.3132433260, abs=TAU2)
    assert 100 * fit.i2 == pytest.approx(92.2213860750, abs=1e-3)
    design = np.column_stack([np.ones(13), latitude, year])
    fit = fit_random_effects(effect, variance, design, ("mean", "latitude", "year"), knapp_hartung=False)
    assert fit.coefficients[1:] == pytest.approx([-0.028011275213, 0.001907556596], abs=VALUE)
    assert fit.standard_errors[1:] == pytest.approx([0.010234040947, 0.014683815816], abs=VALUE)
    assert fit.tau2 == pytest.approx(0.110787351546, abs=TAU2)


@pytest.mark.parametrize(
    ("events", "n", "mean", "low", "high"),
    [
        # r <- rma(measure="PLO", xi=c(10,11,9,10), ni=c(30,33,28,30), test="z"); c(coef(r), r$ci.lb, r$ci.ub)
        ([10, 11, 9, 10], [30, 33, 28, 30], -0.705479988257, -1.084265192221, -0.326694784294),
        # xi=c(10,10,10), ni=c(30,30,30): by test="knha" the interval would have no width at all
        ([10, 10, 10], [30, 30, 30], -0.69314718056, -1.13140845085, -0.25488591027),
    ],
)
def test_studies_that_agree_by_chance_get_the_normal_interval(events, n, mean, low, high):
    fit = fit_random_effects(*logits(np.array(events, dtype=float), np.array(n, dtype=float)))
    assert fit.is_widened
    assert fit.tau2 == 0.0
    assert fit.at() == pytest.approx((mean, low, high), abs=1e-9)
    assert fit.prediction() == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("events", "n", "mean", "interval", "prediction", "tau2", "i2"),
    [
        # r <- rma(measure="PLO", xi=c(5,12), ni=c(20,30), test="knha"); predict(r)
        ([5, 12], [20, 30], -0.65986651522, (-4.904909344829, 3.585176314389), (-5.565617989512, 4.245884959071),
         0.037448729181, 15.588924659217),
        # xi=c(1,0,1,1), ni=c(1,2,2,1)
        ([1, 0, 1, 1], [1, 2, 2, 1], 0.092016051792, (-1.905783618479, 2.089815722063),
         (-1.905783618479, 2.089815722063), 0.0, 0.0),
        # xi=c(1,99,2,98,50), ni=rep(100, 5)
        ([1, 99, 2, 98, 50], [100] * 5, 0.0, (-5.2590634169, 5.2590634169), (-12.642662102, 12.642662102),
         17.146867635, 97.798147217),
    ],
)  # fmt: skip
def test_two_studies_a_handful_of_patients_and_huge_heterogeneity(events, n, mean, interval, prediction, tau2, i2):
    fit = fit_random_effects(*logits(np.array(events, dtype=float), np.array(n, dtype=float)))
    assert not fit.is_widened
    assert fit.at() == pytest.approx((mean, *interval), abs=1e-6)
    assert fit.prediction() == pytest.approx(prediction, abs=1e-6)
    assert fit.tau2 == pytest.approx(tau2, abs=1e-7)
    assert 100 * fit.i2 == pytest.approx(i2, abs=1e-6)
