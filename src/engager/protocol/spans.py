"""Days and cycles as people write them: ``1-7``, ``2+``, ``1,8,15``, ``1``, ``[1, 8]``."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from engager.protocol.parts import refuse

_PIECE = re.compile(r"^(\d{1,5})(?:\s*-\s*(\d{1,5})|\s*(\+))?$")
_EXAMPLES = "Write 1-7, 2+, 1,8,15 or a single number."


@dataclass(frozen=True)
class Spans:
    """Whole numbers from 1, as ordered pieces that do not overlap.

    Attributes
    ----------
    pieces : tuple of (first, last), both included; last is None when there is no end.
    """

    pieces: tuple[tuple[int, int | None], ...]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and any(
            first <= number and (last is None or number <= last) for first, last in self.pieces
        )

    def __str__(self) -> str:
        return ",".join(_written(first, last) for first, last in self.pieces)

    def closed(self, end: int) -> tuple[tuple[int, int], ...]:
        """The pieces, those without an end running to `end`."""
        return tuple((first, end if last is None else last) for first, last in self.pieces)

    @property
    def last(self) -> int | None:
        """The largest number meant, or None when there is no end."""
        return self.pieces[-1][1]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            read_spans, serialization=core_schema.to_string_ser_schema()
        )


def read_spans(value: Any) -> Spans:
    """Read text, a number or a list of numbers; overlapping or falling pieces are refused."""
    if isinstance(value, Spans):
        return value
    if isinstance(value, list | tuple):
        value = ",".join(str(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        refuse("must name days or cycles", _EXAMPLES)
    pieces = [_read_piece(text.strip()) for text in str(value).split(",")]
    pieces.sort(key=lambda piece: piece[0])
    for (_, last), (first, _) in itertools.pairwise(pieces):
        if last is None or first <= last:
            refuse("must not name a day or cycle twice", _EXAMPLES)
    return Spans(tuple(pieces))


def _read_piece(text: str) -> tuple[int, int | None]:
    match = _PIECE.match(text)
    if match is None:
        refuse("must be numbers from 1, as ranges or a list", _EXAMPLES)
    first = int(match[1])
    last = None if match[3] else int(match[2] or first)
    if first < 1 or (last is not None and last < first):
        refuse("must be numbers from 1, each range rising", _EXAMPLES)
    return first, last


def _written(first: int, last: int | None) -> str:
    if last is None:
        return f"{first}+"
    return str(first) if first == last else f"{first}-{last}"


_SCHEMA = WithJsonSchema(
    {
        "description": "Whole numbers from 1: 1-7, 2+, 1,8,15, a single number or a list.",
        "anyOf": [
            {"type": "string", "pattern": r"^\s*\d+(\s*-\s*\d+|\s*\+)?(\s*,\s*\d+(\s*-\s*\d+|\s*\+)?)*\s*$"},
            {"type": "integer", "minimum": 1},
            {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
        ],
    }
)
Days = Annotated[Spans, _SCHEMA]
Cycles = Annotated[Spans, _SCHEMA]
