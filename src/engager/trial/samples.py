"""The daily courses of a few patients, kept while the trial carries them from decision to decision."""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, IntArray
from engager.trial.course import Course


def daily_times(start: FloatArray, until: FloatArray) -> FloatArray:
    """Save times of a stretch: array (row, time): its start, each morning in it, its end; filled up with the end."""
    first = np.floor(start) + 1.0
    n_days = int(np.max(np.floor(until) - first, initial=-1.0)) + 1
    mornings = np.minimum(first[:, None] + np.arange(n_days), until[:, None])
    return np.concatenate([start[:, None], mornings, until[:, None]], axis=1)


def keep_days(course: Course, rows: IntArray, times: FloatArray, values: FloatArray) -> None:
    """Keep the mornings that these patients have reached, with the dose of the day before.

    Parameters
    ----------
    times : of `daily_times`. values : array (row, time, state) there.
    """
    days = times[:, 1:-1]
    # a morning that filled up a row is the end of the stretch, kept once
    reached = (days <= course.clock[rows, None]) & (days == np.floor(days))
    reached &= np.diff(times[:, :-1], axis=1) > 0
    row, place = np.nonzero(reached)
    keep(course, rows[row], days[row, place], values[row, place + 1])


def keep(course: Course, rows: IntArray, days: FloatArray, states: FloatArray) -> None:
    """Keep one state for each of these rows, which may repeat."""
    if rows.size:
        with_dose = np.concatenate([states, course.dose[rows][:, None]], axis=1)
        course.samples.append((rows.copy(), days.copy(), with_dose))
