"""The patients of one endpoint, laid out as (replicate, patient) arrays the kernels can take.

In: the patients table (docs/architecture.md) and one request. Out: a `Sample`. A patient whose simulation
failed is left out and told, or counted as asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engager.analysis.endpoints import EndpointRequest, Share, endpoint_rule
from engager.core import OUTCOMES, InputError, Problem, parse_condition, patient_columns

if TYPE_CHECKING:
    import polars as pl

# Durations are differences of days; a millionth of a day removes their last bits, so that equal times tie.
_DECIMALS = 6
# What becomes of a patient whose simulation failed: see `estimate_endpoints`.
Failed = Literal["left_out", "censored", "event"]


class HasPatients(Protocol):
    """Anything that carries a patients table, such as ``engager.trial.TrialData``."""

    @property
    def patients(self) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Sample:
    """One request's patients as arrays (replicate, patient), padded where trials differ in size."""

    replicates: NDArray[np.int64]
    counted: NDArray[np.bool_]
    days: NDArray[np.float64]
    cause: NDArray[np.int64]
    treated_arm: NDArray[np.bool_]
    stratum: NDArray[np.int64]
    n_failed: NDArray[np.int64]


_NEEDED = tuple(one.name for one in patient_columns() if one.is_needed)
# Days that estimates are made of: they end with the follow-up and, but for the death itself, with a death. A planned
# end of treatment may lie beyond both.
_DEATH, _PLANNED = "death_day", "treatment_end_day"
_HAPPENED = (
    "start_day",
    *(one.name for one in OUTCOMES if one.is_event_day and one.is_needed and one.name not in (_DEATH, _PLANNED)),
)


def check_patients(patients: pl.DataFrame) -> None:
    """Refuse a patients table that lacks columns, or in which something follows the last
    day of observation or the patient's death.

    Raises
    ------
    InputError
        With all problems together.
    """
    import polars as pl

    absent = [name for name in _NEEDED if name not in patients.columns]
    if absent:
        rule, hint = "must be a column", "See docs/architecture.md."
        raise InputError([Problem("patients table", name, rule, hint) for name in absent])
    kept = patients.filter(~pl.col("failed"))
    problems = [
        problem
        for last, names in (("followup_day", (*_HAPPENED, _DEATH)), (_DEATH, _HAPPENED))
        for name in names
        for problem in _too_late(kept, name, last)
    ]
    unobserved = kept.filter(~pl.col("followup_day").is_finite().fill_null(False)).height
    if unobserved:
        rule = "patients lack it; it must be known for every patient"
        problems.append(Problem("patients table: followup_day", unobserved, rule))
    if problems:
        raise InputError(problems)


def _too_late(kept: pl.DataFrame, name: str, last: str) -> list[Problem]:
    """Patients in whom something happened after the last day on which it could."""
    import polars as pl

    late = kept.filter(pl.col(name) > pl.col(last))
    if not late.height:
        return []
    row = late.row(0, named=True)
    who = f"arm {row['arm']}, replicate {row['replicate']}, patient {row['patient']}"
    rule = f"must not follow {last} {row[last]} ({late.height} patients)"
    return [Problem(f"patients table: {name} of {who}", row[name], rule)]


def replicate_numbers(
    patients: pl.DataFrame, replicates: Sequence[int] | NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Numbers of the replicates, rising: those simulated (an early data cut may leave one without a patient), else
    those of the table.
    """
    given = patients["replicate"].to_numpy() if replicates is None else replicates
    return np.unique(np.asarray(given, dtype=np.int64))


def sample_of(
    patients: pl.DataFrame,
    arms: Sequence[str],
    request: EndpointRequest,
    failed: Failed = "left_out",
    replicates: Sequence[int] | NDArray[np.int64] | None = None,
) -> Sample:
    """Work out one request's outcome of every patient, and lay the patients out by replicate; `replicates` as in
    `replicate_numbers`.
    """
    import polars as pl

    table = patients.filter(pl.col("arm").is_in(arms))
    numbers = replicate_numbers(patients, replicates)
    if request.subgroup is not None:
        table = table.filter(parse_condition(request.subgroup).holds(table))
    built = endpoint_rule(request.endpoint).build(request)
    if isinstance(built, Share):
        days, cause = pl.lit(0.0), built.event.cast(pl.Int64)
    else:
        days, cause = built.days.round(_DECIMALS), built.cause.cast(pl.Int64)
    counted = built.counted
    if failed == "left_out":
        counted = counted & ~pl.col("failed")
    elif failed == "event":
        cause = pl.when(pl.col("failed") & (cause.fill_null(0) == 0)).then(1).otherwise(cause)
    strata = [parse_condition(text).holds(table) for text in request.strata]
    worked = table.select(
        pl.col("replicate"),
        counted.alias("counted"),
        days.cast(pl.Float64).alias("days"),
        cause.fill_null(0).alias("cause"),
        (pl.col("arm") == arms[0]).alias("treated_arm"),
        pl.col("failed"),
    ).with_columns(_stratum(strata, table.height))
    return _laid_out(worked, numbers)


def _stratum(strata: Sequence[pl.Series], height: int) -> pl.Series:
    import polars as pl

    code = np.zeros(height, dtype=np.int64)
    for answers in strata:
        code = 2 * code + answers.to_numpy()
    return pl.Series("stratum", code)


def _laid_out(worked: pl.DataFrame, replicates: NDArray[np.int64]) -> Sample:
    """Rows become a place (replicate, position); the order within a replicate does not matter."""
    row = np.searchsorted(replicates, worked["replicate"].to_numpy())
    order = np.argsort(row, kind="stable")
    sizes = np.bincount(row, minlength=len(replicates))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else sizes
    place = (row[order], np.arange(len(order)) - np.repeat(starts, sizes))
    width = int(sizes.max(initial=0))

    def spread(name: str, empty: Any, dtype: Any) -> NDArray[Any]:
        wide = np.full((len(replicates), width), empty, dtype=dtype)
        wide[place] = worked[name].fill_null(empty).to_numpy()[order]
        return wide

    counted = spread("counted", False, bool)
    failed = np.bincount(row, weights=worked["failed"].to_numpy(), minlength=len(replicates))
    return Sample(
        replicates=replicates,
        counted=counted,
        days=np.where(counted, spread("days", 0.0, float), 0.0),
        cause=spread("cause", 0, np.int64),
        treated_arm=spread("treated_arm", False, bool),
        stratum=spread("stratum", 0, np.int64),
        n_failed=failed.astype(np.int64),
    )
