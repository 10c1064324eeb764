"""The review as a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engager.core import InputError, Problem, write_whole, writing_to
from engager.report import ReviewContent, render_review
from engager.study.review.result import Review
from engager.study.review.words import figure_cells, headline, made_words


def write_review(found: Review, path: Path) -> Path:
    """Write the page.

    Raises
    ------
    InputError
        When the file exists or cannot be written.
    """
    if path.exists():
        raise InputError(Problem("--report", path, "must not exist yet", "Name a new file."))
    text = review_html(found)
    with writing_to("--report", path):
        write_whole(path, text)
    return path


def review_html(found: Review, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """The review as the text of its page.

    Parameters
    ----------
    links : addresses of a ``record`` and of a ``study``, ``{}`` for the id; without them neither is a link.
    """
    return render_review(review_content(found), links)


def review_content(found: Review) -> ReviewContent:
    """The review in the form of its page."""
    rows = [
        {
            "reference": row.reference,
            "record": row.record,
            "citation": row.citation,
            "kind": row.kind,
            "studies": row.studies,
            "links": row.links,
            "figures": [figure_cells(one) for one in row.figures],
            "checks": [
                {
                    "what": one.what,
                    "published": one.published,
                    "simulated": one.simulated,
                    "verdict": {True: "inside", False: "outside", None: "not judged"}[one.inside],
                    "rule": one.rule,
                }
                for one in row.checks
            ],
            "inside": row.judged[0],
            "judged": row.judged[1],
            "not_compared": row.not_compared,
            "unseen": row.unseen,
            "notes": row.notes,
        }
        for row in found.rows
    ]
    return ReviewContent(headline(found), made_words(found), found.warnings, rows)
