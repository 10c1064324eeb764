"""Printed points of a curve as data: never surer than the patients, and right for curves that were simulated."""

import numpy as np
import pytest

from engager.core import InputError
from engager.evidence import curve_information, load_records
from engager.evidence.curves.printed import information_of
from engager.evidence.curves.reconstruction import Anchor

TIMES = np.array([3.0, 8.0, 20.0])


def landmark(time, survival, low=None, high=None, n=None):
    return Anchor(time, survival, low, high, False, low is None and high is None, n)


def printed(times, survival, n):
    return [landmark(float(t), float(s), n=n) for t, s in zip(times, survival, strict=True)]


def every_curve():
    found = []
    for record in load_records().values():
        for arm in record.arms:
            for endpoint in ("OS", "EFS", "RFS", "DFS", "DoR"):
                try:
                    found.append(curve_information(record.id, arm.id, endpoint))
                except InputError:
                    continue
    return found


def test_weight_is_the_information_of_counts_in_the_intervals_between_points():
    # Without loss the points are counts of deaths per interval: multinomial. Its information on theta in
    # S(t)^exp(theta) is n sum (dp/dtheta)^2 / p, by another road than the covariance.
    survival = np.array([0.6, 0.4, 0.1])
    curve = np.append(np.insert(survival, 0, 1.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.nan_to_num(curve * np.log(curve))
    shares, slopes = -np.diff(curve), -np.diff(slope)
    expected = 5000 * np.sum(slopes**2 / shares)
    # Rounding of print adds error of its own, little beside a small trial's; none is wanted here.
    information = information_of(printed(TIMES, survival, 50), n=50)
    assert information.events == pytest.approx(expected / 100, rel=0.02)
    assert information.events < expected / 100


@pytest.mark.parametrize("information", every_curve(), ids=lambda one: f"{one.record}-{one.arm}-{one.endpoint}")
def test_no_curve_weighs_more_than_its_deaths(information):
    assert 0 < information.events <= information.n * (1 - information.survival[-1])
    assert np.all(np.linalg.eigvalsh(information.covariance) > 0)


def test_narrow_printed_interval_does_not_make_more_patients():
    narrow = information_of([landmark(12.0, 0.4, 0.39, 0.41, 100)], n=100)
    assert narrow.events <= 60
    wide = information_of([landmark(12.0, 0.4, 0.2, 0.6, 100)], n=100)
    assert wide.events < 0.7 * narrow.events


def test_printed_interval_comes_back_when_it_is_wider_than_the_patients_need():
    low, high = information_of([landmark(12.0, 0.4, 0.25, 0.55, 100)], n=100).limits
    assert low[0] == pytest.approx(0.25, abs=0.01)
    assert high[0] == pytest.approx(0.55, abs=0.01)


def test_interval_of_a_median_becomes_one_of_survival_there():
    # Constant hazard before and after: log time and log hazard have the same error.
    median = Anchor(7.7, 0.5, 5.6, 9.6, True, False, 271)
    information = information_of([median], n=271)
    error = np.log(9.6 / 5.6) / (2 * 1.959964)
    assert np.sqrt(information.covariance[0, 0]) == pytest.approx(error, rel=0.01)


def test_a_second_point_at_the_same_survival_adds_little():
    one = information_of(printed(TIMES[:1], [0.4], 60), n=60)
    two = information_of(printed(TIMES[:2], [0.4, 0.4], 60), n=60)
    assert two.events < one.events * 1.1


def test_loss_to_follow_up_costs_information():
    points = printed(TIMES, [0.6, 0.4, 0.2], 100)
    full, lost = information_of(points, n=100), information_of(points, n=100, follow_up_months=10.0)
    assert lost.events < full.events
    assert np.all(np.diag(lost.covariance) > np.diag(full.covariance))


def test_two_points_of_one_time_lose_nobody_in_between():
    points = [*printed(TIMES[:1], [0.5], 60), *printed(TIMES[:1], [0.5], 60)]
    with np.errstate(all="raise"):
        both = information_of(points, n=60, follow_up_months=10.0)
    assert np.isfinite(both.covariance).all()
    assert both.events < 1.1 * information_of(points[:1], n=60, follow_up_months=10.0).events


@pytest.mark.parametrize("follow_up", [None, 15.0])
def test_whitened_errors_of_simulated_trials_are_independent_with_variance_one(follow_up):
    # Kaplan-Meier curves of 4000 trials of 150 patients with a known exponential hazard, with and without loss.
    from engager.analysis import survival_at

    rng = np.random.default_rng(20)
    rate, n = 0.06, 150
    death = rng.exponential(1 / rate, (4000, n))
    loss = np.full(death.shape, 1e6) if follow_up is None else rng.exponential(follow_up / np.log(2), death.shape)
    seen = [survival_at(np.minimum(death, loss), death <= loss, at).value for at in TIMES]
    errors = np.log(-np.log(np.stack(seen, axis=1)))
    information = information_of(printed(TIMES, np.exp(-rate * TIMES), n), n=n, follow_up_months=follow_up)
    whitened = (errors - np.log(rate * TIMES)) @ information.whitening.T
    found = np.cov(whitened.T)
    # 4 standard errors of a covariance from 4000 draws are 0.063 off and 0.09 on the diagonal; rounding of print,
    # the curvature of the scale at n = 150 and the half death take a little more.
    assert found == pytest.approx(np.eye(3), abs=0.12)


def test_points_up_to_a_time_are_those_of_the_whole():
    whole = curve_information("stein-2016-ebmt", "blinatumomab-after-allohsct")
    assert whole.time_months.tolist() == [8.5, 12.0, 36.0]
    early = whole.until(12.0)
    assert early.covariance.tolist() == whole.covariance[:2, :2].tolist()
    assert early.whitening == pytest.approx(whole.whitening[:2, :2])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("tower-2017", "blina", "OS"), "must be an arm of the record"),
        (("tower-2017", "blinatumomab", "RFS"), "has no printed median or landmark"),
        (("tower-2017", "blinatumomab", "OS", 500), "must not exceed the 271 of the record"),
        (("tower-2017", "blinatumomab", "DoR"), "has neither an interval nor n in the record"),
    ],
)
def test_what_cannot_be_read_is_refused(arguments, rule):
    with pytest.raises(InputError, match=rule):
        curve_information(*arguments)


def test_n_can_be_given_where_the_record_prints_none():
    assert curve_information("tower-2017", "blinatumomab", "DoR", 119).n == 119


def test_a_printed_standard_error_is_used():
    # OS 0.10 (standard error 0.04) of 61: sd of log(-log S) is 0.04 / (0.1 * -log 0.1), wider than 61 patients need.
    information = curve_information("giona-1997-all-r87", "all-r87", "OS")
    assert np.sqrt(information.covariance[0, 0]) == pytest.approx(0.04 / (0.1 * -np.log(0.1)), rel=0.01)
