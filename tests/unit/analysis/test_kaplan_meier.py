"""Kaplan-Meier: closed forms, batches, edges."""

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from engager.analysis import (
    aalen_johansen,
    cox_hazard_ratio,
    cumulative_incidence_at,
    kaplan_meier,
    log_rank,
    median_survival,
    survival_at,
)


def _batch():
    draw = np.random.default_rng(4)
    time = np.ceil(draw.exponential(30.0, (3, 2, 40)))
    return time, draw.random((3, 2, 40)) < 0.6, draw.random((3, 2, 40)) < 0.5, draw.integers(0, 3, (3, 2, 40))


def test_without_censoring_survival_is_the_share_left():
    time = np.arange(1.0, 11.0)
    curve = kaplan_meier(time, np.ones(10))
    assert curve.survival == pytest.approx(1 - time / 10)
    # Greenwood without censoring is binomial: S(1 - S)/n
    landmark = survival_at(time, np.ones(10), 4)
    error = np.sqrt(0.6 * 0.4 / 10)
    expected = 0.6 ** np.exp(1.959964 * error / (0.6 * abs(np.log(0.6))))
    assert landmark.low == pytest.approx(expected, rel=1e-6)


def test_batch_gives_what_each_trial_gives_alone():
    time, event, group, stratum = _batch()
    for kernel in (
        lambda *a: survival_at(a[0], a[1], 20.0),
        lambda *a: median_survival(a[0], a[1], include=a[2]),
        lambda *a: log_rank(a[0], a[1], a[2], a[3]),
        lambda *a: cox_hazard_ratio(a[0], a[1], a[2], a[3]),
        lambda *a: cumulative_incidence_at(a[0], a[1] * (1 + a[2]), 20.0),
    ):
        together = kernel(time, event, group, stratum)
        for index in np.ndindex(3, 2):
            alone = kernel(time[index], event[index], group[index], stratum[index])
            assert [part[index] for part in together] == pytest.approx(list(alone), nan_ok=True, rel=1e-12)
            assert np.ndim(alone[0]) == 0


def test_padding_changes_nothing():
    time, event, _, _ = _batch()
    padded = np.pad(time[0, 0], (0, 7), constant_values=np.nan)
    kept = np.arange(47) < 40
    for kernel in (lambda t, e, m: survival_at(t, e, 20.0, m), median_survival):
        found = kernel(padded, np.pad(event[0, 0], (0, 7), constant_values=True), kept)
        assert list(found) == pytest.approx(list(kernel(time[0, 0], event[0, 0], np.full(40, True))))


def test_median_not_reached_is_infinite_and_of_nobody_unknown():
    found = median_survival(np.ones((2, 3)), [[False] * 3, [True] * 3], [[True] * 3, [False] * 3])
    assert found.value[0] == np.inf
    assert np.isnan(found.value[1])


def test_landmark_after_the_last_patient_was_seen_is_unknown_unless_all_are_gone():
    assert np.isnan(survival_at([3.0, 5.0], [True, False], 6.0).value)
    assert survival_at([3.0, 5.0], [True, True], 6.0).value == 0.0
    assert survival_at([3.0, 5.0], [True, False], 5.0).value == 0.5
    assert survival_at([3.0, 5.0], [True, False], 1.0).value == 1.0


def test_curve_of_nobody_is_empty():
    curve = kaplan_meier([], [])
    assert curve.time.size == 0
    assert curve.number_at_risk([0.0]).tolist() == [0]
    assert np.isnan(curve.survival_at([1.0])).all()


def test_curve_reads_like_the_landmark_kernel():
    time, event, _, _ = _batch()
    curve = kaplan_meier(time[0, 0], event[0, 0])
    for at in (0.0, 7.0, 33.3, 1e4):
        expected = survival_at(time[0, 0], event[0, 0], at).value
        assert curve.survival_at(at) == pytest.approx(float(expected), nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=25))
@example([(0, 0), (0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (2, 1)])  # ends a rounding error below 1
def test_incidences_and_survival_add_up_to_one(rows):
    time, cause = np.array(rows, dtype=float).T
    first = aalen_johansen(time, cause)
    second = aalen_johansen(time, np.where(cause > 0, 3 - cause, 0))
    curve = kaplan_meier(time, cause > 0)
    assert first.incidence + second.incidence + curve.survival == pytest.approx(np.ones(len(curve.time)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=25))
def test_survival_falls_and_its_limits_hold_it(rows):
    time, event = np.array(rows, dtype=float).T
    curve = kaplan_meier(time, event.astype(bool))
    assert np.all(np.diff(curve.survival) <= 1e-12)
    seen = curve.survival > 0
    assert np.all(curve.low[seen] <= curve.survival[seen] + 1e-12)
    assert np.all(curve.high[seen] >= curve.survival[seen] - 1e-12)


# ---- one or two patients, whose answers can be worked out at sight ----
def test_one_patient_who_dies_is_the_whole_curve():
    curve = kaplan_meier([5.0], [True])
    assert (curve.at_risk.tolist(), curve.survival.tolist()) == ([1], [0.0])
    assert np.isnan([curve.low[0], curve.high[0]]).all()
    assert median_survival([5.0], [True]).value == 5.0
    assert survival_at([5.0], [True], 5.0).value == 0.0
    assert survival_at([5.0], [True], 4.0).value == 1.0


def test_nobody_in_two_trials_is_unknown_in_both():
    nobody = np.zeros((2, 0))
    for found in (median_survival(nobody, nobody), survival_at(nobody, nobody, 1.0)):
        assert found.value.shape == (2,)
        assert np.isnan(found.value).all()


def test_a_death_on_day_0_and_one_at_the_landmark_have_happened():
    assert survival_at([0.0, 1.0], [True, False], 0.0).value == 0.5
    assert survival_at([3.0, 5.0, 7.0], [True, True, False], 3.0).value == pytest.approx(2 / 3)
    assert cumulative_incidence_at([0.0, 1.0], [1, 0], 0.0).value == 0.5


def test_limits_are_one_before_the_first_event_and_unknown_after_the_last():
    curve = kaplan_meier([1.0, 2.0, 3.0], [False, True, True])
    assert (curve.low[0], curve.high[0]) == (1.0, 1.0)
    assert np.isnan([curve.low[-1], curve.high[-1]]).all()


def test_a_curve_is_known_up_to_the_last_patient_seen_and_no_further():
    curve = kaplan_meier([3.0, 5.0, 7.0], [True, False, False])
    assert curve.survival_at([6.0, 7.0]) == pytest.approx([2 / 3, 2 / 3])
    assert np.isnan(curve.survival_at(7.1))


def test_limits_of_a_median_where_nobody_or_everybody_had_the_event():
    assert tuple(median_survival([1.0, 2.0, 3.0], [False] * 3)) == (np.inf, np.inf, np.inf)
    # all at once: the curve falls from 1 to 0 and no limit lies between
    at_once = median_survival([5.0] * 3, [True] * 3)
    assert at_once.value == 5.0
    assert np.isnan(at_once.low)


def test_who_is_left_out_is_not_who_was_seen_longest():
    kept = [True] * 4 + [False]
    assert np.isnan(survival_at([1.0, 2.0, 3.0, 4.0, 9.0], [1, 1, 0, 0, 0], 6.0, kept).value)
    assert tuple(median_survival([1.0, 2.0, 3.0, 4.0, 9.0], [1, 1, 0, 0, 0], kept)) == (3.0, 1.0, np.inf)
    assert np.isnan(cumulative_incidence_at([1.0, 2.0, 3.0, 9.0], [1, 2, 0, 0], 6.0, kept[1:]).value)


def test_incidence_after_the_last_patient_is_known_only_when_all_had_an_event():
    assert cumulative_incidence_at([1.0, 2.0, 3.0], [1, 2, 2], 6.0).value == pytest.approx(1 / 3)
    assert np.isnan(cumulative_incidence_at([1.0, 2.0, 3.0], [1, 2, 0], 6.0).value)
    assert np.isnan(cumulative_incidence_at([1.0, 2.0], [1, 1], 1.5, [False, False]).value)
