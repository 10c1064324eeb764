"""The review as one page: a tile for each reference, then a card with every figure; made to be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engager.report.template import render


@dataclass(frozen=True)
class ReviewContent:
    """Everything the page shows.

    Attributes
    ----------
    headline : the count it begins with. made : how the simulated figures were made. warnings : sentences.
    rows : one a reference, with ``reference``, ``record``, ``citation``, ``kind``, ``studies``, ``links``, ``figures``,
        ``checks``, ``inside``, ``judged``, ``not_compared``, ``unseen`` and ``notes``; figures and checks hold cells of
        text and a ``verdict``.
    """

    headline: str
    made: str
    warnings: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def render_review(content: ReviewContent, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """The page as text; the same content gives the same text.

    Parameters
    ----------
    links : addresses of a ``record`` and of a ``study``, ``{}`` for the id; without them neither is a link.
    """
    return render("review.html.j2", {"content": content, "addresses": dict(links)})
