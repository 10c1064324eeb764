"""Historical priors against RBesT 1.9-0 (its introduction to binary endpoints), and matching against R's
optim.
"""

from __future__ import annotations

import numpy as np
import pytest

from engager.evidence.synthesis.beta_mixture import mixture_of
from engager.evidence.synthesis.historical_median import prior_from_log_medians
from engager.evidence.synthesis.historical_prior import prior_from_counts
from engager.evidence.synthesis.matching import match

# map <- automixfit(gMAP(cbind(r, n - r) ~ 1 | study, data = AS, tau.dist = "HalfNormal", tau.prior = 1,
#                        beta.prior = 2, family = binomial)); print(map)
PUBLISHED_MAP = mixture_of(
    [
        (0.4612914, 33.9513487, 103.0146367),
        (0.1917812, 19.4400089, 41.5205219),
        (0.1893896, 12.2692310, 55.9202833),
        (0.1575378, 2.2521243, 5.4812202),
    ]
)
EVENTS = np.array([23, 12, 19, 9, 39, 6, 9, 10])
N = np.array([107, 44, 51, 39, 139, 20, 78, 35])


def test_effective_sample_sizes_of_a_mixture():
    # round(ess(map, method = "elir")); round(ess(map, method = "moment")); round(ess(robustify(map, 0.2,
    # 1/2)))
    assert round(PUBLISHED_MAP.effective_sample_size()) == 38
    assert round(PUBLISHED_MAP.effective_sample_size_by_moments()) == 24
    # 27 there; an expectation over an integrand with a vague component, 26.50 here, rounds either way.
    assert PUBLISHED_MAP.robust(0.2).effective_sample_size() == pytest.approx(27, abs=0.6)


def test_summary_of_a_mixture():
    # summary(map)
    assert pytest.approx(0.25545885, abs=1e-7) == PUBLISHED_MAP.mean
    assert pytest.approx(0.08662045, abs=1e-7) == PUBLISHED_MAP.sd
    quantiles = [PUBLISHED_MAP.quantile(p) for p in (0.025, 0.5, 0.975)]
    # Its own quantiles are found to about 4 digits.
    assert quantiles == pytest.approx([0.10730400, 0.24758768, 0.46276759], abs=5e-5)


def test_posterior_probability_of_a_trial_with_the_robust_prior():
    # pmixdiff(postmix(mixbeta(c(1, 0.5, 1)), r = 14, n = 24), postmix(map_robust, r = 1, n = 6), 0,
    # lower.tail=FALSE)
    control = PUBLISHED_MAP.robust(0.2).posterior(1, 6)
    treatment = mixture_of([(1, 0.5, 1)]).posterior(14, 24)
    x = (np.arange(20000) + 0.5) / 20000
    assert float((control.cdf(x) * treatment.density(x)).mean()) == pytest.approx(0.9917197, abs=1e-6)


def test_predictive_prior_of_the_historical_controls():
    # print(map_mcmc): MAP 0.2550 (0.0864), 0.1060 0.2470 0.4610; tau 0.3870 (0.2150), median 0.3590. Those
    # come from 4000 thinned draws: 0.004 is about three of their standard errors for the mean, 0.012 for
    # the quantiles.
    prior = prior_from_counts(EVENTS, N)
    assert prior.mean == pytest.approx(0.2550, abs=0.004)
    assert prior.sd == pytest.approx(0.0864, abs=0.004)
    assert (prior.low, prior.median, prior.high) == pytest.approx((0.1060, 0.2470, 0.4610), abs=0.012)
    assert prior.tau_mean == pytest.approx(0.3870, abs=0.012)
    assert prior.tau_median == pytest.approx(0.3590, abs=0.012)
    assert prior.effective_sample_size_predictive == pytest.approx(38, abs=3)


def test_less_heterogeneity_allowed():
    # update(map_mcmc, tau.prior = 1/2): MAP 0.2590 (0.0776), 0.1290 0.2500 0.4420
    prior = prior_from_counts(EVENTS, N, tau_scale=0.5)
    assert prior.mean == pytest.approx(0.2590, abs=0.004)
    assert prior.sd == pytest.approx(0.0776, abs=0.004)


def test_matching_weights():
    # i <- 0:39; age <- 25+((i*17)%%41); blasts <- 10+((i*29)%%83); hsct <- as.numeric((i*7)%%3==0)
    # X <- cbind(age-41, blasts-60, hsct-0.4)
    # o <- optim(c(0,0,0), function(a) sum(exp(X%*%a)), function(a) colSums(X*as.vector(exp(X%*%a))),
    # method="BFGS",            control=list(reltol=1e-16)); w <- exp(X%*%o$par); sum(w)^2/sum(w^2);
    # (w/sum(w)*40)[1:4]
    i = np.arange(40)
    patients = {"age": 25 + (i * 17) % 41, "blasts": 10 + (i * 29) % 83, "hsct": (i * 7) % 3 == 0}
    targets = {"age": {"mean": 41}, "blasts": {"mean": 60}, "hsct": {"proportion": 0.4}}
    matched = match(patients, targets)
    assert matched.effective_sample_size == pytest.approx(28.37275659, abs=1e-5)
    assert matched.weights[:4] == pytest.approx([0.8793349854, 0.4549276033, 0.6304386366, 0.7524008469], abs=1e-6)
    for row in matched.balance:
        assert row["after"] == pytest.approx(row["target"], abs=1e-9)


def test_predictive_prior_of_normal_means():
    # map_crohn <- gMAP(cbind(y, y.se) ~ 1 | study, family = gaussian, data = transform(crohn, y.se =
    # 88/sqrt(n)),                   weights = n, tau.dist = "HalfNormal", tau.prior = 44, beta.prior =
    # cbind(0, 88)) tau 14.00 (9.44); MAP -50.3 (19.1), -90.8 -48.7 -14.3. Its mean has a normal prior with
    # sd 88, ours a flat one, which moves the mean by 0.4; its draws are thinned to 4000, which leaves an
    # error of about 0.4 in the mean.
    n = np.array([74, 166, 328, 20, 25, 58])
    y = np.array([-51, -49, -36, -47, -90, -54.0])
    prior = prior_from_log_medians(y, 88 / np.sqrt(n), tau_scale=44)
    assert prior.predictive.mean == pytest.approx(-50.3, abs=1.2)
    assert prior.predictive.sd == pytest.approx(19.1, abs=1.0)
    assert prior.predictive.quantile(0.5) == pytest.approx(-48.7, abs=1.2)
    assert prior.predictive.quantile(0.025) == pytest.approx(-90.8, abs=4)
    assert prior.predictive.quantile(0.975) == pytest.approx(-14.3, abs=4)
    assert prior.tau_mean == pytest.approx(14.0, abs=0.8)


def _dense(effect, variance, tau_scale, mean_sd):
    """Mean and sd of the next study's effect and the mean of tau: 4e4 values of tau, mu integrated by hand."""
    tau = np.concatenate([np.linspace(0, 1e-6, 2), np.geomspace(1e-6, 50, 40000)[1:]])
    total = variance + tau[:, None] ** 2
    precision = (1 / total).sum(axis=1) + 1 / mean_sd**2
    center = (effect / total).sum(axis=1) / precision
    log = -0.5 * (np.log(total).sum(axis=1) + np.log(precision) + (effect**2 / total).sum(axis=1))
    log += 0.5 * precision * center**2 - 0.5 * (tau / tau_scale) ** 2
    weight = np.exp(log - log.max()) * np.gradient(tau)
    weight /= weight.sum()
    mean = weight @ center
    return mean, np.sqrt(weight @ (1 / precision + tau**2 + center**2) - mean**2), weight @ tau


@pytest.mark.parametrize(
    ("events", "n", "tau_scale"),
    [
        # shares further apart than the prior of tau expects: tau lies at 4 to 11 of its scales
        ([300000, 500000, 700000], 1000000, 0.01),
        ([30000, 50000, 70000], 100000, 0.02),
        ([48000, 50000, 52000], 100000, 0.005),
        # shares that agree: all of it narrower than any fixed grid
        ([500000, 500100, 499900], 1000000, 1.0),
        ([40000, 41000, 39000, 40500], 100000, 0.3),
        ([90000, 91000, 89500, 90500, 90100], 100000, 0.05),
    ],
)
def test_a_prior_from_very_large_studies_is_as_sure_as_dense_integration(events, n, tau_scale):
    # Counts this large make the logit normal to a part in 1e4 of its error.
    k, m = np.array(events, dtype=float), np.full(len(events), float(n))
    effect, variance = np.log(k / (m - k)), 1 / k + 1 / (m - k)
    _, sd, tau_mean = _dense(effect, variance, tau_scale, 2.0)
    prior = prior_from_counts(k, m, tau_scale, robust_weight=0.0)
    assert prior.tau_mean == pytest.approx(tau_mean, rel=2e-3)
    # The spread on the logit, from the quantiles of one normal standard deviation.
    random = np.random.default_rng(1)
    share = random.beta(*_drawn(prior.predictive, random))
    assert np.std(np.log(share / (1 - share))) == pytest.approx(sd, rel=0.08)
    assert prior.sd == pytest.approx(np.std(share), rel=0.08)


def _drawn(mixture, random):
    part = random.choice(mixture.weights.size, size=200000, p=mixture.weights)
    return mixture.a[part], mixture.b[part]


@pytest.mark.parametrize("tau_scale", [0.001, 0.01, 0.1, 0.5])
def test_a_prior_of_medians_is_as_sure_as_dense_integration(tau_scale):
    y, se = np.array([1.0, 1.6, 1.2, 2.0]), np.array([0.01, 0.02, 0.015, 0.01])
    # a flat prior of the mean
    mean, sd, tau_mean = _dense(y, se**2, tau_scale, 1e6)
    prior = prior_from_log_medians(y, se, tau_scale, robust_weight=0.0)
    assert prior.predictive.mean == pytest.approx(mean, abs=1e-3 * sd)
    assert prior.predictive.sd == pytest.approx(sd, rel=1e-3)
    assert prior.tau_mean == pytest.approx(tau_mean, rel=1e-3)
