"""Survival curves of all replicates on one grid: what to draw, with its prediction band.

In: the patients table, an endpoint, an arm. Out: a frame of month, median curve, band and number at risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engager.analysis.endpoints import EndpointRequest, Kind, endpoint_rule
from engager.analysis.risk_sets import risk_sets
from engager.analysis.sample import HasPatients, check_patients, replicate_numbers, sample_of
from engager.analysis.survival import kaplan_meier, product_limit
from engager.core import DAYS_PER_MONTH, InputError, Problem

if TYPE_CHECKING:
    import polars as pl


# Share of replicates that must still observe somebody for a month to be shown.
_OBSERVED = 0.95


def survival_bands(
    data: HasPatients | pl.DataFrame,
    request: EndpointRequest | str,
    months: ArrayLike | None = None,
    arms: Sequence[str] | None = None,
    level: float = 0.95,
    replicates: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Kaplan-Meier curves over replicates, on a grid of months.

    Parameters
    ----------
    data : a virtual trial, or its patients table.
    request : a time-to-event endpoint such as ``OS``; its statistic is not read.
    months : array (month,), where to read the curves; None: the first days one by one (in EFS those who never
        respond fail on day 1), then every tenth of a month until nobody is observed.
    arms : all arms when None.
    level : coverage of the pointwise band over replicates.
    replicates : of the trial, also those without a patient; None: those of the table.

    Returns
    -------
    Frame ``arm, endpoint, month, survival, low, high, at_risk, n_replicates``. ``survival`` is the median
    curve, ``at_risk`` the median number at risk. A month that fewer than 95 % of the replicates observe is
    NaN: with the replicates changing under it, a median curve could rise. With one replicate, low and high
    are NaN: there is no scatter to show.

    Raises
    ------
    InputError
        When the endpoint is not a time to an event.
    """
    import polars as pl

    patients = data if isinstance(data, pl.DataFrame) else data.patients
    check_patients(patients)
    wanted = EndpointRequest(request, "median") if isinstance(request, str) else request
    if endpoint_rule(wanted.endpoint).kind is not Kind.TIME:
        raise InputError(Problem("request", wanted.endpoint, "must be a time-to-event endpoint, e.g. OS"))
    grid = _usual_months(patients) if months is None else np.atleast_1d(np.asarray(months, dtype=float))
    frames = []
    for arm in arms or patients["arm"].unique(maintain_order=True).to_list():
        sample = sample_of(patients, [arm], wanted, replicates=replicates)
        curves, at_risk = _on_grid(sample.days, sample.counted & (sample.cause == 1), sample.counted, grid)
        middle, low, high = _over_replicates(curves, level)
        frames.append(
            pl.DataFrame(
                {
                    "arm": [arm] * len(grid),
                    "endpoint": [wanted.endpoint] * len(grid),
                    "month": grid,
                    "survival": middle,
                    "low": low,
                    "high": high,
                    "at_risk": np.median(at_risk, axis=0),
                    "n_replicates": [len(sample.replicates)] * len(grid),
                }
            )
        )
    return pl.concat(frames)


def trial_curves(
    data: HasPatients | pl.DataFrame, request: EndpointRequest | str, arms: Sequence[str] | None = None
) -> pl.DataFrame:
    """The Kaplan-Meier curves of the first virtual trial, with its censored patients.

    Parameters
    ----------
    data : a virtual trial, or its patients table.
    request : a time-to-event endpoint such as ``OS``; its statistic is not read.
    arms : all arms when None.

    Returns
    -------
    Frame ``arm, endpoint, month, survival, n_censored``: a row for the start and one for each time at which the curve
    falls or somebody is censored.

    Raises
    ------
    InputError
        When the endpoint is not a time to an event.
    """
    import polars as pl

    patients = data if isinstance(data, pl.DataFrame) else data.patients
    wanted = EndpointRequest(request, "median") if isinstance(request, str) else request
    if endpoint_rule(wanted.endpoint).kind is not Kind.TIME:
        raise InputError(Problem("request", wanted.endpoint, "must be a time-to-event endpoint, e.g. OS"))
    number = int(replicate_numbers(patients).min(initial=np.iinfo(np.int32).max))  # of nobody any number
    first = patients.filter(pl.col("replicate") == number)
    frames = []
    for arm in arms or patients["arm"].unique(maintain_order=True).to_list():
        sample = sample_of(first, [arm], wanted, replicates=[number])
        counted = sample.counted[0]
        curve = kaplan_meier(sample.days[0], counted & (sample.cause[0] == 1), include=counted)
        frames.append(
            pl.DataFrame(
                {
                    "arm": [arm] * (curve.time.size + 1),
                    "endpoint": [wanted.endpoint] * (curve.time.size + 1),
                    "month": np.concatenate([[0.0], curve.time / DAYS_PER_MONTH]),
                    "survival": np.concatenate([[1.0], curve.survival]),
                    "n_censored": np.concatenate([[0], curve.n_censored]),
                }
            )
        )
    return pl.concat(frames)


def _usual_months(patients: pl.DataFrame) -> NDArray[np.float64]:
    latest = float(patients["followup_day"].max() or 0.0)  # type: ignore[arg-type]
    return np.concatenate([np.arange(4) / DAYS_PER_MONTH, np.arange(0.2, latest / DAYS_PER_MONTH + 0.1, 0.1)])


def _on_grid(
    days: NDArray[np.float64], event: NDArray[np.bool_], counted: NDArray[np.bool_], grid: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Survival and number at risk, array (replicate, month); NaN after the last patient was seen."""
    sets = risk_sets(days, event, include=counted)
    survival = np.pad(product_limit(sets)[0], ((0, 0), (1, 0)), constant_values=1.0)
    n_members = np.count_nonzero(sets.member, axis=1)
    curves = np.empty((len(days), len(grid)))
    at_risk = np.empty((len(days), len(grid)), dtype=np.int64)
    for row in range(len(days)):
        times = sets.time[row, : n_members[row]] / DAYS_PER_MONTH
        gone = np.searchsorted(times, grid, side="left")
        at_risk[row] = n_members[row] - gone
        curves[row] = survival[row][np.searchsorted(times, grid, side="right")]
        unseen = grid > (times[-1] if times.size else -1.0)
        curves[row][unseen & (curves[row] > 0)] = np.nan
    return curves, at_risk


def _over_replicates(
    curves: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    shown = np.count_nonzero(~np.isnan(curves), axis=0) >= _OBSERVED * len(curves)
    blank = np.full(curves.shape[1], np.nan)
    middle, low, high = blank.copy(), blank.copy(), blank.copy()
    if not shown.any():
        return middle, low, high
    tail = (1.0 - level) / 2.0
    middle[shown] = np.nanmedian(curves[:, shown], axis=0)
    if len(curves) > 1:
        ends = np.nanquantile(curves[:, shown], [tail, 1.0 - tail], axis=0, method="weibull")
        low[shown], high[shown] = ends
    return middle, low, high
