"""Rows of the tables of a report, as text: comparisons, outcomes by arm, participant flow.

In: a `ReportContent`. Out: plain dicts and lists for the page template; nothing here writes HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.analysis import SCALE_BY_STATISTIC, prediction_interval
from engager.evidence import trial_endpoints
from engager.report.content import ReportContent, Source
from engager.report.verdict import distance, is_near_edge, use_words
from engager.report.words import DASH, axis_of, endpoint_words, interval, number, what

if TYPE_CHECKING:
    import polars as pl


def anchor(source: str) -> str:
    """The id of a source's place in the page; the part after ``#`` (a figure of the record) is dropped."""
    return "source-" + re.sub(r"[^A-Za-z0-9]+", "-", source.split("#")[0]).strip("-").lower()


def links(given: Any, sources: Sequence[Source]) -> list[dict[str, str]]:
    """Text and anchor of each source named by a figure; no anchor when the page does not list it."""
    named = [given] if isinstance(given, str) else list(given or [])
    listed = {anchor(source.id) for source in sources}
    places = {str(one): anchor(str(one)) for one in named if one}
    return [{"text": text, "anchor": place if place in listed else ""} for text, place in places.items()]


def comparison_rows(content: ReportContent) -> list[dict[str, Any]]:
    """One row a comparison, each cell written out."""
    return [comparison_row(one, content.sources) for one in content.comparisons]


def comparison_row(one: Mapping[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """The cells of one comparison."""
    published, simulated, statistic = one["published"], one["simulated"], one["statistic"]
    n = published.get("n")
    return {
        "what": what(one),
        "arm": one["arm"],
        "published": number(published.get("value"), statistic),
        "published_interval": interval(published.get("low"), published.get("high"), statistic),
        "n": f"n = {n:g}" if n else "",
        "links": links(published.get("source"), sources),
        "simulated": _simulated_median(simulated, statistic),
        "simulated_interval": interval(simulated.get("low"), simulated.get("high"), statistic),
        "inside": one.get("inside"),
        "near_edge": is_near_edge(one),
        "distance": distance(one),
        "use": use_words(one),
    }


def _simulated_median(simulated: Mapping[str, Any], statistic: str) -> str:
    """A time that is absent while its lower limit is known lies beyond the data."""
    median, low = simulated.get("median"), simulated.get("low")
    is_time = axis_of(statistic) == "months"
    return "not reached" if median is None and low is not None and is_time else number(median, statistic)


def missed_rows(content: ReportContent) -> list[dict[str, Any]]:
    """The published figures outside, in words."""
    return [comparison_row(one, content.sources) for one in content.comparisons if one.get("inside") is False]


def outcome_tables(content: ReportContent) -> dict[str, list[dict[str, Any]]]:
    """Rows of the efficacy and the safety table: endpoint, and text by arm.

    Each cell is the median over replicates with its prediction interval; ``n`` is the median number of
    patients counted.
    """
    if content.estimates is None or content.estimates.height == 0:
        return {"efficacy": [], "safety": []}
    import polars as pl

    within = content.estimates.filter(pl.col("arm").is_in(list(content.arms)) & pl.col("subgroup").is_null())
    told = pl.Series([_definition(content, request) for request in within["request"]], dtype=pl.String)
    within = within.with_columns(definition=told)
    rows: dict[str, list[dict[str, Any]]] = {"efficacy": [], "safety": []}
    keys = ("endpoint", "definition", "statistic", "time_months")
    for key, asked in within.group_by(*keys, maintain_order=True):
        name, definition, statistic, months = key
        first = asked.filter(pl.col("request") == pl.col("request").min().over("arm"))
        one = {"endpoint": name, "statistic": statistic, "time_months": months}
        cells = {arm: _cell(first.filter(pl.col("arm") == arm), str(statistic)) for arm in content.arms}
        table = trial_endpoints()[str(name)].table
        rows[table].append({"what": f"{what(one)} ({definition})" if definition else what(one), "cells": cells})
    return rows


def _definition(content: ReportContent, request: int) -> str:
    return content.definitions[request] if request < len(content.definitions) else ""


def _cell(estimates: pl.DataFrame, statistic: str) -> dict[str, str]:
    if estimates.height == 0:
        return {"value": DASH, "interval": "", "n": ""}
    found = prediction_interval(estimates["value"].to_numpy(), scale=SCALE_BY_STATISTIC.get(statistic, "identity"))
    limits = interval(found.low, found.high, statistic) if found.n_replicates > 1 else ""
    return {
        "value": number(found.median, statistic),
        "interval": limits,
        "n": f"n = {np.median(estimates['n'].to_numpy()):.0f}",
    }


def participant_flow(patients: pl.DataFrame, arms: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """Steps of the flow by arm: how many patients, median over replicates with the range.

    Parameters
    ----------
    patients : the patients table (docs/architecture.md).
    arms : in order.

    Returns
    -------
    For each arm the steps randomized, treated, in remission, transplanted, relapsed, died, with ``count``
    and ``range`` (empty with one replicate).
    """
    import polars as pl

    steps = {
        "randomized": pl.lit(True),
        "treated": pl.col("treated").fill_null(False),
        "CR, CRh or CRi": pl.col("best_response").is_in(["CR", "CRh", "CRi"]).fill_null(False),
        "transplanted": pl.col("hsct_day").is_not_null(),
        "relapsed": pl.col("relapse_day").is_not_null(),
        "died while observed": pl.col("death_day").is_not_null(),
    }
    counted = patients.group_by("arm", "replicate").agg(
        [(flag & ~pl.col("failed")).sum().alias(name) for name, flag in steps.items()]
    )
    failed = patients.group_by("arm", "replicate").agg(pl.col("failed").sum())
    flow: dict[str, list[dict[str, str]]] = {}
    for arm in arms:
        of_arm = counted.filter(pl.col("arm") == arm)
        flow[arm] = [_step(name, of_arm[name].to_numpy()) for name in steps]
        lost = failed.filter(pl.col("arm") == arm)["failed"].to_numpy()
        if lost.sum():
            flow[arm].append(_step("simulation failed (left out)", lost))
    return flow


def _step(name: str, counts: np.ndarray) -> dict[str, str]:
    if counts.size == 0:
        return {"name": name, "count": DASH, "range": ""}
    spread = f"{counts.min()} to {counts.max()}" if counts.size > 1 and counts.min() != counts.max() else ""
    return {"name": name, "count": f"{np.median(counts):.0f}", "range": spread}


def survival_words(endpoint: str) -> str:
    """Heading of a survival figure."""
    known = trial_endpoints().get(endpoint)
    return endpoint_words(endpoint) if known is None else known.label[:1].upper() + known.label[1:]
