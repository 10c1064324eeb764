"""The daily courses of a few patients are those that the trial carried, though they are solved once more."""

import numpy as np
import pytest

from engager.protocol import shipped_protocol
from engager.trial import simulate_here

SAMPLED = 3


@pytest.fixture(scope="module")
def carried():
    """Courses by arm, and the states in which the trial ended each stretch of whole days."""
    ends = {}

    def witness(arm, rows, problem):
        def solved(solution):
            for row, day in zip(rows, solution.end_time, strict=True):
                ends[arm, int(row), float(day)] = problem.initial[row].copy()

        return solved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engager.trial.simulate.assemble", lambda protocol, courses: courses)
        courses = simulate_here(
            shipped_protocol("tower").with_patients(30), replicates=[0, 1], seed=4, n_sampled=SAMPLED, witness=witness
        )
    return courses, ends


def sampled(course):
    """Row, day and states with the dose, by row and day."""
    rows, days, values = (np.concatenate(column) for column in zip(*course.samples, strict=True))
    order = np.lexsort((days, rows))
    return rows[order], days[order], values[order]


def test_each_morning_is_kept_once(carried):
    for course in carried[0].values():
        rows, days, _ = sampled(course)
        kept = np.unique(rows)
        assert kept.size == SAMPLED
        for row in kept:
            assert days[rows == row].tolist() == list(range(int(np.floor(course.clock[row])) + 1))


def test_states_are_bit_for_bit_those_of_the_trial(carried):
    courses, ends = carried
    n_compared = 0
    for arm, course in courses.items():
        for row, day, value in zip(*sampled(course), strict=True):
            if (arm, int(row), float(day)) in ends:
                assert value[:-1].tobytes() == ends[arm, int(row), float(day)].tobytes()
                n_compared += 1
    assert n_compared > 50


def test_the_dose_is_that_of_the_day_before(carried):
    _, days, values = sampled(carried[0]["blinatumomab"])
    doses = set(values[(days >= 2) & (days <= 7), -1].tolist())
    assert doses <= {9.0, 0.0}  # zero: on hold, or never treated
    assert 9.0 in doses
