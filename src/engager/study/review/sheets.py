"""The review as tables for other programs, every header explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engager.core import COMPARISONS, meanings, write_tables
from engager.study.figure_row import figure_row
from engager.study.review.result import Review
from engager.study.review.words import headline, made_words

if TYPE_CHECKING:
    import polars as pl

_KEY = {"reference": "number in the review", "record": "evidence record"}
MEANINGS = {
    "references": {
        **_KEY,
        "citation": "the publication",
        "kind": "trial, cohort, transplant series, laboratory, pharmacokinetics, label, review or history",
        "studies": "shipped studies that run it",
        "links": "of a reference without data of its own: studies that run what it reviews",
        "inside": "figures and statements that are met",
        "judged": "figures and statements that could be judged",
        "notes": "what a reader should know of it",
    },
    "figures": _KEY | meanings(COMPARISONS),
    "checks": {
        **_KEY,
        "what": "statement that is carried out without a trial",
        "published": "as printed, with its unit",
        "simulated": "as carried out",
        "inside": "whether the two agree; empty: not judged",
        "source": "record#source it was read from",
        "rule": "what counts as agreement",
    },
    "not_compared": {
        **_KEY,
        "why": "seen: in the source, and no study compares it; unseen: believed to exist, never read in a source",
        "figure": "in words",
    },
}


def review_tables(found: Review) -> dict[str, pl.DataFrame]:
    """References, figures, checks, and what is not compared; an empty table is left out."""
    import polars as pl

    keyed = [(row, {"reference": row.reference, "record": row.record}) for row in found.rows]
    rows = {
        "references": [
            key
            | {
                "citation": row.citation,
                "kind": row.kind,
                "studies": "; ".join(row.studies),
                "links": "; ".join(row.links),
                "inside": row.judged[0],
                "judged": row.judged[1],
                "notes": " ".join(row.notes),
            }
            for row, key in keyed
        ],
        "figures": [key | figure_row(one) for row, key in keyed for one in row.figures],
        "checks": [
            key | {name: getattr(one, name) for name in MEANINGS["checks"] if name not in _KEY}
            for row, key in keyed
            for one in row.checks
        ],
        "not_compared": [
            key | {"why": why, "figure": one}
            for row, key in keyed
            for why, words in (("seen", row.not_compared), ("unseen", row.unseen))
            for one in words
        ],
    }
    return {name: pl.DataFrame(listed, infer_schema_length=None) for name, listed in rows.items() if listed}


def write_review_tables(found: Review, path: Path) -> Path:
    """The tables as a spreadsheet or as a folder of CSV files, by the ending of the path.

    Raises
    ------
    InputError
        When the path cannot be written, or XlsxWriter is not installed.
    """
    about = [headline(found), made_words(found), *(f"Note: {one}." for one in found.warnings)]
    return write_tables(path, review_tables(found), MEANINGS, about)
