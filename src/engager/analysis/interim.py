"""What a trial knows on a calendar day: the patients table cut there, and the order in which patients came.

In: a patients table followed to its end, with `entry_month`. Out: tables and arrays (replicate, ...). The cut is the
one a study's own data cut makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engager.analysis.endpoints import EndpointRequest, Share, Times, endpoint_rule
from engager.analysis.sample import _stratum as stratum_codes
from engager.core import DAYS_PER_MONTH, OUTCOMES, BoolArray, FloatArray, InputError, Problem, parse_condition

if TYPE_CHECKING:
    import polars as pl

_EVENT_DAYS = tuple(one.name for one in OUTCOMES if one.is_event_day)
_KNOWN_LATER = tuple(one for one in OUTCOMES if one.known_by and not one.is_event_day)


def cut_patients(patients: pl.DataFrame, cut_day: FloatArray) -> pl.DataFrame:
    """The table as it stands on a calendar day, without those who have not entered yet.

    Parameters
    ----------
    patients : a patients table with `entry_month`; nobody's follow-up was cut before.
    cut_day : array (replicate,) [day since the first could enter], in the order of the replicates' numbers.
    """
    import polars as pl

    replicates = patients["replicate"].unique().sort()
    cuts = pl.DataFrame({"replicate": replicates, "cut_day": np.asarray(cut_day, dtype=float)})
    entry = pl.col("entry_month") * DAYS_PER_MONTH
    table = patients.join(cuts, on="replicate", how="left", maintain_order="left").filter(entry < pl.col("cut_day"))
    table = table.with_columns(followup_day=pl.min_horizontal("followup_day", pl.col("cut_day") - entry))
    days = [name for name in _EVENT_DAYS if name in table.columns]
    table = table.with_columns(pl.when(pl.col(name) <= pl.col("followup_day")).then(pl.col(name)) for name in days)
    known = [
        pl.when(pl.col(one.known_by).is_not_null()).then(pl.col(one.name)).otherwise(pl.lit(one.before)).alias(one.name)
        for one in _KNOWN_LATER
        if {one.name, one.known_by} <= set(table.columns)
    ]
    return table.with_columns(known).drop("cut_day")


def day_of_events(patients: pl.DataFrame, request: EndpointRequest, n_events: int) -> FloatArray:
    """The first whole calendar day by which a time-to-event endpoint has this many events in each replicate.

    Returns
    -------
    array (replicate,) [day]; inf where there are never so many.
    """
    replicates = patients["replicate"].unique().sort().to_numpy()
    last = float(patients.select(_end_day()).to_series().max() or 0.0)  # type: ignore[arg-type]
    low = np.zeros(replicates.size)
    high = np.full(replicates.size, float(np.ceil(last)) + 1.0)
    reached = count_events(patients, request, replicates) >= n_events
    # Events only accumulate with time, so halving the span of whole days finds the first day.
    while np.any(high - low > 1.0):
        middle = np.floor((low + high) / 2.0)
        enough = count_events(cut_patients(patients, middle), request, replicates) >= n_events
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return np.where(reached, high, np.inf)


def last_day(patients: pl.DataFrame) -> FloatArray:
    """The calendar day on which the last patient's follow-up ends, array (replicate,) [day]."""
    ends = patients.group_by("replicate").agg(_end_day().max()).sort("replicate")
    return ends["end_day"].to_numpy()


def count_events(patients: pl.DataFrame, request: EndpointRequest, replicates: NDArray[Any]) -> NDArray[np.int64]:
    """Events of a time-to-event endpoint, array (replicate,); `replicates` are those wanted, rising."""
    import polars as pl

    built = endpoint_rule(request.endpoint).build(request)
    if not isinstance(built, Times):
        raise InputError(Problem("endpoint", request.endpoint, "must be a time to event"))
    event = (built.counted & ~pl.col("failed") & (built.cause == 1)).fill_null(False)
    # a column first: a constant within the expression has no length among groups
    counts = patients.select("replicate", event.alias("events")).group_by("replicate").agg(pl.col("events").sum())
    found = np.zeros(replicates.size, dtype=np.int64)
    found[np.searchsorted(replicates, counts["replicate"].to_numpy())] = counts["events"].to_numpy()
    return found


@dataclass(frozen=True)
class OrderedShares:
    """A yes/no endpoint with the patients of each replicate in the order in which they entered.

    Attributes
    ----------
    counted, event, treated : array (replicate, patient) of bool.
    stratum : array (replicate, patient) of int.
    entry_day : array (replicate, patient) [calendar day]. known_day : when the outcome is known.
    n_failed : array (replicate,): patients left out because their simulation failed.
    """

    counted: BoolArray
    event: BoolArray
    treated: BoolArray
    stratum: NDArray[np.int64]
    entry_day: FloatArray
    known_day: FloatArray
    n_failed: NDArray[np.int64]


def shares_in_order(
    patients: pl.DataFrame, requests: Mapping[str, EndpointRequest], known_after: Mapping[str, float]
) -> OrderedShares:
    """Lay the patients of a yes/no endpoint out in the order of their entry.

    Parameters
    ----------
    patients : a patients table; every replicate has the same number of patients.
    requests : what is counted, by arm; the first arm is the treated one.
    known_after : days from entry after which the outcome of a patient is known, by arm.

    Notes
    -----
    Patients who enter at the same moment come in the proportion of the arms.
    """
    import polars as pl

    parts = []
    for k, (arm, request) in enumerate(requests.items()):
        built = endpoint_rule(request.endpoint).build(request)
        if not isinstance(built, Share):
            raise InputError(Problem("endpoint", request.endpoint, "must be a yes/no endpoint"))
        table = patients.filter(pl.col("arm") == arm)
        size = max(int(table["patient"].n_unique()), 1)
        entry = pl.col("entry_month") * DAYS_PER_MONTH
        codes = stratum_codes([parse_condition(text).holds(table) for text in request.strata], table.height)
        parts.append(
            table.select(
                "replicate",
                "failed",
                entry.alias("entry_day"),
                ((pl.col("patient") + 0.5) / size).alias("turn"),
                (built.counted & ~pl.col("failed")).alias("counted"),
                built.event.fill_null(False).alias("event"),
                pl.lit(k == 0).alias("treated"),
                (entry + known_after[arm]).alias("known_day"),
            ).with_columns(codes)
        )
    order = pl.concat(parts).sort("replicate", "entry_day", "turn", maintain_order=True)
    n_replicates = order["replicate"].n_unique()

    def wide(name: str) -> NDArray[Any]:
        return order[name].to_numpy().reshape(n_replicates, -1)

    counted = wide("counted")
    return OrderedShares(
        counted=counted,
        event=wide("event") & counted,
        treated=wide("treated"),
        stratum=wide("stratum"),
        entry_day=wide("entry_day"),
        known_day=wide("known_day"),
        n_failed=wide("failed").sum(axis=1),
    )


def _end_day() -> pl.Expr:
    import polars as pl

    return (pl.col("entry_month") * DAYS_PER_MONTH + pl.col("followup_day")).alias("end_day")
