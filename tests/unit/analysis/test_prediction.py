"""Prediction intervals over replicates."""

import numpy as np
import pytest

from engager.analysis import prediction_interval
from engager.core import InputError


def test_interval_holds_a_new_trial_as_often_as_it_says():
    draw = np.random.default_rng(3)
    hits = []
    for _ in range(1500):
        values = draw.normal(size=59)
        hits.append(prediction_interval(values).holds(draw.normal()))
    # 4 standard errors of a share of 1500
    assert np.mean(hits) == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 1500))


def test_few_replicates_say_what_they_cover():
    found = prediction_interval(np.arange(20.0))
    assert (found.low, found.high) == (0.0, 19.0)
    assert found.coverage == pytest.approx(19 / 21)
    assert prediction_interval(np.arange(200.0)).coverage == 0.95


def test_medians_that_were_not_reached_are_high_not_absent():
    found = prediction_interval([5.0, 6.0, 7.0, np.inf, np.inf, np.nan])
    assert found.median == 7.0
    assert found.high == np.inf
    assert (found.n_replicates, found.n_missing) == (5, 1)
    assert found.holds(9.0)


def test_no_replicate_gives_no_number():
    found = prediction_interval([np.nan, np.nan])
    assert np.isnan(found.median)
    assert not found.holds(1.0)
    assert found.n_replicates == 0


def test_scatter_of_small_trials_shrinks_to_the_published_size():
    draw = np.random.default_rng(5)
    small = draw.binomial(50, 0.4, 4000) / 50
    found = prediction_interval(small, n=50, published_n=200, scale="logit")
    assert found.rescaled
    error = np.sqrt(0.4 * 0.6 / 200)
    # a twentieth of the width: discreteness of 50 patients and of the logit
    assert (found.low, found.high) == pytest.approx((0.4 - 1.96 * error, 0.4 + 1.96 * error), abs=0.015)
    same = prediction_interval(small, n=50, published_n=51, scale="logit")
    assert not same.rescaled


@pytest.mark.parametrize(("scale", "values"), [("logit", [0.0, 0.2, 0.5, 1.0]), ("log", [0.5, 1.0, 4.0, np.inf])])
def test_values_at_the_border_stay_there_when_rescaled(scale, values):
    found = prediction_interval(values, n=100, published_n=400, scale=scale)
    assert found.high == values[-1]


def test_median_at_the_border_is_not_rescaled():
    found = prediction_interval([0.0, 0.0, 0.1], n=100, published_n=400, scale="logit")
    assert not found.rescaled
    assert found.high == 0.1


def test_bad_options_are_refused():
    with pytest.raises(InputError):
        prediction_interval([1.0], scale="probit")
    with pytest.raises(InputError):
        prediction_interval([1.0], level=95)


@pytest.mark.parametrize(("simulated_n", "published_n", "spread"), [(200, 20, 0.0), (40, 300, 0.5), (150, 5, 0.5)])
def test_counts_of_another_size_are_held_as_often_as_said(simulated_n, published_n, spread):
    draw = np.random.default_rng(8)

    def shares(size):
        logit = np.log(0.1 / 0.9) + spread * draw.normal(size=size)
        return 1 / (1 + np.exp(-logit))

    hits = []
    for _ in range(400):
        values = draw.binomial(simulated_n, shares(60)) / simulated_n
        found = prediction_interval(values, n=simulated_n, published_n=published_n, scale="logit", is_count=True)
        assert found.rescaled
        hits.append(found.holds(round(draw.binomial(published_n, shares(1))[0] / published_n, 2)))
    # at least what is said, 4 standard errors aside; small trials cannot be cut finer than a patient
    assert 0.95 - 4 * np.sqrt(0.05 * 0.95 / 400) <= np.mean(hits) <= 1.0


def test_nobody_among_few_is_no_surprise_when_few_have_it():
    values = np.array([0.0, 0.02, 0.04, 0.02, 0.0] * 12)
    few = prediction_interval(values, n=50, published_n=10, scale="logit", is_count=True)
    assert few.holds(0.0)
    assert not few.holds(0.4)
    never = prediction_interval(np.zeros(60), n=100, published_n=20, scale="logit", is_count=True)
    assert never.holds(0.0)
    assert not never.holds(0.5)


def test_an_interval_of_counts_holds_its_own_median():
    found = prediction_interval([0.0, 0.0, 0.3], n=10, published_n=100, scale="logit", is_count=True)
    assert found.low <= found.median <= found.high


def test_trials_of_one_patient_predict_a_larger_one_as_one_share_would():
    found = prediction_interval([0.0, 1.0, 0.0, 1.0], n=[1, 1, 1, 1], published_n=40, is_count=True)
    assert 0.0 < found.low < 0.5 < found.high < 1.0


def test_a_figure_at_one_time_that_only_trials_without_survivors_tell_is_not_told():
    values = [0.0, 0.0, *[np.nan] * 8]
    assert prediction_interval(values).median == 0.0
    found = prediction_interval(values, n=[5] * 10, at_one_time=True)
    assert not found.is_told
    assert (found.n_replicates, found.n_missing) == (2, 8)
    # where nobody is counted, nobody could have told it
    assert prediction_interval(values, n=[5, 5, *[0] * 8], at_one_time=True).median == 0.0
    assert prediction_interval([0.2] * 19 + [np.nan], at_one_time=True).median == 0.2
