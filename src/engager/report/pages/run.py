"""One self-contained page of a run: no script, no request to anywhere, readable on a phone and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engager.core import writing_to
from engager.report.content import ReportContent
from engager.report.flow import participant_flow
from engager.report.plots.comparison import figure_comparisons
from engager.report.plots.kaplan_meier import figure_kaplan_meier
from engager.report.plots.uncertainty import monte_carlo_words
from engager.report.sections import courses_figures, drivers_context, predictive_context, uncertainty_context
from engager.report.tables import (
    anchor,
    comparison_rows,
    links,
    missed_rows,
    outcome_tables,
    survival_facts,
    survival_words,
)
from engager.report.template import both_widths, render
from engager.report.verdict import verdict_of, without_repeats
from engager.report.words import what

__all__ = ["render_report", "write_report"]

_TEMPLATE = "report.html.j2"


def write_report(folder: Path, content: ReportContent, drawn: Mapping[str, str] = MappingProxyType({})) -> Path:
    """Write ``report.html`` into a folder that exists.

    Parameters
    ----------
    folder : of the run.
    content : what to show; parts that are absent are left out of the page.
    drawn : figures that were drawn ahead, by name.

    Returns
    -------
    Path of the file.

    Raises
    ------
    InputError
        When the folder cannot be written to.
    """
    text = render_report(content, drawn)
    path = Path(folder) / "report.html"
    with writing_to("report", path):
        path.write_text(text, encoding="utf-8")
    return path


def render_report(content: ReportContent, drawn: Mapping[str, str] = MappingProxyType({})) -> str:
    """The page as text; the same content gives the same text."""
    return render(_TEMPLATE, _context(content), drawn)


def _context(content: ReportContent) -> dict[str, Any]:
    arms = list(content.arms)
    flow = participant_flow(content.patients, arms, content.replicates) if content.patients is not None else {}
    sources = [
        {"anchor": anchor(one.id), "id": one.id, "citation": one.citation, "seen": list(one.seen)}
        | {"url": one.url if one.url.startswith(("https://", "http://")) else ""}
        for one in content.sources
    ]
    baseline = [
        {"label": row.label, "simulated": row.simulated, "published": row.published}
        | {"links": links(row.source, content.sources)}
        for row in content.baseline
    ]
    verdict = verdict_of(content.comparisons, content.replicates)
    shown = without_repeats(content.comparisons)
    context = {
        "content": content,
        "arms": arms,
        "verdict": verdict,
        "missed": missed_rows(content),
        "coverage": f"{100 * verdict.coverage:.0f}",
        "comparisons": comparison_rows(content),
        "baseline": baseline,
        "outcomes": outcome_tables(content),
        "flow": flow,
        "figures": _figures(content),
        "predictive": predictive_context(content.predictive) if content.predictive else None,
        "uncertainty": uncertainty_context({"": shown}) if content.tells_parameters else None,
        "monte_carlo_only": [] if content.tells_parameters else _monte_carlo(content),
        "drivers": drivers_context(content.drivers) if content.drivers else None,
        "sources": sources,
    }
    return context | {"contents": _contents(context)}


def _contents(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Anchor and title of each section that the page has, in its order."""
    outcomes, content = context["outcomes"], context["content"]
    curves = [(f"survival-{one['endpoint']}", one["title"]) for one in context["figures"]["survival"]]
    entries = [
        ("comparison", "Published beside simulated", context["comparisons"]),
        *((anchor, title, True) for anchor, title in curves),
        ("efficacy", "Efficacy", outcomes["efficacy"]),
        ("safety", "Safety", outcomes["safety"]),
        ("flow", "Flow of participants", context["flow"]),
        ("baseline", "Patients at baseline", context["baseline"]),
        ("courses", "Drug and cells", "courses" in context["figures"]),
        ("uncertainty", "Uncertainty", context["uncertainty"] or context["monte_carlo_only"]),
        ("individuals", "Individual patients", context["predictive"]),
        ("drivers", "What drives the outcomes", context["drivers"]),
        ("limits", "Limits of the model", content.limits),
        ("sources", "Sources", context["sources"]),
    ]
    return [(anchor, title) for anchor, title, is_there in entries if is_there]


def _monte_carlo(content: ReportContent) -> list[dict[str, str]]:
    """Standard errors of the printed medians, for a run whose trials share one population."""
    return [
        {"what": what(one), "arm": str(one["arm"]), "error": monte_carlo_words(one)}
        for one in without_repeats(content.comparisons)
        if one.get("uncertainty")
    ]


def _figures(content: ReportContent) -> dict[str, Any]:
    """SVG of each figure, wide and narrow; a part without data is absent."""
    arms = list(content.arms)
    found: dict[str, Any] = {"survival": []}
    if content.comparisons:
        found["comparisons"] = both_widths(
            "comparisons",
            "Published values with confidence intervals beside simulated prediction intervals",
            partial(figure_comparisons, without_repeats(content.comparisons), arms),
        )
    if content.survival is not None:
        bands = content.survival
        for endpoint in bands["endpoint"].unique(maintain_order=True).to_list():
            words = survival_words(endpoint)
            own = [
                None if table is None else table.filter(table["endpoint"] == endpoint)
                for table in (content.one_trial, content.rebuilt)
            ]
            draw = partial(
                figure_kaplan_meier, bands.filter(bands["endpoint"] == endpoint), content.comparisons, endpoint, arms,
                one_trial=own[0], rebuilt=own[1],
            )  # fmt: skip
            pictures = both_widths(f"km-{endpoint}", f"{words} of the simulated arms with published marks", draw)
            facts = survival_facts(content, endpoint)
            dotted = own[1] is not None and own[1].height > 0
            found["survival"].append(
                {"title": words, "endpoint": endpoint, "facts": facts, "is_rebuilt": dotted, **pictures}
            )
    if content.courses is not None:
        found["courses"] = courses_figures(content.courses)
    return found
