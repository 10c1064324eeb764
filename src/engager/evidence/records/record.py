"""One publication as the rest of the package reads it."""

from __future__ import annotations

from functools import cached_property

from engager.evidence.records.normalize import normalize
from engager.evidence.records.outcome import Outcome
from engager.evidence.records.overlaps import n_patients
from engager.evidence.records.schema import RecordFile


class Record(RecordFile):
    """One publication, everything seen of it, and what remains unseen.

    `outcomes` holds every figure of arms, comparisons and subgroups in one spelling and one unit.
    """

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every figure of the record, normalized: arms, then comparisons, then subgroups."""
        return normalize(self)

    @cached_property
    def n(self) -> int | None:
        """Patients studied, nobody twice, external controls left out; None when no number was seen."""
        return n_patients(self)
