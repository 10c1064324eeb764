"""One self-contained page with runs beside each other: what differs, curves, every figure with its difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from engager.report.plots.run_curves import figure_run_curves
from engager.report.template import both_widths, render
from engager.report.words import endpoint_words

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class CompareContent:
    """Everything the page shows.

    Attributes
    ----------
    title : of the page. runs : ``name, title, facts`` of each run, the first being the one others are set against.
    told : how intervals and differences are to be read. outside : a sentence for each run that extrapolates.
    groups : by arm: ``arm`` and ``rows``; a row has ``title`` and ``cells``, one a run: ``value``, ``difference``
        (empty for the first run) and ``told_apart``.
    changes : heading and rows (``key``, ``values``) of what differs in the studies and in the inputs.
    curves : frame as `figure_run_curves` takes it.
    """

    title: str
    runs: Sequence[Mapping[str, str]]
    told: str
    outside: Sequence[str]
    groups: Sequence[Mapping[str, Any]]
    changes: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]
    curves: pl.DataFrame


def render_comparison(content: CompareContent) -> str:
    """The page as text; the same content gives the same text."""
    names = [run["name"] for run in content.runs]
    endpoints = content.curves["endpoint"].unique(maintain_order=True).to_list() if content.curves.height else []
    figures = [
        (
            endpoint_words(endpoint),
            both_widths(
                f"curves-{endpoint}",
                f"Simulated {endpoint_words(endpoint)} of each run over months",
                partial(figure_run_curves, content.curves, endpoint, names),
            ),
        )
        for endpoint in endpoints
    ]
    return render("compare.html.j2", {"content": content, "figures": figures})
