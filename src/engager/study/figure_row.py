"""A published figure beside its simulated value as one flat row, with the columns of `core.COMPARISONS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
