"""Survival estimates against R 4.2.2, survival 3.5-3. The R calls stand beside the numbers; R is not needed.

Small set in R (many ties):
    t <- c(3,5,5,8,8,8,10,12,12,14,15,15, 2,3,5,5,6,8,8,9,10,10,13,16)
    e <- c(1,1,0,1,1,0,1,0,1,1,0,1, 1,1,1,1,1,0,1,1,1,1,1,0)
    g <- rep(c(1,0), each=12); s <- rep(c(0,1,1), 8)
    cz <- c(1,2,0,1,1,0,2,0,1,1,0,2, 1,1,2,1,1,0,2,1,1,2,1,0)
Trial-sized set in R (405 patients, ties, exact in integers):
    i <- 1:405; t <- 1 + (i*7919) %% 613; e <- as.numeric((i*104729) %% 997 < 650); g <- as.numeric(i<=271)
    s <- i %% 8; t <- ifelse(g==1, t, 1 + (t*2) %/% 3); cz <- ifelse(e==0, 0, 1 + (i %% 3 == 0))
"""

import numpy as np
import pytest

from engager.analysis import (
    aalen_johansen,
    cox_hazard_ratio,
    cumulative_incidence_at,
    exact_interval,
    kaplan_meier,
    log_rank,
    median_survival,
    reverse_kaplan_meier,
    survival_at,
)
from engager.analysis.competing import _at, _incidence_steps

SMALL_TIME = np.array([3, 5, 5, 8, 8, 8, 10, 12, 12, 14, 15, 15, 2, 3, 5, 5, 6, 8, 8, 9, 10, 10, 13, 16.0])
SMALL_EVENT = np.array([1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0], dtype=bool)
SMALL_GROUP = np.arange(24) < 12
SMALL_STRATUM = np.tile([0, 1, 1], 8)
SMALL_CAUSE = np.array([1, 2, 0, 1, 1, 0, 2, 0, 1, 1, 0, 2, 1, 1, 2, 1, 1, 0, 2, 1, 1, 2, 1, 0])

NUMBER = np.arange(1, 406)
GROUP = NUMBER <= 271
TIME = 1 + (NUMBER * 7919) % 613
TIME = np.where(GROUP, TIME, 1 + (TIME * 2) // 3).astype(float)
EVENT = (NUMBER * 104729) % 997 < 650
STRATUM = NUMBER % 8
CAUSE = np.where(EVENT, 1 + (NUMBER % 3 == 0), 0)


def near(expected):
    """Both programs work in double precision; R's print shows 10 to 12 digits."""
    return pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_curve_with_ties_matches_survfit():
    # f <- survfit(Surv(t,e)~1, conf.type="log-log")
    # cbind(f$time, f$n.risk, f$n.event, f$surv, f$lower, f$upper)
    curve = kaplan_meier(SMALL_TIME, SMALL_EVENT)
    assert curve.time.tolist() == [2, 3, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16]
    assert curve.at_risk.tolist() == [24, 23, 21, 17, 16, 11, 10, 7, 5, 4, 3, 1]
    assert curve.n_events.tolist() == [1, 2, 3, 1, 3, 1, 3, 1, 1, 1, 1, 0]
    assert curve.survival[[0, 4, 11]] == near([0.958333333333, 0.573529411765, 0.125133689840])
    assert curve.low[[0, 4, 11]] == near([0.7392061511469, 0.3518983336634, 0.0224768172886])
    assert curve.high[[0, 4, 11]] == near([0.994023720196, 0.743837436413, 0.320407424542])


def test_medians_of_the_small_set_match_quantile_survfit():
    # quantile(survfit(Surv(t,e)~1, subset=g==1, conf.type="log-log"), .5): 12, 5, 15; g==0: 8.5, 3, 10
    assert tuple(median_survival(SMALL_TIME, SMALL_EVENT)) == (10, 6, 13)
    assert tuple(median_survival(SMALL_TIME, SMALL_EVENT, SMALL_GROUP)) == (12, 5, 15)
    assert tuple(median_survival(SMALL_TIME, SMALL_EVENT, ~SMALL_GROUP)) == (8.5, 3, 10)
    # quantile(survfit(Surv(t,1-e)~1, conf.type="log-log"), .5): 15, 12, NA (not reached)
    assert tuple(reverse_kaplan_meier(SMALL_TIME, SMALL_EVENT)) == (15, 12, np.inf)


def test_median_on_a_curve_that_ends_at_one_half_matches_quantile_survfit():
    # survfit(Surv(c(1,2,3,4), c(1,1,0,0))~1): 3 (1, NA); c(1,1,1,0): 2.5 (1, NA)
    assert tuple(median_survival([1, 2, 3, 4], [1, 1, 0, 0])) == (3, 1, np.inf)
    assert tuple(median_survival([1, 2, 3, 4], [1, 1, 1, 0])) == (2.5, 1, np.inf)


def test_trial_sized_medians_and_landmarks_match_survfit():
    # f <- survfit(Surv(t,e)~g, conf.type="log-log"); quantile(f[2], .5); summary(f, times=c(180,360))
    assert tuple(median_survival(TIME, EVENT, GROUP)) == (390, 344, 440)
    assert tuple(median_survival(TIME, EVENT, ~GROUP)) == (270, 219, 309)
    assert tuple(reverse_kaplan_meier(TIME, EVENT)) == (496, 446, 531)
    control = survival_at(TIME, EVENT, 360, include=~GROUP)
    assert tuple(control) == near((0.226354902616, 0.142292636144, 0.322403208050))
    treated = survival_at(TIME, EVENT, 180, include=GROUP)
    assert tuple(treated) == near((0.794483137026, 0.739674303704, 0.839015085966))
    assert kaplan_meier(TIME, EVENT, GROUP).number_at_risk([180, 360]).tolist() == [192, 113]


def test_log_rank_matches_survdiff():
    # d <- survdiff(Surv(t,e)~g); c(d$chisq, d$obs[2], d$exp[2], d$var[2,2], pchisq(d$chisq, 1, lower=F))
    small = log_rank(SMALL_TIME, SMALL_EVENT, SMALL_GROUP)
    assert small.chi_square == near(1.468033785421)
    assert (small.observed, small.expected, small.variance) == near((8, 10.408225523411, 3.950556335422))
    assert small.p_value == near(0.225656174455)
    trial = log_rank(TIME, EVENT, GROUP)
    assert (trial.chi_square, trial.expected) == near((37.7408344389, 216.363675155))
    assert trial.p_value == pytest.approx(8.07954439275e-10, rel=1e-8)


def test_stratified_log_rank_matches_survdiff():
    # survdiff(Surv(t,e)~g+strata(s))
    small = log_rank(SMALL_TIME, SMALL_EVENT, SMALL_GROUP, SMALL_STRATUM)
    expected = (1.84430530419, 10.62164502165, 3.72661869115)
    assert (small.chi_square, small.expected, small.variance) == near(expected)
    trial = log_rank(TIME, EVENT, GROUP, STRATUM)
    expected = (36.8317033971, 215.951593921, 37.0718746991)
    assert (trial.chi_square, trial.expected, trial.variance) == near(expected)


def test_hazard_ratio_matches_coxph_with_efron_ties():
    # c1 <- coxph(Surv(t,e)~g, ties="efron"); c(coef(c1), sqrt(vcov(c1)), exp(confint(c1)))
    small = cox_hazard_ratio(SMALL_TIME, SMALL_EVENT, SMALL_GROUP)
    assert (small.log_hazard_ratio, small.standard_error) == near((-0.575332840482, 0.479875241609))
    assert (small.low, small.high) == near((0.219616808440, 1.440809848284))
    trial = cox_hazard_ratio(TIME, EVENT, GROUP)
    assert (trial.value, trial.low, trial.high) == near((0.421849844408, 0.317845402445, 0.559886315353))


def test_stratified_hazard_ratio_matches_coxph():
    # coxph(Surv(t,e)~g+strata(s), ties="efron")
    small = cox_hazard_ratio(SMALL_TIME, SMALL_EVENT, SMALL_GROUP, SMALL_STRATUM)
    assert (small.log_hazard_ratio, small.standard_error) == near((-0.665077207296, 0.499133691737))
    trial = cox_hazard_ratio(TIME, EVENT, GROUP, STRATUM)
    assert (trial.value, trial.low, trial.high) == near((0.424901212014, 0.319769344951, 0.564597710261))


def test_cumulative_incidence_and_its_standard_error_match_survfit():
    # a <- survfit(Surv(t,factor(cz,0:2))~1); cbind(a$time, a$pstate[,2], a$std.err[,2])
    curve = aalen_johansen(SMALL_TIME, SMALL_CAUSE)
    expected = [0.0416666666667, 0.2990196078431, 0.5805704099822, 0.5805704099822]
    assert curve.incidence[[0, 4, 9, 11]] == near(expected)
    steps, sets = _incidence_steps(TIME, CAUSE, None)
    # a <- summary(survfit(Surv(t,factor(cz,0:2))~1), times=c(90,180,360))
    for at, value, error in (
        (90, 0.0713175652092, 0.0129960059899),
        (180, 0.1584067865289, 0.0188089445701),
        (360, 0.3527271774839, 0.0262571258057),
    ):
        found, variance = _at(steps, sets, np.array([float(at)]))
        assert (found[0], np.sqrt(variance[0])) == near((value, error))
        limits = cumulative_incidence_at(TIME, CAUSE, at)
        assert limits.value == near(value)
        assert limits.low < value < limits.high


def test_limits_of_cumulative_incidence_match_survfit():
    # t <- c(1,1,1,2,2,3,3,4,5,5); c <- factor(c(1,2,0,1,2,0,1,2,1,0), 0:2)
    # summary(survfit(Surv(t, c) ~ 1, conf.type = "log-log"), times = c(1, 3, 5))
    time = np.array([1, 1, 1, 2, 2, 3, 3, 4, 5, 5.0])
    cause = np.array([1, 2, 0, 1, 2, 0, 1, 2, 1, 0])
    printed = pytest.approx
    for at, low, high in ((1.0, 0.0057, 0.358), (3.0, 0.077, 0.618), (5.0, 0.139, 0.762)):
        limits = cumulative_incidence_at(time, cause, at)
        assert (limits.low, limits.high) == printed((low, high), abs=6e-4)
    curve = aalen_johansen(time, cause)
    assert (curve.low[0], curve.high[0]) == printed((0.0057, 0.358), abs=6e-4)


def test_without_competing_events_the_limits_are_log_log_of_the_share_reached():
    # 3 of 12 by time 3, nobody lost: p = 1/4, se = sqrt(p (1 - p) / 12); survfit's log-log limits of a state
    time, cause = np.arange(1.0, 13.0), np.ones(12, dtype=int)
    limits = cumulative_incidence_at(time, cause, 3.0)
    width = 1.959963984540054 * np.sqrt(0.25 * 0.75 / 12) / (0.25 * np.log(4))
    assert (limits.low, limits.high) == near((0.25 ** np.exp(width), 0.25 ** np.exp(-width)))


def test_exact_interval_matches_binom_test():
    # binom.test(91,271)$conf.int; binom.test(0,109)$conf.int
    found = exact_interval([91, 0], [271, 109])
    assert found.low == near([0.279793233238, 0.0])
    assert found.high == near([0.395431141220, 0.0332766647985])
