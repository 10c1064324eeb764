"""Evidence map: for each regimen and endpoint, how many patients the published figures rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engager.evidence.figures.file import INK, PUBLISHED, QUIET, SMALL, TEXT, new_figure, quiet_style
from engager.evidence.records.library import load_records
from engager.evidence.records.overlaps import without_overlap
from engager.evidence.records.vocabulary import endpoint, family_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from engager.evidence.records.record import Record

MAPPED = ("CR", "CR/CRh/CRi", "MRD_response", "OS", "EFS", "RFS", "HSCT_after_response", "CRS_grade3plus")
# Beside the family of an endpoint, what shares its column of the map.
_AND_ALSO = {"RFS": ("DoR",), "CRS_grade3plus": ("CRS_grade3",)}
_SHORT = {
    "HSCT_after_response": "HSCT",
    "CRS_grade3plus": "CRS 3+",
    "MRD_response": "MRD",
    "CR/CRh/CRi": "CR/h/i",
}


@dataclass(frozen=True)
class EvidenceMap:
    """Counts behind the map.

    Attributes
    ----------
    regimens, endpoints : rows and columns.
    n_patients, n_trials : array (regimen, endpoint); nobody counted twice.
    """

    regimens: tuple[str, ...]
    endpoints: tuple[str, ...]
    n_patients: NDArray[np.int64]
    n_trials: NDArray[np.int64]


def make_map(records: Sequence[Record] | None = None) -> EvidenceMap:
    """What was published on which regimen, patients counted once; regimens without a figure are left out."""
    chosen = list(load_records().values()) if records is None else list(records)
    slugs = sorted({arm.regimen for record in chosen for arm in record.arms})
    n_patients = np.zeros((len(slugs), len(MAPPED)), dtype=np.int64)
    n_trials = np.zeros_like(n_patients)
    for column, name in enumerate(MAPPED):
        shown = _shown_in(name)
        for row, slug in enumerate(slugs):
            arms = [
                (
                    f"{record.id}/{arm.id}",
                    arm.n or arm.n_evaluable or 0,
                    (record.id, arm.n or arm.n_evaluable or 0),
                )
                for record in chosen
                for arm in record.arms
                if arm.regimen == slug and _has_figure(record, arm.id, shown)
            ]
            kept, _ = without_overlap(arms, load_records())
            n_patients[row, column] = sum(n for _, n in kept)
            n_trials[row, column] = len({record_id for record_id, _ in kept})
    some = n_trials.sum(axis=1) > 0
    order = np.argsort(-n_patients[some].max(axis=1), kind="stable")
    names = np.array(slugs)[some][order]
    return EvidenceMap(tuple(str(name) for name in names), MAPPED, n_patients[some][order], n_trials[some][order])


def draw_map(found: EvidenceMap) -> Figure:
    """Circles whose area is the number of patients, which stands beside them."""
    rows = len(found.regimens)
    with quiet_style():
        height = 1.5 + 0.40 * rows
        figure = new_figure(height)
        figure.text(
            0.04,
            1 - 0.2 / height,
            "Published evidence, patients",
            fontsize=TEXT + 1,
            fontweight="bold",
            va="center",
        )
        axes = figure.add_axes((0.04, 0.50 / height, 0.92, 1 - 1.30 / height))
        axes.set_xlim(-0.5, len(found.endpoints) - 0.5)
        axes.set_ylim(rows - 0.35, -0.75)
        most = max(int(found.n_patients.max()), 1)
        for row, slug in enumerate(found.regimens):
            axes.text(-0.5, row - 0.42, slug, fontsize=SMALL, va="center", ha="left")
            axes.axhline(row + 0.36, color="#e5e7eb", linewidth=0.6, zorder=0)
            for column in range(len(found.endpoints)):
                n, trials = int(found.n_patients[row, column]), int(found.n_trials[row, column])
                if trials:
                    _draw_cell(axes, column, row, n, trials, most)
        axes.set_xticks(range(len(found.endpoints)), [_SHORT.get(name, name) for name in found.endpoints])
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", labelsize=SMALL - 0.5, length=0, pad=2)
        axes.set_yticks([])
        for side in ("left", "right", "top", "bottom"):
            axes.spines[side].set_visible(False)
        words = "Circle area: patients (number beside it). Endpoints of one family share a column."
        figure.text(0.04, 0.28 / height, words, fontsize=SMALL - 0.5, color=QUIET, va="center", wrap=True)
    return figure


def map_table(found: EvidenceMap) -> list[list[str]]:
    """The map's numbers: patients (trials) per regimen and endpoint; the header first."""
    table = [["regimen", *(_SHORT.get(name, name) for name in found.endpoints)]]
    for row, slug in enumerate(found.regimens):
        cells = [
            f"{n} ({trials})" if trials else ""
            for n, trials in zip(found.n_patients[row], found.n_trials[row], strict=True)
        ]
        table.append([slug, *cells])
    return table


def _draw_cell(axes: object, column: int, row: int, n: int, trials: int, most: int) -> None:
    size = 3.0 + 11.0 * (n / most) ** 0.5
    axes.plot([column - 0.14], [row + 0.02], "o", color=PUBLISHED, markersize=size, alpha=0.85)  # type: ignore[attr-defined]
    shown = str(n) if n else "?"
    axes.text(column + 0.10, row + 0.02, shown, fontsize=SMALL - 0.5, va="center", color=INK)  # type: ignore[attr-defined]


def _shown_in(name: str) -> tuple[str, ...]:
    """Endpoints that share a column: a family, but of an adverse event only its grade."""
    own = family_of(name) if endpoint(name).better == "higher" else (name,)
    return (*own, *_AND_ALSO.get(name, ()))


def _has_figure(record: Record, arm: str, endpoints: Sequence[str]) -> bool:
    return any(
        outcome.arm == arm and outcome.endpoint in endpoints and outcome.statistic != "text"
        for outcome in record.outcomes
    )
