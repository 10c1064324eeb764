"""Who is at risk: ties, strata, left-out patients, bad input."""

import numpy as np
import pytest

from engager.analysis.risk_sets import risk_sets
from engager.core import InputError


def test_patient_censored_at_the_time_of_an_event_was_at_risk():
    sets = risk_sets([5.0, 5.0, 9.0], [False, True, True])
    assert sets.event[0].tolist() == [True, False, True]
    assert sets.at_risk[0].tolist() == [3, 3, 1]
    assert sets.n_events[0].tolist() == [1, 1, 1]


def test_strata_are_counted_apart():
    sets = risk_sets([1.0, 2.0, 1.0, 3.0], [True] * 4, stratum=[0, 0, 1, 1])
    assert sets.at_risk[0].tolist() == [2, 1, 2, 1]


def test_left_out_patients_do_not_count_whatever_their_time():
    sets = risk_sets([1.0, np.nan, 2.0, -4.0], [True] * 4, include=[True, False, True, False])
    assert sets.at_risk[0, :2].tolist() == [2, 1]
    assert sets.event[0].tolist() == [True, True, False, False]
    assert sets.member[0].tolist() == [True, True, False, False]


def test_marked_patients_are_counted_among_those_at_risk():
    sets = risk_sets([1.0, 1.0, 2.0, 3.0], [True, True, True, False], marked=[True, False, False, True])
    assert sets.marked_at_risk[0].tolist() == [2, 2, 1, 1]
    assert sets.marked_events[0].tolist() == [1, 1, 0, 0]


def test_nobody_is_marked_unless_told_and_who_is_left_out_comes_last_in_strata_too():
    sets = risk_sets([2.0, 1.0, 3.0, 4.0], [True] * 4, stratum=[0, 0, 1, 1], include=[False, True, True, True])
    assert sets.member[0].tolist() == [True, True, True, False]
    assert not sets.marked.any()


@pytest.mark.parametrize("time", [[1.0, -1.0], [np.nan, 1.0], [np.inf, 2.0]])
def test_time_that_is_no_time_is_refused(time):
    with pytest.raises(InputError, match="0 or later"):
        risk_sets(time, [True, True])


def test_shapes_must_agree():
    with pytest.raises(InputError, match="shape"):
        risk_sets([1.0, 2.0], [True, True, True])
    with pytest.raises(InputError):
        risk_sets(3.0, True)
