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


@pytest.mark.parametrize(
    ("scale", "values"), [("logit", [0.0, 0.2, 0.5, 1.0]), ("log", [0.5, 1.0, 4.0, np.inf])]
)
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
