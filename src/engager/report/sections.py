"""Sections of pages: sampled courses, individual patients, the three uncertainties, what drives the outcomes.

In: plain data and checks of the calibration layer. Out: what the macros of ``sections.html.j2`` print, with figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any

from engager.report.pages.sensitivity import SensitivityLevel
from engager.report.plots.courses import DoseSegment, Panel, figure_courses
from engager.report.plots.predictive import check_words, figure_predictive_check
from engager.report.plots.sensitivity import figure_sobol, figure_tornado
from engager.report.plots.uncertainty import (
    figure_parameter_shares,
    figure_uncertainty,
    monte_carlo_words,
    spread_words,
)
from engager.report.template import Drawing, both_widths, side_by_side
from engager.report.words import unit_words

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

    from engager.calibration import LevelCheck, PredictiveCheck

Row = Mapping[str, Any]


@dataclass(frozen=True)
class CoursesSection:
    """Drug and cells of the sampled patients of a run.

    Attributes
    ----------
    trajectories : frame ``arm, patient, day`` and one column per observable.
    panels : what to draw of them; a column that is not there is left out.
    arms : in the order that fixes colors.
    doses : planned doses by arm, drawn above the first panel.
    last_day : where the axis ends; None: the last day of the table.
    """

    trajectories: pl.DataFrame
    panels: Sequence[Panel]
    arms: Sequence[str]
    doses: Mapping[str, Sequence[DoseSegment]] = field(default_factory=dict)
    last_day: float | None = None


@dataclass(frozen=True)
class PredictiveSection:
    """Individual patients beside virtual ones.

    Attributes
    ----------
    checks : of `calibration.predictive_check`. levels : of `calibration.level_check`.
    sources : where each source named by a check was read, by its name.
    sentences : above the figure.
    """

    checks: Sequence[PredictiveCheck]
    levels: Sequence[LevelCheck] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    sentences: Sequence[str] = ()


@dataclass(frozen=True)
class DriversSection:
    """What drives the outcomes, from a sensitivity analysis made earlier.

    Attributes
    ----------
    sentences : which study, fit and sizes. warning : when it was made for another model or fit; may be empty.
    patient, trial : the two levels.
    """

    sentences: Sequence[str]
    warning: str = ""
    patient: SensitivityLevel | None = None
    trial: SensitivityLevel | None = None


def courses_figures(section: CoursesSection) -> dict[str, list[Drawing]]:
    """A figure for each panel."""
    parts: dict[str, tuple[str, Callable[[float], Figure]]] = {}
    for place, panel in enumerate(section.panels):
        read = [name for name in panel.columns if name in section.trajectories.columns]
        table = section.trajectories.select("arm", "patient", "day", *read)
        doses = section.doses if place == 0 else {}
        draw = partial(figure_courses, table, [panel], doses, section.arms, last_day=section.last_day)
        parts[f"courses-{place}"] = (f"{panel.title}: courses of the sampled patients", draw)
    return side_by_side(parts)


def predictive_context(section: PredictiveSection) -> dict[str, Any]:
    """Figure and table of a predictive check."""
    rows = []
    for one in section.checks:
        sizes = sorted({int(size) for size in one.n})
        readings = f"; {sizes[0]} to {sizes[-1]} readings a time" if len(sizes) > 1 else ""
        rows.append(
            {
                "id": one.id,
                "what": check_words(one),
                "use": _use(one.use),
                "n": f"{one.n_patients}{readings}",
                "inside": f"{int(one.inside.sum())} of {one.inside.size} percentiles",
                "is_bad": bool(one.inside.mean() < 0.9),
                "source": one.source,
            }
        )
    for level in section.levels:
        rows.append(
            {
                "id": level.id,
                "what": f"{unit_words(level.quantity)}: {level.observed:g} (SD {level.observed_sd:g}) {level.unit}",
                "use": _use(level.use),
                "n": "not printed",
                "inside": f"simulated {level.mean:.0f} (SD {level.sd:.0f})",
                "is_bad": False,
                "source": level.source,
            }
        )
    parts: dict[str, tuple[str, Callable[[float], Figure]]] = {}
    for one in section.checks:
        words = f"Observed percentiles of {check_words(one)} over bands of simulated cohorts"
        parts[f"vpc-{one.id}"] = (words, partial(figure_predictive_check, [one], (), has_legend=False))
    if section.levels:
        draw = partial(figure_predictive_check, [], section.levels, has_legend=False)
        parts["vpc-levels"] = ("Published and simulated steady levels of the drug by dose", draw)
    named = dict.fromkeys(str(row["source"]) for row in rows)
    return {
        "sentences": section.sentences,
        "rows": rows,
        "sources": {name: section.sources.get(name, name) for name in named},
        "figure": side_by_side(parts, is_kept=True),
    }


def uncertainty_context(groups: Mapping[str, Sequence[Row]]) -> dict[str, Any] | None:
    """Figure of the three uncertainties; None when no comparison tells them.

    Parameters
    ----------
    groups : comparison dicts with an ``uncertainty`` by study; an empty title for a single study.

    Notes
    -----
    The share of the parameters is 1 - within / total. Over R trials the total is known to a relative standard error of
    sqrt(2 / (R - 1)), which is that of the share where patients account for all.
    """
    told = [one for rows in groups.values() for one in rows if one.get("uncertainty")]
    if not told:
        return None
    is_single = len(groups) == 1
    draw = partial(figure_uncertainty if is_single else figure_parameter_shares, groups)
    description = "Share of the variance between virtual trials from patients and from parameters, by published figure"
    n = max(one["uncertainty"]["n_replicates"] for one in told)
    unsure = f"{100 * sqrt(2 / (n - 1)):.0f}" if n > 1 else ""
    pictures = (
        both_widths("uncertainty", description, draw)
        if is_single
        else side_by_side({"uncertainty": (description, draw)})
    )
    return {"figure": pictures, "is_single": is_single, "n": n, "unsure": unsure}


def scatter_words(row: Row) -> list[str]:
    """The three uncertainties of one comparison, a line each; empty without them."""
    told = row.get("uncertainty")
    if not told:
        return []
    patients, parameters = (spread_words(told[key], told["scale"]) for key in ("between_patients", "parameters"))
    return [f"patients {patients}", f"parameters {parameters}", f"Monte Carlo {monte_carlo_words(row)}"]


def drivers_context(section: DriversSection) -> dict[str, Any]:
    """Sobol bars and tornadoes of both levels."""
    found: dict[str, Any] = {"sentences": section.sentences, "warning": section.warning, "levels": []}
    for name, level in (("patient", section.patient), ("trial", section.trial)):
        if level is None:
            continue
        parts: dict[str, tuple[str, Callable[[float], Figure]]] = {}
        if level.indices:
            draw = partial(figure_sobol, level.indices, level.outputs, level.labels)
            parts[f"drivers-sobol-{name}"] = (f"Sobol indices of one {name}", draw)
        if level.swings:
            shown = level.swing_outputs or level.outputs
            draw = partial(figure_tornado, level.swings, shown, level.labels)
            parts[f"drivers-tornado-{name}"] = (f"Tornado of one {name}", draw)
        figures = side_by_side(parts, is_kept=True) if parts else {}
        found["levels"].append({"name": name, "sentences": level.sentences, "figures": figures})
    return found


def _use(use: str) -> str:
    return "fitted" if use == "fit" else "predicted"
