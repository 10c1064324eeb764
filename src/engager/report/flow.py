"""The flow of participants: who was treated, who responded, what came first afterwards; parts add up to their whole.

In: the patients table. Out: rows for the page. Medians of counts do not add up, means do; means are rounded so that
the parts of an arm still sum to its patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

_UNTREATED, _FAILED = "untreated", "failed"


@dataclass(frozen=True)
class _Step:
    """A line of the flow: the fates it gathers, and how far it is set in."""

    name: str
    fates: tuple[str, ...]
    depth: int


_RESPONDED = ("hsct", "relapse", "died_in_response", "in_response")
_NOT_RESPONDED = ("died", "alive")
_REACHED = "reached CR, CRh or CRi; what came first afterwards:"
_REACHED_BY_SIZE = "reached CR or PR; what came first afterwards:"
_STEPS = (
    _Step("patients of this arm", (_UNTREATED, _FAILED, *_RESPONDED, *_NOT_RESPONDED), 0),
    _Step("never got study drug", (_UNTREATED,), 1),
    _Step("treated", (*_RESPONDED, *_NOT_RESPONDED), 1),
    _Step(_REACHED, _RESPONDED, 2),
    _Step("transplant", ("hsct",), 3),
    _Step("relapse", ("relapse",), 3),
    _Step("death", ("died_in_response",), 3),
    _Step("none of these while observed", ("in_response",), 3),
    _Step("no response", _NOT_RESPONDED, 2),
    _Step("died while observed", ("died",), 3),
    _Step("alive when observation ended", ("alive",), 3),
    _Step("simulation failed, left out of all estimates", (_FAILED,), 1),
)


def participant_flow(
    patients: pl.DataFrame, arms: Sequence[str], replicates: int
) -> dict[str, list[dict[str, str | int]]]:
    """Steps of the flow by arm.

    Parameters
    ----------
    patients : the patients table (docs/architecture.md).
    arms : in order.
    replicates : virtual trials, also those that an early data cut left without a patient of an arm.

    Returns
    -------
    For each arm its steps: ``name``, ``count`` (mean over virtual trials, rounded so that steps add up), ``range``
    (fewest to most over trials; empty when they agree) and ``depth``. A step that nobody took in any trial is left
    out, but for the main ones.
    """
    import polars as pl

    is_tumor = "tumor_mL" in patients.columns
    counted = patients.with_columns(fate=_fate()).group_by("arm", "replicate", "fate").len()
    flow: dict[str, list[dict[str, str | int]]] = {}
    for arm in arms:
        of_arm = counted.filter(pl.col("arm") == arm)
        by_fate = {str(fate): table for (fate,), table in of_arm.group_by("fate")}
        counts = {fate: _by_replicate(table, replicates) for fate, table in by_fate.items()}
        whole = _whole_numbers({fate: float(found.mean()) for fate, found in counts.items()})
        nobody = np.zeros(replicates, dtype=np.int64)
        flow[arm] = []
        for step in _STEPS:
            each = sum((counts.get(fate, nobody) for fate in step.fates), nobody)
            if each.any() or step.depth < 1:
                spread = f"{each.min()} to {each.max()}" if each.min() != each.max() else ""
                count = sum(whole.get(fate, 0) for fate in step.fates)
                name = _REACHED_BY_SIZE if is_tumor and step.name == _REACHED else step.name
                flow[arm].append({"name": name, "count": count, "range": spread, "depth": step.depth})
    return flow


def _fate() -> pl.Expr:
    """What became of a patient, one word for each."""
    import polars as pl

    responded = pl.col("best_response").is_in(["CR", "CRh", "CRi", "PR"]).fill_null(False)
    hsct, relapse, death = (pl.col(name).fill_null(np.inf) for name in ("hsct_day", "relapse_day", "death_day"))
    first = pl.min_horizontal(hsct, relapse, death)
    return (
        pl.when(pl.col("failed")).then(pl.lit(_FAILED))
        .when(responded & first.is_infinite()).then(pl.lit("in_response"))
        .when(responded & (hsct == first)).then(pl.lit("hsct"))
        .when(responded & (relapse == first)).then(pl.lit("relapse"))
        .when(responded).then(pl.lit("died_in_response"))
        .when(~pl.col("treated").fill_null(False)).then(pl.lit(_UNTREATED))
        .when(death.is_infinite()).then(pl.lit("alive"))
        .otherwise(pl.lit("died"))
    )  # fmt: skip


def _by_replicate(table: pl.DataFrame, replicates: int) -> np.ndarray:
    found = dict(table.select("replicate", "len").iter_rows())
    return np.array([found.get(one, 0) for one in range(replicates)], dtype=np.int64)


def _whole_numbers(means: dict[str, float]) -> dict[str, int]:
    """Means rounded so that their sum is the rounded sum: the largest remainders go up."""
    floors = {name: int(np.floor(value)) for name, value in means.items()}
    missing = round(sum(means.values())) - sum(floors.values())
    for name in sorted(means, key=lambda one: (floors[one] - means[one], one))[:missing]:
        floors[name] += 1
    return floors
