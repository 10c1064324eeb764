"""Posterior probabilities against closed forms and against sampling."""

from __future__ import annotations

import numpy as np
import pytest

from engager.analysis import probability_median_longer, probability_share_better
from engager.evidence import BetaMixture, NormalMixture

MIXTURE = BetaMixture(np.array([0.5, 0.3, 0.2]), np.array([9.0, 4.0, 1.0]), np.array([30.0, 20.0, 1.0]))


def one(a, b):
    return BetaMixture(np.array([1.0]), np.array([float(a)]), np.array([float(b)]))


def test_two_equal_posteriors_are_even():
    assert probability_share_better(3, 20, (1.0, 1.0), one(1, 1), 3, 20) == pytest.approx(0.5, abs=1e-9)


def test_whole_numbers_agree_with_the_closed_form():
    # P(X > Y) for beta variables with whole parameters (Miller): a sum over the treated's responders.
    from scipy.special import betaln

    a, b, c, d = 8, 6, 5, 9
    terms = [np.exp(betaln(c + i, b + d) - betaln(1 + i, b) - betaln(c, d)) / (b + i) for i in range(a)]
    found = probability_share_better(a - 1, a + b - 2, (1.0, 1.0), one(c, d))
    assert found == pytest.approx(float(np.sum(terms)), abs=1e-9)


@pytest.mark.parametrize("margin", [0.0, 0.1, -0.05])
def test_a_mixture_agrees_with_sampling(margin):
    generator = np.random.default_rng(11)
    updated = MIXTURE.posterior(6, 25)
    part = generator.choice(3, size=400_000, p=updated.weights)
    control = generator.beta(updated.a[part], updated.b[part])
    treated = generator.beta(0.5 + 14, 0.5 + 26, size=control.size)
    expected = (treated > control + margin).mean()
    found = probability_share_better(14, 40, (0.5, 0.5), MIXTURE, 6, 25, margin)
    assert found == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(control.size))


@pytest.mark.parametrize("n", [60, 3000])
def test_more_nodes_change_nothing(monkeypatch, n):
    counts = np.arange(0, n + 1, n // 60)
    few = probability_share_better(counts, n, (0.5, 0.5), MIXTURE, n // 5, n, 0.05)
    monkeypatch.setattr("engager.analysis.bayesian_decision._PIECES", 384)
    many = probability_share_better(counts, n, (0.5, 0.5), MIXTURE, n // 5, n, 0.05)
    # The kink where the control's share plus the margin reaches 1 costs most.
    assert np.abs(few - many).max() < 1e-8
    assert np.all(np.diff(many) >= 0)


def test_a_single_normal_is_the_textbook_formula():
    prior = NormalMixture(np.array([1.0]), np.array([np.log(4.0)]), np.array([0.3]))
    # precision-weighted mean of prior and 50 control events; R: pnorm(z)
    own, past = 1 / 50, 0.09
    middle = (np.log(4.0) / past + np.log(5.0) / own) / (1 / past + 1 / own)
    spread = np.sqrt(1 / (1 / past + 1 / own) + 1 / 80)
    from scipy.stats import norm

    expected = norm.cdf((np.log(7.0) - np.log(1.1) - middle) / spread)
    found = probability_median_longer(np.log(7.0), 80, prior, np.log(5.0), 50, 1.1)
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_prior_in_conflict_loses_weight():
    prior = NormalMixture(np.array([0.8, 0.2]), np.log([4.0, 4.0]), np.array([0.05, 1.0]))
    sure = NormalMixture(np.array([1.0]), np.log([4.0]), np.array([0.05]))
    robust = probability_median_longer(np.log(8.0), 60, prior, np.log(8.0), 60)
    stubborn = probability_median_longer(np.log(8.0), 60, sure, np.log(8.0), 60)
    assert abs(robust - 0.5) < 0.05
    assert stubborn > 0.95


def test_without_an_event_nothing_is_known():
    prior = NormalMixture(np.array([1.0]), np.array([1.0]), np.array([0.3]))
    assert np.isnan(probability_median_longer(0.0, 0, prior))
