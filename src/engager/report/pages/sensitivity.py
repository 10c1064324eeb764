"""One self-contained page on sensitivity and identifiability: no script, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from engager.report.plots.sensitivity import figure_contraction, figure_correlations, figure_sobol, figure_tornado
from engager.report.template import both_widths, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
_TEMPLATE = "sensitivity.html.j2"


@dataclass(frozen=True)
class SensitivityLevel:
    """One patient, or a whole trial.

    Attributes
    ----------
    outputs : title by output. labels : words by factor.
    indices, swings : dicts as `figure_sobol` and `figure_tornado` take them.
    swing_outputs : outputs that have a tornado; empty: all.
    precision : a dict per output with ``title`` and the columns named in `precision_columns`.
    sentences : above the figures.
    """

    outputs: Mapping[str, str]
    labels: Mapping[str, str]
    indices: Sequence[Row] = ()
    swings: Sequence[Row] = ()
    swing_outputs: Mapping[str, str] = field(default_factory=dict)
    precision_columns: Sequence[str] = ()
    precision: Sequence[Row] = ()
    sentences: Sequence[str] = ()


@dataclass(frozen=True)
class SensitivityContent:
    """Everything the page shows; a part that is None or empty is left out.

    Attributes
    ----------
    title, facts : facts are (value, what it is) pairs.
    patient, trial : the two levels.
    unknowns : ``name, meaning, contraction, low, high, shift, verdict``, the least informed first.
    pairs : ``a, b, correlation, low, high``.
    names, correlations : the whole matrix.
    held : ``name, meaning, by, reason``.
    identifiability : sentences. limits : sentences. versions : by package.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    patient: SensitivityLevel | None = None
    trial: SensitivityLevel | None = None
    unknowns: Sequence[Row] = ()
    pairs: Sequence[Row] = ()
    names: Sequence[str] = ()
    correlations: Sequence[Sequence[float]] = ()
    held: Sequence[Row] = ()
    identifiability: Sequence[str] = ()
    limits: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def sensitivity_figures(content: SensitivityContent) -> dict[str, Callable[[float], Figure]]:
    """The figures of the page by name, each drawn for a width in inches."""
    found: dict[str, Callable[[float], Figure]] = {}
    for name, level in (("patient", content.patient), ("trial", content.trial)):
        if level is None:
            continue
        if level.indices:
            found[f"sobol-{name}"] = partial(figure_sobol, level.indices, level.outputs, level.labels)
        if level.swings:
            shown = level.swing_outputs or level.outputs
            found[f"tornado-{name}"] = partial(figure_tornado, level.swings, shown, level.labels)
    if content.unknowns:
        found["contraction"] = partial(figure_contraction, content.unknowns)
        found["correlations"] = partial(figure_correlations, content.names, content.correlations)
    return found


def render_sensitivity(content: SensitivityContent) -> str:
    """The page as text; the same content gives the same text."""
    figures = {
        name.replace("-", "_"): both_widths(name, name.replace("-", " "), draw)
        for name, draw in sensitivity_figures(content).items()
    }
    return render(_TEMPLATE, {"content": content, "figures": figures, "contents": _contents(content)})


def _contents(content: SensitivityContent) -> list[tuple[str, str]]:
    entries = [
        ("patient", "Between patients", content.patient),
        ("trial", "Results of a trial", content.trial),
        ("identifiability", "What the data can tell", content.unknowns),
        ("held", "What is fixed", content.held),
        ("limits", "How, and how far", True),
    ]
    return [(anchor, title) for anchor, title, shown in entries if shown]
