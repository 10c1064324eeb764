"""One publication as the rest of the package reads it."""

from __future__ import annotations

from functools import cached_property
from html import escape

from engager.evidence.records.normalize import normalize
from engager.evidence.records.outcome import Outcome
from engager.evidence.records.overlaps import n_patients
from engager.evidence.records.schema import RecordFile


def _cell(value: object) -> str:
    return "" if value is None else escape(f"{value:g}" if isinstance(value, float) else str(value))


class Record(RecordFile):
    """One publication, everything seen of it, and what remains unseen.

    `outcomes` holds every figure of arms, comparisons and subgroups in one spelling and one unit.
    """

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every figure of the record, normalized: arms, then comparisons, then subgroups."""
        return normalize(self)

    def _repr_html_(self) -> str:
        """Citation and every figure, for a notebook."""
        head = ("arm", "endpoint", "statistic", "value", "low", "high", "unit", "events", "n", "source")
        shown = [{**one.as_dict(), "source": ", ".join(one.source)} for one in self.outcomes]
        rows = "".join(f"<tr>{''.join(f'<td>{_cell(row[name])}</td>' for name in head)}</tr>" for row in shown)
        table = f"<table><thead><tr><th>{'</th><th>'.join(head)}</th></tr></thead><tbody>{rows}</tbody></table>"
        return f"<p><b>{escape(self.id)}</b> {escape(self.citation.title or '')}</p>{table}"

    @cached_property
    def n(self) -> int | None:
        """Patients studied, nobody twice, external controls left out; None when no number was seen."""
        return n_patients(self)
