"""What docs/credibility.md says the model is for and where it ends, read from that document: its one home."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from engager.study.trust.document import document_text

_NAME = "credibility.md"
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class CredibilityStatement:
    """Parts of the document, in its words; ``**`` and backquotes stand as they do there, links are their words.

    Attributes
    ----------
    question : of interest. context : of use, by name. outcome : what the evaluation came to. limits : one each.
    """

    question: str
    context: tuple[tuple[str, str], ...]
    outcome: str
    limits: tuple[str, ...]


@cache
def credibility_statement() -> CredibilityStatement:
    """The statement of the document that belongs to this version."""
    return read_statement(document_text(_NAME))


def read_statement(text: str) -> CredibilityStatement:
    """The statement in the text of a document with its headings.

    Raises
    ------
    KeyError
        When a heading is not there.
    """
    parts = re.split(r"^## (.+)\n", _LINK.sub(r"\1", text), flags=re.MULTILINE)
    below = dict(zip(parts[1::2], parts[2::2], strict=True))
    rows = [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in _rows(below["Context of use"])]
    limits = re.split(r"^- ", below["Limits"].strip(), flags=re.MULTILINE)[1:]
    return CredibilityStatement(
        question=_joined(below["Question of interest"]),
        context=tuple((name, words) for name, words in rows),
        outcome=_joined(below["Outcome"]),
        limits=tuple(map(_joined, limits)),
    )


def _rows(text: str) -> list[str]:
    """Rows of a table, without its head."""
    return [line for line in text.splitlines() if line.startswith("|") and line.strip("|- ")]


def _joined(text: str) -> str:
    return " ".join(text.split())
