"""Scatter of cohorts: closed forms, and readings that share patients."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration.courses.cohorts import one_reading_each, readings_above
from engager.core import Stream

STREAM = Stream(5, "cohorts")


def test_interval_of_a_mean_is_that_of_the_normal_law():
    values = STREAM.of("values").normal(np.arange(20_000))
    low, high, middle = one_reading_each(values, 25, np.mean, STREAM, n_cohorts=4000)
    assert middle == pytest.approx(0, abs=0.02)
    assert (low, high) == pytest.approx((-1.96 / 5, 1.96 / 5), abs=0.03)


def test_missing_values_are_left_out():
    assert one_reading_each(np.array([np.nan, 2.0, 2.0]), 5, np.median, STREAM) == (2.0, 2.0, 2.0)


def test_readings_of_few_patients_scatter_as_patients_do():
    """Patients differ, their readings do not: 70 readings of 7 patients tell as much as 7."""
    patients = np.exp(STREAM.of("patients").normal(np.arange(2000)))
    same = np.repeat(patients[:, None], 10, axis=1)
    shared = readings_above(same, 0.0, 70, 7, STREAM)
    single = one_reading_each(patients, 7, np.median, STREAM)
    every = one_reading_each(patients, 70, np.median, STREAM)
    shared_width, single_width, every_width = (np.log(high / low) for low, high, _ in (shared, single, every))
    assert shared_width == pytest.approx(single_width, rel=0.2)
    assert shared_width > 2 * every_width


def test_only_readings_above_the_floor_are_shown():
    values = np.tile([1.0, 1.0, 20.0], (50, 1))
    assert readings_above(values, 10.0, 5, 4, STREAM) == (20.0, 20.0, 20.0)


def test_cohorts_without_readings_show_the_floor():
    rare = np.full((1000, 1), 1.0)
    rare[0] = 50.0
    assert readings_above(rare, 10.0, 5, 4, STREAM) == (10.0, 10.0, 10.0)
