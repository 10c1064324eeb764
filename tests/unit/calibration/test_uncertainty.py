"""The split recovers what made the scatter; Monte Carlo error shrinks with replicates, the rest does not."""

import numpy as np
import pytest

from engager.calibration.comparison.uncertainty import split_uncertainty
from engager.core import Stream

N, P = 200, 0.4


def trials(n_replicates, parameter_sd, name="trials"):
    """Shares of trials of N patients whose true share varies between replicates."""
    stream = Stream(5, name)
    true = np.clip(P + parameter_sd * stream.of("true").normal(np.arange(n_replicates)), 0.01, 0.99)
    draws = stream.of("patients").uniform(np.arange(n_replicates), N)
    values = (draws < true[:, None]).mean(axis=1)
    return values, np.sqrt(values * (1 - values) / N)


def test_patients_alone_leave_nothing_to_parameters():
    values, errors = trials(2000, 0.0)
    found = split_uncertainty(values, errors, Stream(1))
    assert found.between_patients == pytest.approx(np.sqrt(P * (1 - P) / N), rel=0.02)
    # the variance of 2000 replicates has a relative standard error of 3 %
    assert found.parameter_share < 0.1


def test_both_parts_are_recovered():
    values, errors = trials(4000, 0.06)
    found = split_uncertainty(values, errors, Stream(1))
    assert found.parameters == pytest.approx(0.06, rel=0.05)
    assert found.total**2 == pytest.approx(found.parameters**2 + found.between_patients**2)


def test_a_run_at_fixed_values_gives_the_same_split_without_a_formula():
    values, errors = trials(4000, 0.06)
    fixed, _ = trials(4000, 0.0, "fixed")
    by_formula = split_uncertainty(values, errors, Stream(1))
    by_run = split_uncertainty(values, errors, Stream(1), fixed_values=fixed)
    assert by_run.parameters == pytest.approx(by_formula.parameters, rel=0.05)


def test_monte_carlo_error_shrinks_with_the_root_of_replicates():
    few, many = (split_uncertainty(*trials(r, 0.06), Stream(1)) for r in (100, 1600))
    assert few.monte_carlo[0] / many.monte_carlo[0] == pytest.approx(4.0, rel=0.5)
    assert many.parameters == pytest.approx(few.parameters, rel=0.5)


def test_medians_are_split_on_the_log_scale_and_unreached_ones_left_out():
    z = Stream(6, "medians").normal(np.arange(500))
    values = np.exp(2.0 + 0.2 * z)
    found = split_uncertainty(np.append(values, np.inf), np.full(501, 0.15), Stream(1), "median")
    assert found.scale == "log"
    assert found.n_replicates == 500
    assert found.parameters == pytest.approx(np.sqrt(np.log(values).var(ddof=1) - 0.15**2))


def test_too_little_says_nothing():
    found = split_uncertainty([0.3, 0.4], [0.1, 0.1], Stream(1))
    assert np.isnan(found.parameter_share)
    assert np.all(np.isnan(found.monte_carlo))
