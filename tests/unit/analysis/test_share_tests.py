"""Tests of two shares, against R."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom, norm

from engager.analysis import LooksAtTrials, decide, fisher_mid_z, fisher_z, score_z


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


def test_pairs_are_compared_as_mcnemar_does():
    # strata of one treated and one control: (b - c) / sqrt(b + c) for b and c pairs in which one of the two responded
    treated, control = np.array([1, 1, 1, 0, 1, 0]), np.array([0, 0, 0, 1, 1, 0])
    one = np.ones(6)
    assert score_z(treated, one, control, one) == pytest.approx((3 - 1) / np.sqrt(3 + 1))
    assert score_z([1], [1], [0], [1]) == 1.0


def test_a_stratum_of_one_patient_tells_nothing():
    assert score_z([12, 1], [20, 1], [5, 0], [18, 0]) == score_z([12], [20], [5], [18])


def test_a_million_to_one_stays_known_to_all_digits_both_ways():
    z = fisher_mid_z(200, 200, 0, 200)
    assert 22 < z < np.inf
    assert fisher_mid_z(0, 200, 200, 200) == -z


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


def test_a_futility_bound_at_no_difference_stops_nobody_whose_treated_do_better():
    control, treated = np.meshgrid(np.arange(21), np.arange(21))
    z = fisher_mid_z(treated, np.full_like(treated, 20), control, np.full_like(control, 20))
    assert np.all(z[treated > control] > 0)
    assert np.all(z[treated < control] < 0)
    assert np.all(z[treated == control] == 0)
    # Fisher's own one-sided z stops some of these, 5 of 20 against 4 of 20 among them, and where nobody responded.
    assert fisher_z(5, 20, 4, 20) <= 1e-12
    assert fisher_z(0, 20, 0, 20) == -np.inf


@pytest.mark.parametrize(("n", "control_n"), [(20, 20), (12, 30), (40, 7), (1, 1)])
def test_turning_the_arms_about_turns_the_sign_of_mid_p(n, control_n):
    control, treated = np.meshgrid(np.arange(control_n + 1), np.arange(n + 1))
    z = fisher_mid_z(treated, n, control, control_n)
    assert z == pytest.approx(-fisher_mid_z(control, control_n, treated, n), abs=1e-9)
    # Another responder among the treated never makes them look worse.
    assert np.all(np.diff(z, axis=0) >= -1e-12)


def test_mid_p_is_the_exact_test_less_half_the_table_seen():
    # R: p <- fisher.test(t, alternative = "greater")$p.value - dhyper(12, 20, 18, 17) / 2 for 12 of 20 against 5 of 18
    p = hypergeom.sf(11, 38, 17, 20) - hypergeom.pmf(12, 38, 17, 20) / 2
    assert fisher_mid_z(12, 20, 5, 18) == pytest.approx(norm.isf(p))
    assert fisher_mid_z(12, 20, 5, 18) > fisher_z(12, 20, 5, 18)


def test_a_look_at_fishers_test_keeps_the_exact_bound_for_success_and_mid_p_for_futility():
    # 20 an arm, all looked at twice as they entered; replicates: 5 against 4, 4 against 5, nobody, 15 against 2.
    counts = np.array([[5, 4], [4, 5], [0, 0], [15, 2]])
    exact = np.array([fisher_z(a, 20, b, 20) for a, b in counts])[:, None]
    middle = np.array([fisher_mid_z(a, 20, b, 20) for a, b in counts])[:, None]
    many = np.zeros((4, 2))
    trials = LooksAtTrials(
        statistic=np.hstack([exact, exact]), takes_place=many == 0, estimate=many, patients=many, events=many,
        months=many, is_log=False, is_short=np.zeros(4, bool), futility=np.hstack([middle, middle]),
    )  # fmt: skip
    ended = decide(trials, np.array([2.5, 1.96]), np.array([-0.1, -np.inf]))
    assert ended.look.tolist() == [1, 0, 1, 0]
    assert ended.success.tolist() == [False, False, False, True]
