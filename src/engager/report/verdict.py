"""What is said of published figures beside simulated ones: inside or not, how near the edge, how far apart.

In: comparison dicts of docs/architecture.md. Out: counts and words, the same for terminal, page, figure and JSON.
A figure that was fitted and one that was only checked are counted apart: a fit is no prediction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engager.analysis import SCALE_BY_STATISTIC
from engager.core import FEWEST_FOR_95_PERCENT, FEWEST_FOR_A_VERDICT, axis_of, signed

Row = Mapping[str, Any]

_USES = {"fit": "fitted", "check": "checked", None: "compared"}
# An 80 % interval reaches 1.28 standard deviations where a 95 % one reaches 1.96; what lies beyond is near the edge.
_EDGE = 1.281552 / 1.959964


@dataclass(frozen=True)
class Verdict:
    """Counts of judged figures.

    Attributes
    ----------
    inside, judged : by use (fitted, checked, compared), in that order; uses without a judged figure are left out.
    coverage : what the narrowest claim among the intervals covers. replicates : of the run.
    """

    inside: Mapping[str, int]
    judged: Mapping[str, int]
    coverage: float
    replicates: int

    @property
    def headline(self) -> str:
        """E.g. ``fitted 17 of 18, checked 4 of 5``; empty when nothing was judged."""
        return ", ".join(f"{use} {self.inside[use]} of {n}" for use, n in self.judged.items())

    @property
    def interval_words(self) -> str:
        """The interval by what it covers, e.g. ``95 % prediction``."""
        return f"{100 * self.coverage:.0f} % prediction"

    @property
    def remark(self) -> str:
        """What too few replicates leave unsaid; empty when there are enough."""
        if self.replicates < FEWEST_FOR_A_VERDICT:
            covered = f"cover {100 * self.coverage:.0f} %" if self.replicates > 1 else "have no width"
            few = f"{self.replicates} virtual trial{'s' if self.replicates > 1 else ''}"
            return f"No verdict: intervals from {few} {covered}; {FEWEST_FOR_A_VERDICT} are the fewest that are judged."
        if self.replicates < FEWEST_FOR_95_PERCENT:
            needed = f"95 % needs {FEWEST_FOR_95_PERCENT} virtual trials"
            return f"Intervals cover {100 * self.coverage:.0f} %: {needed}, this run has {self.replicates}."
        return ""

    def as_json(self) -> dict[str, Any]:
        """Counts by use, coverage and remark."""
        counts = {use: {"inside": self.inside[use], "judged": n} for use, n in self.judged.items()}
        return {**counts, "coverage": self.coverage, "headline": self.headline, "remark": self.remark}


def without_repeats(comparisons: Sequence[Row]) -> list[Row]:
    """Comparisons in which a figure that several publications print stands once, at its first place, with all sources.

    Notes
    -----
    A press release or an abstract repeats what the paper says. Such a repeat is no further check: it is the same number
    of the same patients beside the same simulated one.
    """
    kept: dict[tuple[Any, ...], Row] = {}
    for one in comparisons:
        same = tuple(one.get(key) for key in ("trial", "arm", "endpoint", "statistic", "time_months", "subgroup"))
        key = (*same, one["published"].get("value"), one["simulated"].get("median"), one["simulated"].get("low"))
        sources = _listed(one["published"].get("source"))
        first = kept.get(key)
        before = _listed(first["published"].get("source")) if first else []
        if first is None or not sources or _records(sources) & _records(before):
            kept[(*key, len(kept)) if first else key] = one
            continue
        kept[key] = {**first, "published": {**first["published"], "source": [*before, *sources]}}
    return list(kept.values())


def _records(sources: Sequence[str]) -> set[str]:
    return {one.split("#")[0] for one in sources}


def _listed(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else [str(one) for one in given or ()]


def verdict_of(comparisons: Sequence[Row], replicates: int) -> Verdict:
    """Count the judged figures of a run by how they were used; one that is printed twice counts once."""
    comparisons = without_repeats(comparisons)
    inside: dict[str, int] = {}
    judged: dict[str, int] = {}
    for use, word in _USES.items():
        rows = [one for one in comparisons if one.get("use") == use and one.get("inside") is not None]
        if rows:
            inside[word], judged[word] = sum(bool(one["inside"]) for one in rows), len(rows)
    stated = [one["coverage"] for one in comparisons if one.get("coverage")]
    covered = min(stated) if stated else min(0.95, (replicates - 1) / (replicates + 1))
    return Verdict(inside, judged, covered, replicates)


def use_words(one: Row) -> str:
    """Fitted, checked or compared."""
    return _USES.get(one.get("use"), "compared")


def is_near_edge(one: Row) -> bool:
    """Whether a figure that is inside lies in the outer part of its interval, where an 80 % interval would end.

    Notes
    -----
    Places are taken from the simulated median to the end on that side, on the logarithm for times and ratios.
    """
    if not one.get("inside"):
        return False
    value, median = one["published"].get("value"), one["simulated"].get("median")
    if not _known(value, median):
        return False
    end = one["simulated"].get("high" if value > median else "low")
    if not _known(end) or value == median:
        return False
    place = _on_scale(one["statistic"])
    return bool((place(value) - place(median)) / (place(end) - place(median)) > _EDGE) if end != median else True


def mark(one: Row) -> str:
    """Inside, inside near the edge, outside, or not judged."""
    inside = one.get("inside")
    if inside is None:
        return "not judged"
    if not inside:
        return "outside"
    return "inside, near the edge" if is_near_edge(one) else "inside"


def distance(one: Row) -> str:
    """How far the simulated median lies from the published value, e.g. ``-2.8 months (x 0.64)``; empty when unknown."""
    value, median = one["published"].get("value"), one["simulated"].get("median")
    if not _known(value, median):
        return ""
    axis = axis_of(one["statistic"])
    if axis == "%":
        return f"{signed(100 * (median - value))} points"
    ratio = f"x {median / value:.2f}" if value else ""
    return f"{signed(median - value)} months ({ratio})" if axis == "months" else ratio


def _on_scale(statistic: str) -> Any:
    if SCALE_BY_STATISTIC.get(statistic) != "log":
        return float
    return lambda value: math.log(max(float(value), 1e-9))


def _known(*values: Any) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)
