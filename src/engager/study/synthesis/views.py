"""Forest plot, network and map as pictures with their numbers, remarks and citations, for whoever shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from engager.evidence import (
    cite,
    draw_forest,
    draw_map,
    draw_network,
    endpoint as endpoint_of,
    fit_network,
    forest_table,
    load_records,
    make_map,
    map_table,
    network_remarks,
    network_table,
    published_network,
    record,
)
from engager.report import to_svg
from engager.study.html_table import html_table
from engager.study.synthesis.pooled import pooled_endpoint

_FEWEST = 3  # records of an endpoint that is worth a forest


@dataclass(frozen=True)
class EvidenceView:
    """One picture of the evidence.

    Attributes
    ----------
    title, words : above the picture. svg : text. table : rows, the header first.
    notes, references : remarks with what was left out, and citations of the records.
    command, python : that make the same.
    """

    title: str
    words: str
    svg: str
    table: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    references: tuple[str, ...]
    command: str
    python: str

    def _repr_html_(self) -> str:
        """The picture with its numbers and remarks, for a notebook."""
        table = html_table(self.table[0], self.table[1:])
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<p><b>{escape(self.title)}</b></p>{self.svg}<p>{escape(self.words)}</p>{table}<ul>{notes}</ul>"


@cache
def poolable_endpoints() -> tuple[str, ...]:
    """Endpoints that several records print, the most frequent first."""
    seen: Counter[str] = Counter()
    for one in load_records().values():
        seen.update({figure.endpoint for figure in one.outcomes if figure.statistic != "text"})
    return tuple(name for name, n in seen.most_common() if n >= _FEWEST)


def forest_view(
    endpoint: str, *, drug_class: str | None = None, setting: str | None = None, statistic: str | None = None
) -> EvidenceView:
    """The forest plot of an endpoint with its pooled estimate.

    Parameters
    ----------
    drug_class, setting : e.g. ``t_cell_engager``, ``mrd_positive``; ``any``: all; None: the usual choice, told.
    statistic : proportion, median or hazard_ratio; None: what fits the endpoint.

    Raises
    ------
    InputError
        When nothing was published that can be pooled.
    """
    filters: dict[str, Any] = {
        "regimens": (), "drug_class": drug_class, "setting": setting, "design": None, "year": None, "family": False,
        "allow_overlap": False, "lineage": None, "age_group": None,
    }  # fmt: skip
    pooled = pooled_endpoint(endpoint, filters, statistic)
    records = dict.fromkeys(str(row["record"]) for row in pooled.rows)
    options = [("--class", drug_class), ("--setting", setting), ("--statistic", statistic)]
    return EvidenceView(
        f"{pooled.endpoint}, {pooled.statistic.replace('_', ' ')}: published studies",
        "Squares are published figures (open: the interval is computed here), their area the weight; the diamond is "
        "the pooled mean, the thin line below it where a new study would lie.",
        to_svg(draw_forest(pooled), "forest", f"Forest plot of {endpoint}", is_themed=True),
        _rows(forest_table(pooled)),
        (*pooled.remarks, *pooled.left_out),
        tuple(cite(record(name)) for name in records),
        " ".join(
            [f"engager evidence forest --endpoint {endpoint}", *(f"{key} {given}" for key, given in options if given)]
        ),
        _python("forest_view", endpoint, drug_class=drug_class, setting=setting, statistic=statistic),
    )


def network_view(endpoint: str = "OS") -> EvidenceView:
    """The randomized comparisons of an endpoint, and how the treatments rank.

    Raises
    ------
    InputError
        When no randomized comparison was published.
    """
    studies, scale, left_out = published_network(endpoint)
    fit = fit_network(studies)
    small_is_good = scale == "hazard_ratio" or endpoint_of(endpoint).better == "lower"
    figure = draw_network(fit, endpoint_of(endpoint).name, scale, small_is_good)
    return EvidenceView(
        f"Randomized comparisons: {endpoint}",
        "Each line is a randomized comparison with its number of trials; the P-score ranks the treatments (1: best).",
        to_svg(figure, "network", f"Network of randomized comparisons of {endpoint}", is_themed=True),
        _rows(network_table(fit, scale, small_is_good)),
        (*network_remarks(fit, studies), *left_out),
        tuple(study.label for study in studies),
        f"engager evidence network --endpoint {endpoint}",
        _python("network_view", endpoint),
    )


@cache
def map_view() -> EvidenceView:
    """How many patients the published figures of each regimen and endpoint rest on."""
    found = make_map()
    return EvidenceView(
        "Map of the evidence",
        "Patients with a published figure, each counted once (trials in brackets in the table).",
        to_svg(draw_map(found), "map", "Patients by regimen and endpoint", is_themed=True),
        _rows(map_table(found)),
        (),
        (),
        "engager evidence map",
        _python("map_view"),
    )


def _rows(table: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in table)


def _python(name: str, *arguments: str, **options: str | None) -> str:
    given = [*map(repr, arguments), *(f"{key}={value!r}" for key, value in options.items() if value)]
    return f"from engager.study import {name}\n{name}({', '.join(given)})"
