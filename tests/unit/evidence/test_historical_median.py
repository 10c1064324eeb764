"""Historical control priors of a median survival."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from engager.core import InputError
from engager.evidence import NormalMixture, median_prior_from_records, select
from engager.evidence.synthesis.historical_median import prior_from_log_medians


def test_prior_from_records_names_its_studies_and_what_it_left_out():
    prior = median_prior_from_records(select("OS", "median", drug_class="chemotherapy_of_choice"))
    published = ("ino-vate-2016, standard", "tower-2017, chemotherapy", "topp-2015-phase2, historical-standard-therapy")
    assert prior.labels == published
    assert any("ino-vate-2016/standard" in reason and "2016" in reason for reason in prior.left_out)
    # Among the three published medians, 6.2, 4.0 and 3.3 months.
    assert 3.3 < prior.median < 6.2
    assert prior.low < 3.3 < 4.0 < prior.high
    assert 0 < prior.effective_events < prior.effective_events_predictive


def test_one_normal_is_worth_its_inverse_variance_in_deaths():
    mixture = NormalMixture(np.array([1.0]), np.array([1.2]), np.array([0.2]))
    assert mixture.effective_events() == pytest.approx(25, rel=1e-3)


def test_predictive_is_the_integral_over_tau():
    y, se, scale = np.array([1.0, 1.6, 1.2]), np.array([0.2, 0.15, 0.3]), 0.5
    prior = prior_from_log_medians(y, se, scale, robust_weight=0.0)
    tau = np.linspace(1e-4, 5 * scale, 20001)
    total = se**2 + tau[:, None] ** 2
    precision = (1 / total).sum(axis=1)
    mean = (y / total).sum(axis=1) / precision
    likelihood = np.prod(norm.pdf(y, mean[:, None], np.sqrt(total)), axis=1) / np.sqrt(precision)
    weight = likelihood * norm.pdf(tau, 0, scale)
    weight /= weight.sum()
    assert prior.predictive.mean == pytest.approx(float(weight @ mean), abs=1e-4)
    assert prior.tau_mean == pytest.approx(float(weight @ tau), abs=1e-3)
    x = 1.9
    expected = float(weight @ norm.cdf(x, mean, np.sqrt(1 / precision + tau**2)))
    found = prior.predictive
    assert float(found.weights @ norm.cdf(x, found.means, found.sds)) == pytest.approx(expected, abs=1e-4)


def test_bad_settings_are_told_together():
    with pytest.raises(InputError) as caught:
        prior_from_log_medians(np.array([]), np.array([]), tau_scale=-1, robust_weight=2)
    assert len(caught.value.problems) == 3
