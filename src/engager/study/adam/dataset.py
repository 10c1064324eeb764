"""What an ADaM dataset is here: variables, each with the expression that makes it and the words that tell so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from engager.study.adam.terminology import standard_list_of

Kind = Literal["text", "integer", "float", "date", "datetime"]
Origin = Literal["Derived", "Assigned", "Predecessor"]

_TYPES = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}
# A day is reached when less than a millionth of it is missing: sums of days lose their last bits.
_TINY = 1e-6
_MICROSECONDS_PER_DAY = 86_400e6


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset.

    Attributes
    ----------
    name : at most 8 characters. label : at most 40.
    kind : what it holds; dates are numbers with a SAS format in the transport file.
    value : expression over the rows that the dataset is made from.
    told : its derivation, or for a predecessor ``DATASET.VARIABLE``.
    codes : meaning by value, for a variable that only takes these.
    standard_list : name of its published code list in `terminology`; codes are then found there.
    """

    name: str
    label: str
    kind: Kind
    value: pl.Expr
    told: str
    origin: Origin = "Derived"
    codes: Mapping[str, str] = field(default_factory=dict)
    standard_list: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a dataset with one row a parameter.

    Attributes
    ----------
    code, text : PARAMCD and PARAM.
    told : how its value is found.
    holds : the variable with the value, AVAL or AVALC.
    """

    code: str
    text: str
    told: str
    holds: str = "AVAL"


@dataclass(frozen=True)
class Dataset:
    """One ADaM dataset.

    Attributes
    ----------
    name, label : of the transport file's member.
    structure : what a row is. kind, subkind : class and subclass in the words of Define-XML 2.1.
    keys : variables that the rows are sorted by, and that tell them apart.
    parameters : in the order of PARAMN; empty when the dataset has none.
    table : the rows, a column for each variable.
    standard : the guide it follows, ADaMIG, OCCDS or TTE.
    """

    name: str
    label: str
    structure: str
    kind: str
    subkind: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]
    parameters: tuple[Parameter, ...]
    table: pl.DataFrame
    standard: str = "ADaMIG"


def dataset(
    name: str,
    label: str,
    *,
    structure: str,
    kind: str,
    keys: Sequence[str],
    variables: Sequence[Variable],
    rows: pl.DataFrame,
    subkind: str = "",
    parameters: Sequence[Parameter] = (),
    standard: str = "ADaMIG",
) -> Dataset:
    """Work out the variables over `rows` and sort by the keys, missing values first as SAS does."""
    columns = [one.value.cast(_TYPES[one.kind]).alias(one.name) for one in variables]
    table = rows.select(columns).sort(list(keys), nulls_last=False, maintain_order=True)
    variables = [_with_list(one) for one in variables]
    return Dataset(
        name, label, structure, kind, subkind, tuple(keys), tuple(variables), tuple(parameters), table, standard
    )


def _with_list(one: Variable) -> Variable:
    """A flag, or a variable of that name, takes the values of its published code list."""
    wanted = one.standard_list or standard_list_of(one.name, one.kind)
    return replace(one, standard_list=wanted) if wanted else one


def parameter_variables(parameters: Sequence[Parameter]) -> list[Variable]:
    """PARAMN, PARAMCD and PARAM of rows that have a column ``parameter`` with the code."""
    code = pl.col("parameter")
    texts = {one.code: one.text for one in parameters}
    order = {one.code: number for number, one in enumerate(parameters, start=1)}
    number = code.replace_strict(order, return_dtype=pl.Int64)
    text = code.replace_strict(texts, return_dtype=pl.String)
    return [
        Variable("PARAMCD", "Parameter Code", "text", code, "Code of the parameter.", "Assigned", texts),
        Variable("PARAM", "Parameter", "text", text, "Text of PARAMCD.", "Assigned"),
        Variable("PARAMN", "Parameter (N)", "integer", number, "Number of PARAMCD.", "Assigned"),
    ]


def yes_no(condition: pl.Expr) -> pl.Expr:
    """``Y`` or ``N``; missing stays missing."""
    return pl.when(condition.is_not_null()).then(pl.when(condition).then(pl.lit("Y")).otherwise(pl.lit("N")))


def yes(condition: pl.Expr) -> pl.Expr:
    """``Y`` or missing."""
    return pl.when(condition.fill_null(False)).then(pl.lit("Y"))


def date_of(day: pl.Expr) -> pl.Expr:
    """The date of a day counted from the subject's day 0, which began on ``entry_date``."""
    whole = (day + _TINY).floor().cast(pl.Int32)
    return (pl.col("entry_date").cast(pl.Int32) + whole).cast(pl.Date)


def instant_of(day: pl.Expr) -> pl.Expr:
    """Date and time of a day, counted from the start of ``entry_date``."""
    start = pl.col("entry_date").cast(pl.Datetime("us")).cast(pl.Int64)
    return (start + (day * _MICROSECONDS_PER_DAY).round().cast(pl.Int64)).cast(pl.Datetime("us"))


def study_day(day: pl.Expr) -> pl.Expr:
    """The study day of CDISC: day 1 is the date of day 0; there is no study day 0."""
    return (day + _TINY).floor().cast(pl.Int64) + 1
