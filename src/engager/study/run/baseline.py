"""The baseline table: who was recruited virtually, beside who was recruited in the publication.

A row appears when the simulated patients differ in it; its published side only where the record prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engager.protocol import Protocol
from engager.report import BaselineRow

if TYPE_CHECKING:
    import polars as pl

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class _Line:
    """One characteristic: how the simulated arm is summarized, and where a record prints it."""

    label: str
    simulated: Callable[[pl.DataFrame], str | None]
    published: Callable[[Mapping[str, Summary]], str | None]


def baseline_rows(protocol: Protocol, patients: pl.DataFrame) -> list[BaselineRow]:
    """Rows of the baseline table, arms as columns.

    Parameters
    ----------
    protocol : the study; its record gives the published side.
    patients : the patients table, all replicates together.
    """
    import polars as pl

    by_arm = {arm: patients.filter(pl.col("arm") == arm) for arm in protocol.arms}
    printed = _printed_baselines(protocol)
    rows = []
    for line in _LINES:
        simulated = {arm: text for arm, table in by_arm.items() if (text := line.simulated(table)) is not None}
        published = {arm: text for arm, summaries in printed.items() if (text := line.published(summaries))}
        if simulated:
            source = protocol.record if published and protocol.record else ""
            rows.append(BaselineRow(line.label, simulated, published, source))
    return rows


def _printed_baselines(protocol: Protocol) -> dict[str, Mapping[str, Summary]]:
    """The record's baseline by arm of the study: the arm of the same name, or the only arm of both."""
    if protocol.record is None:
        return {}
    from engager.evidence import record

    arms = {arm.id: arm for arm in record(protocol.record).arms}
    found = {arm: arms[arm].baseline for arm in protocol.arms if arm in arms}
    return {arm: summaries for arm, summaries in found.items() if summaries}


def _spread(column: str) -> Callable[[pl.DataFrame], str | None]:
    def summarize(table: pl.DataFrame) -> str | None:
        values = table[column].drop_nulls() if column in table.columns else None
        if values is None or not values.len():
            return None
        low, middle, high = (float(values.quantile(q, "linear") or 0.0) for q in (0.0, 0.5, 1.0))
        return f"{middle:.3g} ({low:.3g} to {high:.3g})"

    return summarize


def _share(expression: Callable[[], pl.Expr], column: str) -> Callable[[pl.DataFrame], str | None]:
    def summarize(table: pl.DataFrame) -> str | None:
        if column not in table.columns or not table[column].drop_nulls().len():
            return None
        return f"{100 * float(table.select(expression().mean()).item()):.0f} %"

    return summarize


def _column(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name)


def _printed_spread(*keys: str) -> Callable[[Mapping[str, Summary]], str | None]:
    """Median and range, which a record may print under several keys."""

    def read(summaries: Mapping[str, Summary]) -> str | None:
        merged: dict[str, Any] = {}
        for key in keys:
            merged.update(summaries.get(key, {}))
        middle = merged.get("median")
        span = merged.get("range")
        if middle is None and merged.get("mean") is not None:
            return f"mean {merged['mean']:g}" + (f", SD {merged['sd']:g}" if merged.get("sd") else "")
        if middle is None:
            return None
        return f"{middle:g}" + (f" ({span[0]:g} to {span[1]:g})" if span else "")

    return read


def _printed_share(key: str, other: str | None = None) -> Callable[[Mapping[str, Summary]], str | None]:
    """A share by counts or proportion; `other` is a key that prints the opposite."""

    def read(summaries: Mapping[str, Summary]) -> str | None:
        from engager.evidence import published_share

        share = published_share(summaries.get(key, {}))
        opposite = published_share(summaries.get(other, {})) if share is None and other is not None else None
        share = share if opposite is None else 1 - opposite
        return None if share is None else f"{100 * share:.0f} %"

    return read


def _printed_class(key: str, name: str) -> Callable[[Mapping[str, Summary]], str | None]:
    """One class of a table of classes."""

    def read(summaries: Mapping[str, Summary]) -> str | None:
        from engager.evidence import published_share

        share = published_share(summaries.get(key, {}), name)
        return None if share is None else f"{100 * share:.0f} %"

    return read


_AGE, _BLASTS = "age_years", "marrow_blasts_percent"
_LINES = (
    _Line("Age, years, median (range)", _spread(_AGE), _printed_spread(_AGE, "age_years_median")),
    _Line("Female", _share(lambda: _column("female"), "female"), _printed_share("female", "male")),
    _Line("Weight, kg, median (range)", _spread("weight_kg"), _printed_spread("weight_kg")),
    _Line("Marrow blasts, %, median (range)", _spread(_BLASTS), _printed_spread("blasts_marrow_percent")),
    _Line(
        "Marrow blasts 50 % or more",
        _share(lambda: _column(_BLASTS) >= 50, _BLASTS),
        _printed_class("blasts_marrow_class", ">=50%"),
    ),
    _Line(
        "First salvage",
        _share(lambda: _column("salvage_line") == 1, "salvage_line"),
        _printed_class("salvage_phase", "first"),
    ),
    _Line(
        "Prior transplant",
        _share(lambda: _column("prior_hsct"), "prior_hsct"),
        _printed_share("prior_hsct"),
    ),
    _Line("Tumor volume, mL, median (range)", _spread("tumor_mL"), _printed_spread("tumor_mL")),
    _Line("Indolent lymphoma", _share(lambda: _column("indolent"), "indolent"), _printed_share("indolent")),
    _Line("T lineage", _share(lambda: _column("t_lineage"), "t_lineage"), _printed_share("t_lineage")),
    _Line("CD20 on blasts", _share(lambda: _column("cd20_positive"), "cd20_positive"), _printed_share("cd20_positive")),
    _Line(
        "Unrelated donor",
        _share(lambda: _column("unrelated_donor"), "unrelated_donor"),
        _printed_share("unrelated_donor"),
    ),
    _Line("Extramedullary disease", _share(lambda: _column("extramedullary"), "extramedullary"), lambda _: None),
)
