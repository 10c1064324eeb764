"""Arms against each other: differences of their estimates trial by trial, and hazard ratios.

In: frames of ``engager.analysis.Estimate`` rows. Out: rows for the page. Trial by trial matters: arms of one virtual
trial share their population values, and with the same patients in every arm also the patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from engager.analysis import difference_interval, prediction_interval
from engager.core import DASH, axis_of, interval, number, signed
from engager.report.words import what

if TYPE_CHECKING:
    import polars as pl

_KEYS = ("endpoint", "definition", "statistic", "time_months")


def contrast_rows(estimates: pl.DataFrame, arms: Sequence[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Differences between arms.

    Parameters
    ----------
    estimates : ``arm, endpoint, statistic, time_months, value, replicate, request, definition``, subgroups left out.
    arms : in order; an earlier arm is set against each later one.

    Returns
    -------
    Names of the pairs, and rows with ``what`` and ``cells`` by pair: ``value``, ``interval`` and ``is_apart`` (the
    interval leaves out no difference).
    """
    pairs = {f"{one} vs {other}": (one, other) for one, other in combinations(arms, 2)}
    rows: list[dict[str, Any]] = []
    for key, asked in estimates.group_by(*_KEYS, maintain_order=True):
        endpoint, definition, statistic, months = key
        one = {"endpoint": endpoint, "statistic": statistic, "time_months": months}
        if statistic == "hazard_ratio":
            cells = {name: _ratio(asked.filter(asked["arm"] == name)) for name in pairs}
        else:
            cells = {name: _difference(asked, *pair, str(statistic)) for name, pair in pairs.items()}
        if any(cell["value"] != DASH for cell in cells.values()):
            words = what(one)
            rows.append({"what": f"{words} ({definition})" if definition else words, "cells": cells})
    return list(pairs), rows


def _ratio(estimates: pl.DataFrame) -> dict[str, Any]:
    if not estimates.height:
        return _empty()
    found = prediction_interval(estimates["value"].to_numpy(), scale="log")
    limits = interval(found.low, found.high, "hazard_ratio") if found.n_replicates > 1 else ""
    apart = bool(limits) and not found.low <= 1.0 <= found.high
    return {"value": number(found.median, "hazard_ratio"), "interval": limits, "is_apart": apart}


def _difference(estimates: pl.DataFrame, one: str, other: str, statistic: str) -> dict[str, Any]:
    """First minus second, over the trials in which both are known."""
    import polars as pl

    first = pl.col("request") == pl.col("request").min().over("arm")
    sides = [
        estimates.filter(first & (pl.col("arm") == arm)).select("replicate", pl.col("value").alias(side))
        for arm, side in ((one, "left"), (other, "right"))
    ]
    both = sides[0].join(sides[1], on="replicate").select(gap=pl.col("left") - pl.col("right"))
    found = difference_interval(both["gap"].to_numpy())
    if not found.is_told:
        words = f"known in {found.n_replicates} of {both.height} trials" if both.height else DASH
        return {**_empty(), "value": words}
    scale, unit = (100.0, " points") if axis_of(statistic) == "%" else (1.0, " months")
    has_limits = found.n_replicates > 1
    return {
        "value": f"{signed(scale * found.median)}{unit}",
        "interval": f"{signed(scale * found.low)} to {signed(scale * found.high)}" if has_limits else "",
        "is_apart": bool(has_limits and not found.low <= 0.0 <= found.high),
    }


def _empty() -> dict[str, Any]:
    return {"value": DASH, "interval": "", "is_apart": False}
