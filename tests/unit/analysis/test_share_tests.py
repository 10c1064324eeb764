"""Tests of two shares, against R."""

from __future__ import annotations

import numpy as np
import pytest

from engager.analysis import fisher_z, score_z


def test_the_stratified_score_test_is_mantel_and_haenszels():
    # R: mantelhaen.test(array(c(12, 8, 5, 13, 9, 16, 7, 23), c(2, 2, 2)), correct = FALSE)$statistic
    found = score_z([[12, 9]], [[20, 25]], [[5, 7]], [[18, 30]])
    assert found[0] ** 2 == pytest.approx(4.33497979022848, rel=1e-10)
    assert found[0] > 0


def test_one_stratum_is_the_pooled_z():
    n1, n0, x1, x0 = 20, 18, 12, 5
    pooled = (x1 + x0) / (n1 + n0)
    plain = (x1 / n1 - x0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    found = score_z([[x1]], [[n1]], [[x0]], [[n0]])[0]
    assert found == pytest.approx(plain * np.sqrt((n1 + n0 - 1) / (n1 + n0)))


def test_fishers_exact_test_is_rs():
    # R: p = fisher.test(matrix(c(12, 8, 5, 13), 2, byrow = TRUE), alternative = "greater")$p.value; -qnorm(p)
    assert fisher_z(12, 20, 5, 18) == pytest.approx(1.67540974638085, rel=1e-9)


def test_nothing_to_compare_is_told():
    assert np.isnan(score_z([[0]], [[10]], [[0]], [[10]])[0])
    assert fisher_z(0, 10, 0, 10) == -np.inf


def test_the_error_under_no_effect_is_alpha():
    generator = np.random.default_rng(5)
    x1, x0 = generator.binomial(100, 0.3, 20_000), generator.binomial(100, 0.3, 20_000)
    z = score_z(x1[:, None], np.full((20_000, 1), 100), x0[:, None], np.full((20_000, 1), 100))
    # Counts are discrete; four standard errors and a step of the distribution.
    assert (z >= 1.959964).mean() == pytest.approx(0.025, abs=0.008)
