"""A hundred patients of a run: how many went into remission, were transplanted, did not respond, died early.

In: a finished run. Out: whole numbers that add up to a hundred, by arm, over all virtual trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from engager.study.run.folder import RunFolder

EARLY_DAYS = 60  # deaths of induction are usually counted to day 60
FATES = {
    "transplant": "remission, then transplant",
    "remission": "remission, no transplant",
    "none": "no remission",
    "early death": f"died within {EARLY_DAYS} days, no remission",
}
_HUNDRED = 100


@dataclass(frozen=True)
class Hundred:
    """Patients of one arm.

    Attributes
    ----------
    arm : its name. counts : patients in a hundred by fate (`FATES`), together 100.
    n_patients : of all virtual trials. n_failed : left out, because the solver could not follow them.
    """

    arm: str
    counts: dict[str, int]
    n_patients: int
    n_failed: int


def hundred_of(run: RunFolder) -> tuple[Hundred, ...]:
    """What became of a hundred patients of each arm.

    Notes
    -----
    Shares are rounded so that they add up to a hundred (largest remainders). A remission is CR, CRh or CRi on the study
    treatment; a transplant counts when it was done in that remission.
    """
    patients = run.table("patients")
    early = pl.col("death_day").is_not_null() & (pl.col("death_day") <= EARLY_DAYS)
    responded = pl.col("response_day").is_not_null()
    fate = (
        pl.when(responded & pl.col("hsct_in_response"))
        .then(pl.lit("transplant"))
        .when(responded)
        .then(pl.lit("remission"))
        .when(early)
        .then(pl.lit("early death"))
        .otherwise(pl.lit("none"))
    )
    found = []
    for arm in run.protocol.arm_ids:
        rows = patients.filter(pl.col("arm") == arm)
        kept = rows.filter(~pl.col("failed")).select(fate.alias("fate"))["fate"]
        counts = {one: int((kept == one).sum()) for one in FATES}
        found.append(Hundred(arm, in_a_hundred(counts), rows.height, rows.height - len(kept)))
    return tuple(found)


def in_a_hundred(counts: dict[str, int]) -> dict[str, int]:
    """Counts as whole numbers that add up to a hundred; all 0 when there is nobody."""
    total = sum(counts.values())
    if not total:
        return dict.fromkeys(counts, 0)
    exact = {name: _HUNDRED * n / total for name, n in counts.items()}
    found = {name: math.floor(value) for name, value in exact.items()}
    rest = _HUNDRED - sum(found.values())
    for name in sorted(exact, key=lambda one: found[one] - exact[one])[:rest]:
        found[name] += 1
    return found
