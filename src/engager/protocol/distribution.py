"""How a covariate is spread over the patients, as a study file writes it.

    37                                          everyone has this value (for yes/no: the share of yes)
    {median: 37, range: [18, 80]}               as most papers print it
    {mean: 75, sd: 16}   with range if cut      normal
    {bins: {"5-49": 0.3, "50-100": 0.7}}        shares of classes, even within a class
    {1: 0.42, 2: 0.33, "3+": 0.25}              a category table

Turning these into draws is the population layer's work.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_serializer, model_validator

from engager.protocol.parts import Fraction, Number, Part, Positive, read_number, refuse

# Papers print rounded percentages, so a table of shares may miss 1 by rounding, not by more.
SHARE_TOLERANCE = 0.011
_BIN = re.compile(r"^(-?\d+(?:\.\d+)?)\s*(?:-|to|\.\.)\s*(-?\d+(?:\.\d+)?)$")
_BIN_OPEN = re.compile(r"^(>=|>|<=|<)?\s*(-?\d+(?:\.\d+)?)\s*(\+)?$")
_FORMS = "must be a number, {median, range}, {mean, sd} or {bins}"
_CATEGORY = re.compile(r"^\d{1,2}\+?$")


class Constant(Part):
    """Everyone has this value."""

    value: Number

    @model_serializer
    def _as_written(self) -> float:
        return self.value


class Share(Part):
    """A yes/no covariate: the share of patients who have it."""

    share: Fraction

    @model_serializer
    def _as_written(self) -> float:
        return self.share


class MedianRange(Part):
    """A median and the smallest and largest value seen."""

    median: Number
    range: tuple[Number, Number]

    @model_validator(mode="after")
    def _median_lies_within(self) -> MedianRange:
        low, high = self.range
        if low > high:
            refuse("range must rise from its first to its second number")
        if not low <= self.median <= high:
            refuse(f"median {self.median:g} must lie in the range [{low:g}, {high:g}]")
        return self


class MeanSpread(Part):
    """A mean and a standard deviation; draws outside `range` are not taken."""

    mean: Number
    sd: Positive
    range: tuple[Number, Number] | None = None

    @model_validator(mode="after")
    def _range_is_reachable(self) -> MeanSpread:
        if self.range is not None:
            low, high = self.range
            if low >= high:
                refuse("range must rise from its first to its second number")
            if high < self.mean - 4 * self.sd or low > self.mean + 4 * self.sd:
                refuse("range must be within reach of the mean (4 standard deviations)")
        return self


class Bins(Part):
    """Shares of classes such as ``5-49``; within a class every value is as likely."""

    bins: dict[str, Fraction]
    edges: tuple[tuple[float, float], ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of the classes in the order of `edges`, summing to 1 exactly."""
        return _scaled(tuple(self.bins.values()))

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {"bins": dict(self.bins)}


class Table(Part):
    """Shares of categories; a key such as ``3+`` means 3 or more."""

    table: dict[str, Fraction]

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares in the order of the table, summing to 1 exactly."""
        return _scaled(tuple(self.table.values()))

    @model_serializer
    def _as_written(self) -> dict[str, float]:
        return dict(self.table)


NumericDistribution = Constant | MedianRange | MeanSpread | Bins
_Centered = TypeVar("_Centered", Constant, MedianRange, MeanSpread)
Distribution = Constant | MedianRange | MeanSpread | Bins | Table | Share


def read_numeric(low: float, high: float) -> Callable[[Any], NumericDistribution]:
    """A reader for a covariate whose possible values are `low` to `high`."""

    def read(value: Any) -> NumericDistribution:
        if isinstance(value, Part):
            return value  # type: ignore[return-value]
        if isinstance(value, list):
            refuse(_FORMS, "A range alone has no middle; add a median.")
        if not isinstance(value, Mapping):
            return _within(Constant(value=read_number(value)), low, high)
        keys = {str(key) for key in value}
        if "bins" in keys:
            return _read_bins(value, low, high)
        if "mean" in keys:
            return _within(MeanSpread.model_validate(dict(value)), low, high)
        if "median" in keys:
            return _within(MedianRange.model_validate(dict(value)), low, high)
        refuse(_FORMS, "See the section on distributions in docs/study-format.md.")

    return read


def read_share(value: Any) -> Share:
    """A share of patients, or yes/no for all or none of them."""
    if isinstance(value, Share):
        return value
    number = float(value) if isinstance(value, bool) else read_number(value)
    if not 0 <= number <= 1:
        refuse("must be a share between 0 and 1", "Write 35 % as 0.35.")
    return Share(share=number)


def read_lineage(value: Any) -> Share:
    """The share of T lineage from ``B``, ``T`` or the share of each."""
    if isinstance(value, Share):
        return value
    if isinstance(value, str):
        value = {value: 1.0}
    if not isinstance(value, Mapping) or not value or set(value) - {"B", "T"}:
        refuse("must be B, T, or the share of each", "Write lineage: T, or {B: 0.8, T: 0.2}.")
    shares = {str(key): read_number(share) for key, share in value.items()}
    _check_shares(shares)
    return Share(share=shares.get("T", 0.0))


def read_table(value: Any) -> Table:
    """Shares of whole-number categories, or one category for everyone."""
    if isinstance(value, Table):
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        value = {value: 1.0}
    if not isinstance(value, Mapping) or not value:
        refuse("must be a table of shares such as {1: 0.42, 2: 0.33, 3+: 0.25}")
    table = {str(key): read_number(share) for key, share in value.items()}
    for key in table:
        if not _CATEGORY.match(key):
            refuse(f"category {key!r} must be a whole number, the last may end in + (3+)")
    open_ended = [key for key in table if key.endswith("+")]
    largest = max(table, key=lambda key: int(key.rstrip("+")))
    if len(open_ended) > 1 or (open_ended and open_ended[0] != largest):
        refuse("only the largest category may be open (3+)")
    _check_shares(table)
    return Table(table=table)


def _read_bins(value: Mapping[Any, Any], low: float, high: float) -> Bins:
    extra = [key for key in value if key != "bins"]
    if extra:
        refuse(f"{extra[0]!r} is not a key beside bins")
    raw = value["bins"]
    if not isinstance(raw, Mapping) or not raw:
        refuse('bins must be a table such as {"5-49": 0.3, "50-100": 0.7}')
    shares = {str(key): read_number(share) for key, share in raw.items()}
    _check_shares(shares)
    edges = tuple(_read_class(key, low, high) for key in shares)
    ordered = sorted(edges)
    for (_, end), (start, _) in itertools.pairwise(ordered):
        if start < end:
            refuse("classes must not overlap", "End one class where the next begins.")
    return Bins(bins=shares, edges=edges)


def _read_class(text: str, low: float, high: float) -> tuple[float, float]:
    closed, open_ended = _BIN.match(text), _BIN_OPEN.match(text)
    if closed:
        first, last = float(closed[1]), float(closed[2])
    elif open_ended and (open_ended[3] or (open_ended[1] or "").startswith(">")):
        first, last = float(open_ended[2]), high
    elif open_ended and open_ended[1]:
        first, last = low, float(open_ended[2])
    else:
        refuse(f"class {text!r} must look like 5-49, 50+ or <5")
    if not low <= first < last <= high:
        refuse(f"class {text!r} must rise and lie in [{low:g}, {high:g}]")
    return first, last


def _check_shares(shares: Mapping[str, float]) -> None:
    for key, share in shares.items():
        if not 0 <= share <= 1:
            refuse(f"the share of {key!r} is {share:g}; must be between 0 and 1", "Write 35 % as 0.35.")
    total = math.fsum(shares.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        refuse(f"the shares sum to {total:.4g}; must sum to 1")


def _scaled(shares: tuple[float, ...]) -> tuple[float, ...]:
    total = math.fsum(shares)
    return tuple(share / total for share in shares)


def _within(spread: _Centered, low: float, high: float) -> _Centered:
    """Refuse what lies outside the possible values of the covariate."""
    for end in _ends(spread):
        if not low <= end <= high:
            refuse(f"{end:g} is outside the possible values [{low:g}, {high:g}]")
    return spread


def numeric(low: float, high: float, description: str) -> Any:
    """The type of a numeric covariate, with its JSON Schema."""
    number = {"type": "number", "minimum": low, "maximum": high}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    schema = {
        "description": description,
        "anyOf": [
            number,
            _object({"median": number, "range": pair}, ["median", "range"]),
            _object(
                {"mean": number, "sd": {"type": "number", "exclusiveMinimum": 0}, "range": pair},
                ["mean", "sd"],
            ),
            _object({"bins": {"type": "object", "additionalProperties": _SHARE_SCHEMA}}, ["bins"]),
        ],
    }
    return Annotated[NumericDistribution, BeforeValidator(read_numeric(low, high)), WithJsonSchema(schema)]


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_SHARE_SCHEMA = {"type": "number", "minimum": 0, "maximum": 1}
YesNo = Annotated[
    Share,
    BeforeValidator(read_share),
    WithJsonSchema({"description": "Share of patients.", "anyOf": [_SHARE_SCHEMA, {"type": "boolean"}]}),
]
Lineage = Annotated[
    Share,
    BeforeValidator(lambda value: read_lineage(value)),
    PlainSerializer(lambda share: {"B": round(1.0 - share.share, 12), "T": share.share}),
    WithJsonSchema(
        {
            "description": "B, T, or the share of each.",
            "anyOf": [
                {"enum": ["B", "T"]},
                {
                    "type": "object",
                    "properties": {"B": _SHARE_SCHEMA, "T": _SHARE_SCHEMA},
                    "additionalProperties": False,
                },
            ],
        }
    ),
]
CategoryTable = Annotated[
    Table,
    BeforeValidator(read_table),
    WithJsonSchema(
        {
            "description": "Shares of categories summing to 1, or one category for everyone.",
            "anyOf": [
                {"type": "object", "additionalProperties": _SHARE_SCHEMA, "minProperties": 1},
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\d+\+?$"},
            ],
        }
    ),
]


def _ends(spread: Constant | MedianRange | MeanSpread) -> tuple[float, ...]:
    """The numbers of a distribution that must be possible."""
    if isinstance(spread, Constant):
        return (spread.value,)
    if isinstance(spread, MeanSpread):
        return (spread.mean, *(spread.range or ()))
    return (spread.median, *spread.range)
