"""One self-contained page on how far a model can be trusted: what was published, what it says, and why.

In: a `CredibilityContent`; parts that are absent are left out, so a fit to courses and a validation share the page.
Out: HTML without script or request to anywhere, with a list of contents, for screen, phone and paper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from engager.core import DASH, quantity
from engager.report.plots.position import figure_positions
from engager.report.sections import (
    DriversSection,
    PredictiveSection,
    drivers_context,
    predictive_context,
    scatter_words,
    uncertainty_context,
)
from engager.report.tables import comparison_row
from engager.report.template import both_widths, render
from engager.report.words import unit_words

Row = Mapping[str, Any]
_TEMPLATE = "credibility.html.j2"
_NAMES = {"cd8_per_uL": "CD8 T cells", "b_per_uL": "B cells", "il6_pg_per_mL": "IL-6"}
_READINGS = re.compile("|".join(_NAMES))
_USES = {"fit": "fitted", "check": "checked", None: "unmarked"}


@dataclass(frozen=True)
class CredibilityContent:
    """Everything the page shows.

    Attributes
    ----------
    title, facts, sentences : the head; facts are (value, what it is) pairs.
    bands : ``what, band, found, met`` of each acceptance band, in words; ``met`` may be None.
    studies : comparison dicts of docs/architecture.md by study, with ``use``, ``uncertainty`` and ``width_ratio``.
    tells_parameters : every virtual trial drew population values of its own.
    not_simulated : figures that no virtual trial answers, in words.
    predictive, drivers : sections shared with the report of a run.
    parameters : ``name, meaning, estimate, unit, error, interval, shrinkage`` of each estimate of a fit, in words.
    held : ``name, meaning, reason`` of what the fit held. notes : sentences below the table of parameters.
    observations : rows of `calibration.validate_observations`.
    made : how the page was made, a sentence each. versions : by package.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    sentences: Sequence[str] = ()
    bands: Sequence[Row] = ()
    studies: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    tells_parameters: bool = True
    not_simulated: Sequence[str] = ()
    predictive: PredictiveSection | None = None
    drivers: DriversSection | None = None
    parameters: Sequence[Row] = ()
    held: Sequence[Row] = ()
    notes: Sequence[str] = ()
    observations: Sequence[Row] = ()
    made: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def render_credibility(content: CredibilityContent) -> str:
    """The page as text; the same content gives the same text."""
    figures = {study: [_figure_row(one) for one in rows] for study, rows in content.studies.items()}
    split = uncertainty_context(content.studies) if content.tells_parameters else None
    parts: dict[str, Any] = {
        "figures": figures,
        "outside": {
            study: missed
            for study, rows in figures.items()
            if (missed := [row for row in rows if row["inside"] is False])
        },
        "positions": both_widths(
            "positions",
            "Where each published figure lies within its prediction interval, a row for each study",
            partial(figure_positions, content.studies),
        )
        if figures
        else None,
        "uncertainty": split,
        "predictive": predictive_context(content.predictive) if content.predictive else None,
        "drivers": drivers_context(content.drivers) if content.drivers else None,
        "observations": [_observation_row(row) for row in content.observations],
    }
    return render(_TEMPLATE, {"content": content, **parts, "contents": _contents(content, parts)})


def _contents(content: CredibilityContent, parts: Mapping[str, Any]) -> list[tuple[str, str]]:
    entries = [
        ("bands", "Acceptance bands", content.bands),
        ("inside", "Inside and outside", parts["figures"]),
        ("figures", "Every figure", parts["figures"]),
        ("uncertainty", "Uncertainty", parts["uncertainty"]),
        ("parameters", "Estimates of the fit", content.parameters),
        ("held", "What the fit held", content.held),
        ("individuals", "Individual patients", parts["predictive"]),
        ("observations", "Observations within patients", content.observations),
        ("drivers", "What drives the outcomes", parts["drivers"]),
        ("made", "How this was made", content.made),
    ]
    return [(anchor, title) for anchor, title, shown in entries if shown]


def _figure_row(one: Row) -> dict[str, Any]:
    ratio = one.get("width_ratio")
    return comparison_row(one, ()) | {
        "use": _USES.get(one.get("use"), ""),
        "scatter": scatter_words(one),
        "width": DASH if ratio is None else "open" if ratio == float("inf") else f"{ratio:.1f}",
    }


def _observation_row(row: Row) -> dict[str, Any]:
    unit = "" if row["unit"] == "1" else f" {unit_words(str(row['unit']).replace('1/', 'per '))}"
    return {
        "id": row["id"],
        "use": "fitted" if row["use"] == "fit" else "predicted",
        "quantity": unit_words(_READINGS.sub(lambda found: _NAMES[found[0]], str(row["quantity"]))),
        "observed": quantity(row["observed"]) + unit,
        "simulated": quantity(row["simulated"]) + unit,
        "range": f"{quantity(row['low'])} to {quantity(row['high'])}",
        "inside": row["inside"],
    }
