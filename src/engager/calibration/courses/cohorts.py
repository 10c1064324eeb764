"""What cohorts of a published size show of one number: the scatter behind an interval.

Readings of one patient are alike. Where a publication's readings come from few patients, a cohort is that many
patients, each read at several times, and not as many patients as there are readings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engager.core import FloatArray, Stream

_LEVELS = (2.5, 97.5)
N_COHORTS = 400


def one_reading_each(
    values: FloatArray, n: int, summary: Callable[..., float], stream: Stream, n_cohorts: int = N_COHORTS
) -> tuple[float, float, float]:
    """Cohorts of n patients, one reading each.

    Parameters
    ----------
    values : array (patient,); NaN is left out.

    Returns
    -------
    2.5th and 97.5th percentile of the summary over cohorts, and the summary of all values.
    """
    finite = values[np.isfinite(values)]
    u = stream.uniform(np.arange(n_cohorts, dtype=np.int64), n).reshape(n_cohorts, n)
    drawn = finite[np.minimum((u * finite.size).astype(np.int64), finite.size - 1)]
    shown = np.array([summary(row) for row in drawn])
    low, high = np.percentile(shown, _LEVELS)
    return float(low), float(high), float(summary(finite))


def readings_above(
    values: FloatArray, floor: float, n: int, n_patients: int, stream: Stream, n_cohorts: int = N_COHORTS
) -> tuple[float, float, float]:
    """Medians of n readings above a floor, taken in cohorts of `n_patients`.

    Parameters
    ----------
    values : array (patient, time) of readings.

    Returns
    -------
    2.5th and 97.5th percentile of the median over the cohorts that show any reading, and the median of all
    readings above the floor; the floor three times where more than half of the cohorts show none.
    """
    shown = [np.median(read) for read in cohorts_above(values, floor, n, n_patients, stream, n_cohorts)]
    if len(shown) <= n_cohorts / 2:
        return floor, floor, floor
    low, high = np.percentile(shown, _LEVELS)
    return float(low), float(high), float(np.median(values[values > floor]))


def cohorts_above(
    values: FloatArray, floor: float, n: int, n_patients: int, stream: Stream, n_cohorts: int = N_COHORTS
) -> list[FloatArray]:
    """What cohorts of `n_patients` show above a floor: n readings each, all where there are fewer.

    Cohorts that show none are left out.

    Parameters
    ----------
    values : array (patient, time) of readings.
    """
    cohorts = np.arange(n_cohorts, dtype=np.int64)
    u = stream.of("patients").uniform(cohorts, n_patients).reshape(n_cohorts, n_patients)
    order = stream.of("readings").uniform(cohorts, n_patients * values.shape[1]).reshape(n_cohorts, -1)
    members = np.minimum((u * len(values)).astype(np.int64), len(values) - 1)
    shown = []
    for member, turn in zip(members, order, strict=True):
        read = values[member].ravel()[np.argsort(turn)]
        read = read[read > floor][:n]
        if read.size:
            shown.append(read)
    return shown
