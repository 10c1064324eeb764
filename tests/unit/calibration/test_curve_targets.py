"""Curves as targets: what a study file may say, what becomes data, and when a curve is inside."""

import numpy as np
import polars as pl
import pytest

from engager.analysis import SCALE_BY_STATISTIC, EndpointRequest, estimate_endpoints, prediction_interval
from engager.calibration import compare
from engager.calibration.comparison.curves import farthest_point
from engager.calibration.comparison.uncertainty import uncertainties
from engager.calibration.population.data_points import data_points, simulated_points, to_scale
from engager.core import InputError
from engager.evidence import curve_information
from engager.protocol import Protocol
from engager.trial import simulate_trial

EBMT = {"arm": "a", "endpoint": "OS", "statistic": "curve", "record": "stein-2016-ebmt", "use": "fit"}
EBMT |= {"record_arm": "blinatumomab-after-allohsct"}


def study(*targets, months=48, n=64):
    return Protocol.model_validate(
        {
            "study": "probe",
            "arms": {"a": {"n": n, "regimen": "blinatumomab"}},
            "follow_up": {"months": months},
            "targets": list(targets),
        }
    )


@pytest.fixture(scope="module")
def simulated():
    return simulate_trial(study(EBMT), replicates=range(6), seed=4, n_sampled=0)


def refusal(*targets, **settings):
    with pytest.raises((InputError, ValueError)) as caught:
        study(*targets, **settings)
    return str(caught.value)


def test_each_printed_point_is_one_datum_of_variance_one():
    points = data_points(study(EBMT))
    assert [point.variance for point in points] == [1.0, 1.0, 1.0]
    assert [len(point.weights) for point in points] == [1, 2, 3]
    assert points[1].label == "probe a OS curve at 12 months"


def test_data_tell_the_distance_that_the_covariance_tells():
    curve = curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")
    points = data_points(study(EBMT))
    other = to_scale(np.array([0.6, 0.45, 0.3]), "curve", curve.n)
    gap = other - to_scale(curve.survival, "curve", curve.n)
    squared = sum((np.dot(p.weights, other[: len(p.weights)]) - p.value) ** 2 / p.variance for p in points)
    assert squared == pytest.approx(gap @ np.linalg.solve(curve.covariance, gap))


def test_simulated_components_are_the_weighted_simulated_points(simulated):
    points = data_points(study(EBMT))
    found = simulated_points(simulated, points).values
    assert found.shape == (6, 3)
    asked = [EndpointRequest("OS", "survival_at", time_months=months, arm="a") for months in (8.5, 12.0, 36.0)]
    told = estimate_endpoints(simulated, asked).sort("replicate")
    survival = np.stack([told.filter(pl.col("request") == k)["value"].to_numpy() for k in range(3)], axis=1)
    on_scale = to_scale(survival, "curve", 64)
    expected = np.stack([on_scale[:, : len(p.weights)] @ np.array(p.weights) for p in points], axis=1)
    assert found == pytest.approx(expected)


def test_points_that_the_study_does_not_watch_are_left_out_and_told():
    short = study(EBMT, months=24)
    assert len(data_points(short)) == 2
    assert any("curve's points after 24 months" in note for note in short.notes())
    assert "first printed point lies beyond" in refusal(EBMT, months=6)


def test_figures_within_a_fitted_curve_are_not_fitted_again():
    median = {"arm": "a", "endpoint": "OS", "statistic": "median", "value_months": 8.5, "n": 64, "use": "fit"}
    said = refusal(EBMT, median)
    assert "must not be fitted beside the curve of targets[0]" in said
    assert "use: check" in said
    assert "targets[0]" in refusal(EBMT, {k: v for k, v in median.items() if k != "arm"})
    assert "beside the curve" in refusal(EBMT, {**EBMT, "record": "topp-2015-phase2"})
    assert "beside the curve" in refusal(EBMT, {**median, "subgroup": "age_years < 35"})
    # A check, another endpoint, another subgroup, and other patients may stand beside it.
    study(EBMT, {**median, "use": "check"})
    study(EBMT, {**median, "endpoint": "RFS"})
    study({**EBMT, "subgroup": "age_years >= 35"}, {**median, "subgroup": "age_years < 35"})
    study(EBMT, {**median, "source": "oriol-2010#S1"})
    study({**EBMT, "use": "check"}, median)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"record": None}, "a curve needs record"),
        ({"record": "stein-2061"}, "stein-2061"),
        ({"record_arm": "blina"}, "must be an arm of the record"),
        ({"endpoint": "CR"}, "has no curve"),
        ({"value_months": 8.5}, "takes no value_months"),
        ({"n": 640}, "must not exceed the 64"),
        ({"statistic": "median", "value_months": 99.0}, "record"),
    ],
)
def test_what_a_curve_target_may_not_say(change, rule):
    assert rule in refusal({key: value for key, value in (EBMT | change).items() if value is not None})


def test_a_curve_is_one_comparison_with_all_its_points(simulated):
    (one,) = compare(simulated)
    assert one.statistic == "curve"
    assert one.time_months in (8.5, 12.0, 36.0)
    assert one.is_inside is None  # six virtual trials judge nothing
    assert one.source == ("stein-2016-ebmt",)
    assert [round(point["time_months"], 1) for point in one.as_json()["points"]] == [8.5, 12.0, 36.0]
    (split,) = uncertainties(simulated)
    assert split.scale == "share"
    assert split.n_replicates == 6


def test_every_statistic_of_a_target_has_a_scale_that_can_be_predicted_on():
    for scale in SCALE_BY_STATISTIC.values():
        found = prediction_interval([0.2, 0.3, 0.4], n=40, published_n=80, scale=scale)
        assert found.rescaled
        assert 0.2 < found.low < found.median == pytest.approx(0.3)


def test_a_new_trial_of_the_same_kind_is_inside_as_often_as_claimed():
    # The published curve and 40 simulated trials are drawn alike; 600 times.
    curve = curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")
    rng = np.random.default_rng(3)
    half = np.linalg.cholesky(curve.covariance)
    middle = np.log(-np.log(curve.survival))
    inside = []
    for _ in range(600):
        drawn = np.exp(-np.exp(middle + rng.standard_normal((41, 3)) @ half.T))
        told = type(curve)(**{**vars(curve), "survival": drawn[0]})
        inside.append(farthest_point(told, drawn[1:], np.full(40, 64.0)).is_inside)
    # 3 standard errors of a share from 600 trials.
    assert np.mean(inside) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 600))


def test_one_point_far_out_is_enough_to_be_outside_and_is_the_one_shown():
    curve = curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")
    rng = np.random.default_rng(5)
    middle = np.log(-np.log(curve.survival))
    middle[1] += 1.5
    drawn = np.exp(-np.exp(middle + rng.standard_normal((60, 3)) @ np.linalg.cholesky(curve.covariance).T))
    found = farthest_point(curve, drawn, np.full(60, 64.0))
    assert found.index == 1
    assert found.is_inside is False
    assert not found.low <= curve.survival[1] <= found.high


def test_trials_in_which_everybody_died_still_have_an_interval():
    curve = curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")
    found = farthest_point(curve, np.zeros((10, 3)), np.full(10, 64.0))
    assert found.low == 0.0 < found.high
    assert found.is_inside is False


def test_larger_simulated_trials_are_judged_as_trials_of_the_published_size():
    # Four times the patients scatter half as much; the band is that of the published size again.
    curve = curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")
    rng = np.random.default_rng(6)
    middle = np.log(-np.log(curve.survival)) + np.array([0.0, 0.5, 0.0])
    errors = rng.standard_normal((2000, 3)) @ np.linalg.cholesky(curve.covariance).T
    large = farthest_point(curve, np.exp(-np.exp(middle + errors / 2)), np.full(2000, 256.0))
    same = farthest_point(curve, np.exp(-np.exp(middle + errors)), np.full(2000, 64.0))
    assert large.high - large.low == pytest.approx(same.high - same.low, rel=0.1)


def test_the_frame_of_estimates_holds_no_statistic_without_a_word(simulated):
    from engager.calibration.comparison.compare import target_estimates

    estimates, places = target_estimates(simulated)
    assert estimates["statistic"].unique().to_list() == ["survival_at"]
    assert [len(chosen) for _, chosen in places] == [3]
    assert estimates.filter(pl.col("request") == 2)["time_months"].to_list() == [36.0] * 6


def test_every_printed_point_of_a_curve_is_drawn_on_the_simulated_one(simulated):
    from engager.analysis import survival_bands
    from engager.report.plots.kaplan_meier import figure_kaplan_meier

    figure = figure_kaplan_meier(survival_bands(simulated, "OS"), [one.as_json() for one in compare(simulated)])
    diamonds = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    drawn = np.array([(line.get_xdata()[0], line.get_ydata()[0]) for line in diamonds])
    assert drawn == pytest.approx(np.array([(8.5, 50.0), (12.0, 36.0), (36.0, 18.0)]))
