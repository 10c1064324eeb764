"""Studies predicted by a fit that did not see them, as docs/studies-left-out.md tells it: their one home.

To fit anew takes minutes, so `engager validate --leave-out` writes the document, and pages read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from engager.core import DASH
from engager.study.trust.document import document_text

_NAME = "studies-left-out.md"
_COMMAND = re.compile(r"^Made by `(.+)`\.$", re.MULTILINE)
_YES = "yes"


@dataclass(frozen=True)
class LeftOutFigure:
    """A figure of a study that was left out, in the words of the document.

    Attributes
    ----------
    use : fitted, checked or compared: in the whole fit. published, predicted : with their units. is_inside : None where
        too few trials tell the figure.
    """

    use: str
    name: str
    published: str
    predicted: str
    is_inside: bool | None


@dataclass(frozen=True)
class LeftOutStudy:
    """A study predicted without itself.

    Attributes
    ----------
    fitted, checked : figures inside, e.g. ``6 of 7``. score, center_score : log density of its fitted figures under
        the prediction, and under the center of the whole fit.
    """

    study: str
    year: str
    fitted: str
    checked: str
    score: str
    center_score: str
    figures: tuple[LeftOutFigure, ...]

    @property
    def misses(self) -> tuple[str, ...]:
        """Names of the figures outside."""
        return tuple(one.name for one in self.figures if one.is_inside is False)


@dataclass(frozen=True)
class LeftOutDocument:
    """The document.

    Attributes
    ----------
    command : the line that made it.
    """

    command: str
    studies: tuple[LeftOutStudy, ...]

    @property
    def counts(self) -> tuple[int, int]:
        """Figures inside, and all that are predicted."""
        judged = [figure.is_inside for one in self.studies for figure in one.figures]
        inside = [one for one in judged if one is not None]
        return sum(inside), len(inside)


@cache
def studies_left_out() -> LeftOutDocument:
    """What the document of this version tells."""
    return read_left_out(document_text(_NAME))


def read_left_out(text: str) -> LeftOutDocument:
    """What a document tells that ``engager validate --leave-out STUDY --markdown PATH`` wrote.

    Raises
    ------
    ValueError
        When it is no such document.
    """
    command = _COMMAND.search(text)
    if command is None:
        raise ValueError("no line tells the command that made it")
    figures = _rows(text, "| study | use |")
    studies = tuple(_study(cells, figures) for cells in _rows(text, "| study | year |"))
    return LeftOutDocument(command[1], studies)


def _study(cells: list[str], figures: list[list[str]]) -> LeftOutStudy:
    study, year, fitted, checked, score, center_score = cells
    own = tuple(_figure(row[1:]) for row in figures if row[0] == study)
    return LeftOutStudy(study, year, fitted, checked, score, center_score, own)


def _figure(cells: list[str]) -> LeftOutFigure:
    use, name, published, predicted, inside = cells
    return LeftOutFigure(use, name, published, predicted, None if inside == DASH else inside == _YES)


def _rows(text: str, head: str) -> list[list[str]]:
    """Rows of the table that begins so."""
    _, begun, below = text.partition(f"\n{head}")
    if not begun:
        raise ValueError(f"no table begins with {head}")
    lines = below.split("\n\n")[0].splitlines()[2:]  # after the rest of the head, and its rule
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if line.startswith("|")]
