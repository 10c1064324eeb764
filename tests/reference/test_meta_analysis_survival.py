"""Landmark survival pooled against R metafor 3.8-1; each number stands beside the call that gave it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engager.core import InputError
from engager.evidence import pool_survival, select
from engager.evidence.synthesis.meta_analysis import fit_random_effects

# f <- function(p) -log(-log(p))
# metafor iterates to about 1e-5 of tau2 by default; the pooled values then agree to about 1e-6.
TAU2, VALUE = 2e-5, 2e-6


def test_shipped_five_year_survival_from_printed_intervals():
    # s <- c(0.07,0.10,0.133); lo <- c(0.04,0.08,0.08); hi <- c(0.09,0.12,0.18)
    # r <- rma(f(s), sei=(f(hi)-f(lo))/(2*qnorm(0.975)), method="REML", test="knha")
    # predict(r, transf=function(x) exp(-exp(-x)))
    pooled = pool_survival(select("OS", "survival_at", time_months=60), 60)
    assert {row["record"] for row in pooled.rows} == {"fielding-2007", "oriol-2010", "desjonqueres-2016-graall"}
    one = pooled.estimate
    assert (one.value, one.low, one.high) == pytest.approx((0.0970, 0.0404, 0.1833), abs=6e-5)
    assert (one.prediction_low, one.prediction_high) == pytest.approx((0.0191, 0.2525), abs=6e-5)
    # with control=list(threshold=1e-12, maxiter=10000): c(coef(r), r$ci.lb, r$ci.ub, r$tau2, r$I2, r$QE, r$QEp)
    on_scale = -np.log(-np.log(np.array([one.value, one.low, one.high])))
    assert on_scale == pytest.approx([-0.84735917359089, -1.16606794297774, -0.52865040420403], abs=1e-8)
    assert one.tau2 == pytest.approx(0.00956210960005, abs=1e-9)
    assert 100 * one.i2 == pytest.approx(66.26960128522137, abs=1e-5)
    assert one.q == pytest.approx(5.36858342939738, abs=1e-9)
    assert one.q_p == pytest.approx(0.06826953118150, abs=1e-9)


def test_errors_from_n_alone():
    # n <- c(64, 31, 39); s <- c(0.36, 0.10, 0.28)
    # r2 <- rma(f(s), sei=sqrt((1-s)/(n*s))/-log(s), method="REML", test="knha"); c(coef(r2), r2$se, r2$tau2, r2$QE)
    selection = select("OS", "survival_at", time_months=12, year="-2020")
    studies = {study.record: study for study in selection.studies}
    figures = {"topp-2015-phase2": (64, 0.36), "barba-2012": (31, 0.10), "deangelo-2007": (39, 0.28)}
    assert set(studies) == set(figures)
    bare = [
        replace(studies[name], outcome=replace(studies[name].outcome, value=s, n=n, low=None, high=None, se=None))
        for name, (n, s) in figures.items()
    ]
    pooled = pool_survival(replace(selection, studies=tuple(bare)), 12)
    one = pooled.estimate
    assert -np.log(-np.log(one.value)) == pytest.approx(-0.343289090424, abs=VALUE)
    assert (one.value, one.low, one.high) == pytest.approx((0.2442, 0.0193, 0.6047), abs=6e-5)
    assert (one.prediction_low, one.prediction_high) == pytest.approx((0.0001, 0.8020), abs=6e-5)
    assert one.tau2 == pytest.approx(0.128372666669, abs=TAU2)
    assert one.q == pytest.approx(8.151007042080, abs=1e-9)
    assert any("n patients without loss" in remark and "barba-2012" in remark for remark in pooled.remarks)


def test_a_printed_standard_error_counts_as_one():
    # 0.4 with a standard error of 0.05: sei = 0.05/(0.4*-log(0.4)); the interval shown is f(0.4) -+ 1.96 sei, back.
    selection = select("OS", "survival_at", time_months=60)
    bare = [
        replace(study, outcome=replace(study.outcome, value=value, se=0.05, low=None, high=None))
        for study, value in zip(selection.studies, (0.4, 0.5, 0.3), strict=True)
    ]
    pooled = pool_survival(replace(selection, studies=tuple(bare)), 60)
    error = 0.05 / (0.4 * -np.log(0.4))
    effect = -np.log(-np.log(0.4)) + 1.959964 * error * np.array([-1, 1])
    row = pooled.rows[0]
    assert (row["low"], row["high"]) == pytest.approx(np.exp(-np.exp(-effect)), abs=1e-6)
    assert not any("without loss" in remark for remark in pooled.remarks)


def test_nobody_and_everybody_alive_can_be_pooled_and_a_bare_share_cannot():
    selection = select("OS", "survival_at", time_months=60)
    figures = ((0.0, 40), (1.0, 30), (0.2, None))
    studies = [
        replace(study, outcome=replace(study.outcome, value=value, n=n, low=None, high=None, se=None))
        for study, (value, n) in zip(selection.studies, figures, strict=True)
    ]
    pooled = pool_survival(replace(selection, studies=tuple(studies)), 60)
    assert len(pooled.rows) == 2
    assert 0 < pooled.estimate.value < 1
    assert any("neither an interval nor the number" in text for text in pooled.left_out)
    # half an event away from none and from everybody
    share = np.array([0.5 / 40, 1 - 0.5 / 30])
    error = np.sqrt((1 - share) / (np.array([40, 30]) * share)) / -np.log(share)
    fit = fit_random_effects(-np.log(-np.log(share)), error**2)
    assert pooled.estimate.tau2 == pytest.approx(fit.tau2)


def test_follow_ups_of_the_same_patients_are_left_out():
    pooled = pool_survival(select("OS", "survival_at", time_months=12), 12)
    assert any("stein-2016-ebmt" in text and "shares patients" in text for text in pooled.left_out)
    with pytest.raises(InputError, match="no survival_at in the records"):
        select("OS", "survival_at", time_months=7)
