"""A published figure beside its simulated value: as JSON holds it, and as one flat row (`core.COMPARISONS`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engager.calibration import Comparison
from engager.study.plain_json import plain_json


def comparison_entry(one: Comparison) -> dict[str, Any]:
    """The dict of docs/architecture.md; ``simulated`` has a ``reason`` where its median is null."""
    entry: dict[str, Any] = plain_json(one.as_json())
    if one.median is None:
        # what covers something was made of replicates that gave an answer: a time beyond the data
        reason = "not reached" if one.coverage > 0 else "not estimable in enough replicates"
        entry["simulated"]["reason"] = reason
    return entry


def figure_row(one: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a comparison as ``comparisons.json`` and ``engager validate --json`` hold it."""
    published, simulated = one["published"], one["simulated"]
    return {
        **{key: one.get(key) for key in ("trial", "arm", "endpoint", "statistic", "time_months", "subgroup", "use")},
        "published": published["value"],
        "published_low": published["low"],
        "published_high": published["high"],
        "published_n": published.get("n"),
        "source": "; ".join(published.get("source") or ()),
        "simulated": simulated["median"],
        "simulated_low": simulated["low"],
        "simulated_high": simulated["high"],
        "coverage": one.get("coverage"),
        "inside": one.get("inside"),
    }
