"""Historical control priors from the records."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.evidence import prior_from_records, select
from engager.evidence.synthesis.beta_mixture import fit_beta_mixture, mixture_of
from engager.evidence.synthesis.historical_median import prior_from_log_medians
from engager.evidence.synthesis.historical_prior import prior_from_counts


def test_prior_of_standard_therapy_is_worth_fewer_patients_than_it_was_made_from():
    prior = prior_from_records(select("CR", drug_class="chemotherapy_of_choice"))
    assert prior.n_studies == 2
    assert 0 < prior.effective_sample_size < prior.effective_sample_size_predictive < prior.n_patients
    assert prior.prior.weights[-1] == pytest.approx(0.2)
    assert prior.low < prior.median < prior.high


def test_agreeing_studies_give_a_stronger_prior_than_disagreeing_ones():
    agreeing = prior_from_counts(np.array([25, 24, 26, 25.0]), np.full(4, 100.0))
    disagreeing = prior_from_counts(np.array([5, 20, 30, 45.0]), np.full(4, 100.0))
    assert agreeing.effective_sample_size > 2 * disagreeing.effective_sample_size


def test_posterior_gives_up_the_past_when_the_trial_contradicts_it():
    prior = prior_from_counts(np.array([25, 24, 26, 25.0]), np.full(4, 100.0)).prior
    assert prior.posterior(25, 100).weights[-1] < 0.05
    assert prior.posterior(80, 100).weights[-1] > 0.95


def test_mixture_is_close_to_what_it_was_fitted_to():
    target = mixture_of([(0.7, 20, 60), (0.3, 3, 6)])
    x = (np.arange(2000) + 0.5) / 2000
    mass = target.density(x)
    fitted, distance = fit_beta_mixture(x, mass / mass.sum())
    assert distance < 1e-3
    assert fitted.mean == pytest.approx(target.mean, abs=1e-3)
    assert fitted.sd == pytest.approx(target.sd, abs=2e-3)


def test_effective_sample_size_of_one_beta_is_its_two_parameters():
    assert mixture_of([(1, 7, 13)]).effective_sample_size() == pytest.approx(20, abs=1e-3)
    assert mixture_of([(1, 7, 13)]).effective_sample_size_by_moments() == pytest.approx(20)


def test_effective_sample_size_of_a_vague_part_off_the_middle_is_that_of_its_moments():
    robust = mixture_of([(0.9, 20, 60), (0.1, 0.5, 1.5)])
    assert 0 < robust.effective_sample_size() == robust.effective_sample_size_by_moments() < 80


def test_bad_settings_are_told_together():
    with pytest.raises(InputError) as caught:
        prior_from_counts(np.array([5.0]), np.array([3.0]), tau_scale=0, robust_weight=1, robust_mean=0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(("events", "n"), [([np.nan], [5.0]), ([1.0], [np.inf]), ([1.0], [np.nan]), ([-1.0], [5.0])])
def test_counts_that_are_no_counts_are_refused(events, n):
    with pytest.raises(InputError, match="events must lie in 0 to n"):
        prior_from_counts(np.array(events), np.array(n))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan, 1e6])
def test_a_scale_that_says_nothing_or_cannot_be_is_refused(scale):
    with pytest.raises(InputError, match="tau_scale"):
        prior_from_counts(np.array([5.0]), np.array([10.0]), tau_scale=scale)
    with pytest.raises(InputError, match="tau_scale"):
        prior_from_log_medians(np.array([1.0]), np.array([0.2]), tau_scale=scale)


@pytest.mark.parametrize("scale", [5.0, 100.0])
def test_a_very_wide_scale_puts_the_share_at_both_ends(scale):
    # logit p ~ N(mu, tau^2) with tau of the scale's size: nearly all shares are 0 or 1, alike by symmetry
    prior = prior_from_counts(np.array([5.0]), np.array([10.0]), tau_scale=scale)
    assert prior.mean == pytest.approx(0.5, abs=1e-6)
    assert prior.predictive.mean == pytest.approx(0.5, abs=0.01)
    # half the mass at each end has a standard deviation of 1/2, an even share of 1/sqrt(12)
    assert 0.3 < prior.sd < 0.5
    assert prior.low < 1e-3
    assert prior.high > 1 - 1e-3


def test_the_prior_of_one_small_study_is_that_of_dense_integration():
    # eta = mu + tau z on a grid of 150 x 200 x 401 points: means 0.3611, 0.6049 and 0.5749, sds 0.2266, 0.2611, 0.1181
    for events, n, scale, mean_sd, mean, sd in (
        ([3.0], [10.0], 1.0, 2.0, 0.3611, 0.2266),
        ([1.0, 0.0, 1.0], [1.0, 1.0, 1.0], 1.0, 2.0, 0.6049, 0.2611),
        ([20.0, 5.0, 60.0], [25.0, 50.0, 70.0], 0.1, 1.0, 0.5749, 0.1181),
    ):
        prior = prior_from_counts(np.array(events), np.array(n), scale, mean_sd)
        assert prior.mean == pytest.approx(mean, rel=3e-3)
        assert prior.sd == pytest.approx(sd, rel=0.015)
