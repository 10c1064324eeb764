"""Weights reproduce what they are asked to, cost sample size, and are refused where no weights can help."""

import numpy as np
import pytest

from engager.calibration import Summary, select_by_acceptance, select_by_weights
from engager.core import InputError, Stream

TIGHT = 1e-5


@pytest.fixture
def candidates():
    z = Stream(1, "candidates").normal(np.arange(4000), 2)
    return z[:, 0], (z[:, 0] + z[:, 1] > 0).astype(float)


def test_weights_reproduce_a_mean_and_a_share(candidates):
    x, responds = candidates
    found = select_by_weights([Summary("x", x, 0.5, TIGHT), Summary("CR", responds, 0.6, TIGHT)])
    np.testing.assert_allclose(found.after, [0.5, 0.6], atol=1e-4)
    assert found.weights.sum() == pytest.approx(1.0)
    assert 0 < found.effective_n < 4000


def test_a_normal_mean_is_moved_by_the_exponential_tilt_of_theory():
    """Tilting N(0, 1) to mean m gives weights exp(m x): effective share exp(-m^2)."""
    x = Stream(2, "normal").normal(np.arange(200_000))
    found = select_by_weights([Summary("x", x, 0.5, TIGHT)])
    slope = np.polyfit(x, np.log(found.weights), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.01)
    # the standard error of the effective share at this n is below 0.002
    assert found.effective_n / x.size == pytest.approx(np.exp(-0.25), abs=0.01)


def test_what_is_already_matched_leaves_equal_weights(candidates):
    x, _ = candidates
    found = select_by_weights([Summary("x", x, float(x.mean()), TIGHT)])
    np.testing.assert_allclose(found.weights, 1 / x.size, rtol=1e-6)
    assert found.effective_n == pytest.approx(x.size)


def test_a_share_among_responders_is_of_responders(candidates):
    x, responds = candidates
    deep = (x > 0.8).astype(float)
    found = select_by_weights([Summary("MRD", deep, 0.5, TIGHT, among=responds > 0)])
    assert found.mean(deep, among=responds > 0) == pytest.approx(0.5, abs=1e-4)


def test_an_unsure_summary_pulls_less(candidates):
    x, _ = candidates
    n = x.size
    sure, unsure = (select_by_weights([Summary("x", x, 0.5, se)]) for se in (TIGHT, 1.0))
    assert x.mean() < unsure.after[0] < sure.after[0]
    # standard error 1, spread 1: the compromise lies half way (a normal prior and a normal datum)
    assert unsure.after[0] == pytest.approx((x.mean() + 0.5) / 2, abs=4 / np.sqrt(n))
    assert unsure.effective_n > sure.effective_n


def test_accepted_patients_show_the_weighted_shares(candidates):
    x, responds = candidates
    found = select_by_weights([Summary("CR", responds, 0.7, TIGHT)])
    kept = select_by_acceptance(found, Stream(3))
    error = np.sqrt(0.7 * 0.3 / kept.size)
    assert abs(responds[kept].mean() - 0.7) < 4 * error
    assert kept.size <= x.size
    np.testing.assert_array_equal(kept, select_by_acceptance(found, Stream(3)))


def test_what_no_candidate_shows_is_refused_together(candidates):
    x, responds = candidates
    with pytest.raises(InputError) as caught:
        select_by_weights([Summary("far", x, 99.0, 1.0), Summary("exact", responds, 0.5, 0.0)])
    assert [problem.where for problem in caught.value.problems] == ["far", "exact"]
