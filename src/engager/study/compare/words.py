"""A comparison of runs as cells of a table, as JSON and as CSV: one set of words for terminal, page and file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engager.analysis import Prediction
from engager.core import axis_of, interval, number, signed
from engager.report import what
from engager.study.compare.result import ComparedFigure, RunComparison
from engager.study.plain_json import plain_json

if TYPE_CHECKING:
    import polars as pl

DASH = "–"


def row_title(figure: ComparedFigure) -> str:
    """The figure in words, e.g. ``OS, median``."""
    words = what({"endpoint": figure.endpoint, "statistic": figure.statistic, "time_months": figure.time_months})
    return f"{words} ({figure.definition})" if figure.definition else words


def run_cell(figure: ComparedFigure, place: int) -> str:
    """Median and interval in one run, e.g. ``5.4 months (3.9 to 7.2)``."""
    one = figure.runs[place]
    if one is None:
        return DASH
    limits = interval(one.low, one.high, figure.statistic) if one.coverage > 0 else ""
    return number(one.median, figure.statistic) + (f" ({limits})" if limits else "")


def difference_cell(figure: ComparedFigure, place: int) -> str:
    """How one run differs from the first, e.g. ``+4.1 points (-2.0 to +9.8)`` or ``x 1.20 (0.90 to 1.60)``."""
    one = figure.differences[place]
    if one is None:
        return DASH
    if not one.is_told:
        return f"known in {one.n_replicates} of {one.n_replicates + one.n_missing} trials"
    if figure.difference_scale == "ratio":
        text, limits = f"x {one.median:.2f}", f"{one.low:.2f} to {one.high:.2f}"
    else:
        factor, unit = (1.0, "months") if axis_of(figure.statistic) == "months" else (100.0, "points")
        text = f"{signed(factor * one.median)} {unit}"
        limits = f"{signed(factor * one.low)} to {signed(factor * one.high)}"
    return f"{text} ({limits})" if one.coverage > 0 else text


def is_told_apart(figure: ComparedFigure, place: int) -> bool:
    """Whether the interval of the difference leaves out no difference at all."""
    one = figure.differences[place]
    none = 1.0 if figure.difference_scale == "ratio" else 0.0
    return one is not None and one.coverage >= 0.8 and not one.low <= none <= one.high


def coverage_words(found: RunComparison) -> str:
    """What the intervals cover and how differences were taken."""
    n = min(found.n_replicates)
    covered = min(0.95, (n - 1) / (n + 1))
    how = (
        "Differences are taken replicate by replicate, with the same virtual patients and parameter draws in both runs"
        " as far as both have them; the median of these differences need not be the difference of the two medians."
        if found.is_paired
        else f"The runs differ in {_apart(found)}, so their virtual patients are not the same and the differences"
        " contain the chance of both. Runs with the same study id, seed, parameters and number of replicates share"
        " their patients, so that less of a difference is due to chance."
    )
    over = f"Medians over {n} replicates with {100 * covered:.0f} % intervals."
    if max(found.n_replicates) > n:
        each = ", ".join(map(str, found.n_replicates))
        over = (
            f"Medians over {each} replicates, differences over those that both runs have; intervals cover"
            f" {100 * covered:.0f} % or, of the runs with more replicates, up to 95 %."
        )
    return f"{over} {how}{_cut_words(found)}"


def _apart(found: RunComparison) -> str:
    """What keeps replicates from being of the same patients, e.g. ``study id and seed``."""
    changed = {key for key, _ in (*found.study_changes, *found.input_changes)}
    kept = {"study": "study id", "seed": "seed", "replicates": "replicates", "parameters": "parameters"}
    names = [word for key, word in kept.items() if any(one.split(".")[0] == key for one in changed)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _cut_words(found: RunComparison) -> str:
    """That a cut by deaths also moves arms in which nothing was changed; empty where it does not."""
    if not found.follow_each_other:
        return ""
    return (
        " The data are cut after a number of deaths in all arms together. Longer survival in one arm puts off the cut,"
        " shorter survival brings it forward, so the follow-up of an arm in which nothing was changed, and with it its"
        " figures, can differ too."
    )


def outside_words(found: RunComparison) -> list[str]:
    """A sentence for each run that extrapolates."""
    return [
        f"{name} lies outside what the model was fitted to, so its figures are extrapolations. {' '.join(sentences)}"
        for name, sentences in zip(found.names, found.outside_fit, strict=True)
        if sentences
    ]


def comparison_json(found: RunComparison) -> dict[str, Any]:
    """What ``engager trial compare --json`` prints."""
    runs = [
        {"run": name, "title": title, "patients_per_replicate": size, "replicates": n, "outside_fit": list(outside)}
        for name, title, size, n, outside in zip(
            found.names, found.titles, found.sizes, found.n_replicates, found.outside_fit, strict=True
        )
    ]
    figures = [
        {
            "arm": one.arm,
            "endpoint": one.endpoint,
            "statistic": one.statistic,
            "time_months": one.time_months,
            "definition": one.definition,
            "runs": [_told(value) for value in one.runs],
            "difference_scale": one.difference_scale,
            "differences": [_told(value) for value in one.differences],
            "told_apart": [is_told_apart(one, place) for place in range(len(found.names))],
        }
        for one in found.figures
    ]
    changes = {
        "study": [{"key": key, "values": list(values)} for key, values in found.study_changes],
        "inputs": [{"key": key, "values": list(values)} for key, values in found.input_changes],
    }
    answer: dict[str, Any] = plain_json(
        {"runs": runs, "paired": found.is_paired, "told": coverage_words(found), "figures": figures, "changes": changes}
    )
    return answer


def comparison_table(found: RunComparison) -> pl.DataFrame:
    """One row a figure and run: what, median, low, high, coverage, and the difference from the first run."""
    import polars as pl

    rows = []
    for one in found.figures:
        for place, name in enumerate(found.names):
            value, against = one.runs[place], one.differences[place]
            rows.append(
                {
                    "arm": one.arm,
                    "endpoint": one.endpoint,
                    "statistic": one.statistic,
                    "time_months": one.time_months,
                    "definition": one.definition or None,
                    "run": name,
                    **{key: _of(value, key) for key in ("median", "low", "high", "coverage")},
                    "difference_scale": one.difference_scale,
                    **{f"difference_{key}": _of(against, key) for key in ("median", "low", "high", "coverage")},
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def arms_of(figures: Sequence[ComparedFigure]) -> list[str]:
    """Arms and pairs of arms in their order."""
    return list(dict.fromkeys(one.arm for one in figures))


def _told(one: Prediction | None) -> dict[str, Any] | None:
    return (
        None
        if one is None
        else {key: getattr(one, key) for key in ("median", "low", "high", "coverage", "n_replicates", "n_missing")}
    )


def _of(one: Prediction | None, key: str) -> float | None:
    return None if one is None else float(getattr(one, key))
