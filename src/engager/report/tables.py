"""Rows of the tables of a report, as text: comparisons, outcomes by arm, what a survival curve says.

In: a `ReportContent`. Out: plain dicts and lists for the page template; nothing here writes HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.analysis import AT_ONE_TIME, SCALE_BY_STATISTIC, prediction_interval
from engager.core import DASH, interval, number
from engager.evidence import trial_endpoints
from engager.report.content import ReportContent, Source
from engager.report.contrasts import contrast_rows
from engager.report.verdict import distance, is_near_edge, use_words, without_repeats
from engager.report.words import endpoint_words, simulated_words, what

if TYPE_CHECKING:
    import polars as pl


def anchor(source: str) -> str:
    """The id of a source's place in the page; the part after ``#`` (a figure of the record) is dropped."""
    return "source-" + re.sub(r"[^A-Za-z0-9]+", "-", source.split("#")[0]).strip("-").lower()


def links(given: Any, sources: Sequence[Source]) -> list[dict[str, str]]:
    """Number, anchor and full name of each publication named by a figure; no number when the page does not list it."""
    named = [given] if isinstance(given, str) else list(given or [])
    numbers = {anchor(source.id): str(number) for number, source in enumerate(sources, start=1)}
    by_place: dict[str, list[str]] = {}
    for one in named:
        if one:
            by_place.setdefault(anchor(str(one)), []).append(str(one))
    return [
        {
            "text": numbers.get(place, names[0].split("#")[0]),
            "anchor": place if place in numbers else "",
            "name": ", ".join(dict.fromkeys(names)),
        }
        for place, names in by_place.items()
    ]


def comparison_rows(content: ReportContent) -> list[dict[str, Any]]:
    """One row a comparison, each cell written out."""
    return [comparison_row(one, content.sources) for one in without_repeats(content.comparisons)]


def comparison_row(one: Mapping[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """The cells of one comparison."""
    published, simulated, statistic = one["published"], one["simulated"], one["statistic"]
    n = published.get("n")
    return {
        "what": what(one),
        "arm": one["arm"],
        "published": number(published.get("value"), statistic),
        "published_interval": interval(published.get("low"), published.get("high"), statistic),
        "n": f"{n:g}" if n else "",
        "links": links(published.get("source"), sources),
        "simulated": simulated_words(simulated, statistic),
        "simulated_interval": interval(simulated.get("low"), simulated.get("high"), statistic),
        "inside": one.get("inside"),
        "near_edge": is_near_edge(one),
        "distance": distance(one),
        "use": use_words(one),
    }


def missed_rows(content: ReportContent) -> list[dict[str, Any]]:
    """The published figures outside, in words."""
    told = without_repeats(content.comparisons)
    return [comparison_row(one, content.sources) for one in told if one.get("inside") is False]


def outcome_tables(content: ReportContent) -> dict[str, Any]:
    """Rows of the efficacy and the safety table: endpoint, text by arm, and differences between arms.

    Each cell is the median over replicates with its prediction interval; ``n`` is the median number of
    patients counted. ``pairs`` names the arms set against each other.
    """
    arms = list(content.arms)
    if content.estimates is None or content.estimates.height == 0:
        return {"efficacy": [], "safety": [], "pairs": []}
    import polars as pl

    within = content.estimates.filter(pl.col("subgroup").is_null())
    told = pl.Series([_definition(content, request) for request in within["request"]], dtype=pl.String)
    within = within.with_columns(definition=told)
    pairs, contrasts = contrast_rows(within, arms) if len(arms) > 1 else ([], [])
    found: dict[str, Any] = {"efficacy": [], "safety": [], "pairs": pairs}
    keys = ("endpoint", "definition", "statistic", "time_months")
    nothing = {arm: {"value": DASH, "interval": "", "n": ""} for arm in arms}
    rows = {row["what"]: {**row, "arms": nothing} for row in contrasts}
    name_of: dict[str, str] = {}
    for key, asked in within.group_by(*keys, maintain_order=True):
        name, definition, statistic, months = key
        one = {"endpoint": name, "statistic": statistic, "time_months": months}
        words = f"{what(one)} ({definition})" if definition else what(one)
        name_of[words] = str(name)
        first = asked.filter(pl.col("request") == pl.col("request").min().over("arm"))
        cells = {arm: _cell(first.filter(pl.col("arm") == arm), str(statistic)) for arm in arms}
        rows[words] = {"what": words, "cells": {}, **rows.get(words, {}), "arms": cells}
    known = list(trial_endpoints())
    for words, name in name_of.items():
        found[trial_endpoints()[name].table].append((name, rows[words]))
    found["efficacy"] = [row for _, row in found["efficacy"]]
    found["safety"] = [
        row for _, row in sorted(found["safety"], key=lambda one: (_gravity(one[0]), known.index(one[0])))
    ]
    found["safety"] += _deaths(content)
    return found


def _gravity(endpoint: str) -> int:
    """Events first, then what stopped treatment, then deaths, whatever order the study asks for them in."""
    return {"treatment_end_day": 1, "death_day": 2}.get(trial_endpoints()[endpoint].day, 0)


# Causes whose names in the tables say too little to a reader.
_CAUSES = {
    "background": "an unrelated cause",
    "toxicity": "an adverse event",
    "transplant": "transplantation",
}


def _deaths(content: ReportContent) -> list[dict[str, Any]]:
    """Deaths by cause over the whole observation, as shares of those randomized; no row without a death."""
    import polars as pl

    patients = content.patients
    if patients is None or "death_cause" not in patients.columns:
        return []
    followed = patients.filter(~pl.col("failed"))
    causes = followed.filter(pl.col("death_day").is_not_null())["death_cause"].drop_nulls()
    rows = []
    for cause in causes.value_counts(sort=True)["death_cause"].to_list():
        died = (pl.col("death_day").is_not_null() & (pl.col("death_cause") == cause)).fill_null(False)
        shares = followed.group_by("arm", "replicate").agg(value=died.mean(), n=pl.len())
        cells = {arm: _cell(shares.filter(pl.col("arm") == arm), "proportion") for arm in content.arms}
        rows.append({"what": f"Death from {_CAUSES.get(cause, cause)}, while observed", "arms": cells, "cells": {}})
    return rows


def survival_facts(content: ReportContent, endpoint: str) -> list[dict[str, Any]]:
    """What a curve is read for: medians and the hazard ratio, simulated and published, with the verdict's words."""
    import polars as pl

    estimates = content.estimates
    if estimates is None:
        return []
    own = estimates.filter(
        (pl.col("endpoint") == endpoint)
        & pl.col("statistic").is_in(["median", "hazard_ratio"])
        & pl.col("subgroup").is_null()
    )
    printed = [
        one
        for one in without_repeats(content.comparisons)
        if one["endpoint"] == endpoint and not one.get("subgroup") and one["statistic"] in ("median", "hazard_ratio")
    ]
    rows = []
    for (statistic, arm), asked in own.group_by("statistic", "arm", maintain_order=True):
        first = asked.filter(pl.col("request") == pl.col("request").min())
        cell = _cell(first, str(statistic))
        match = next((one for one in printed if one["arm"] == arm and one["statistic"] == statistic), None)
        told = comparison_row(match, content.sources) if match else None
        words = "Hazard ratio" if statistic == "hazard_ratio" else "Median"
        rows.append({"what": words, "arm": arm, "simulated": cell, "published": told})
    return sorted(rows, key=lambda row: row["what"] == "Hazard ratio")


def _definition(content: ReportContent, request: int) -> str:
    return content.definitions[request] if request < len(content.definitions) else ""


def _cell(estimates: pl.DataFrame, statistic: str) -> dict[str, str]:
    if estimates.height == 0:
        return {"value": DASH, "interval": "", "n": ""}
    found = prediction_interval(
        estimates["value"].to_numpy(),
        n=estimates["n"].to_numpy(),
        scale=SCALE_BY_STATISTIC.get(statistic, "identity"),
        at_one_time=statistic in AT_ONE_TIME,
    )
    limits = interval(found.low, found.high, statistic) if found.n_replicates > 1 else ""
    return {
        "value": number(found.median, statistic),
        "interval": limits,
        "n": f"n = {np.median(estimates['n'].to_numpy()):.0f}",
    }


def survival_words(endpoint: str) -> str:
    """Heading of a survival figure."""
    known = trial_endpoints().get(endpoint)
    return endpoint_words(endpoint) if known is None else known.label[:1].upper() + known.label[1:]
