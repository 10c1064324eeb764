"""What the review shows of each reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Check:
    """One statement of a record that is carried out without a trial.

    Attributes
    ----------
    what : the statement in words.
    published, simulated : as told to a reader, with units.
    inside : whether they agree, within `rule`; None when nothing can be judged.
    source : ``record#key``. rule : what counts as agreement.
    """

    what: str
    published: str
    simulated: str
    inside: bool | None
    source: str
    rule: str


@dataclass(frozen=True)
class ReviewRow:
    """One reference of the review.

    Attributes
    ----------
    reference : its number. record : id of its evidence record. citation : in words.
    kind : trial, cohort, transplant series, laboratory, pharmacokinetics, label, review.
    studies : shipped studies that run it. links : shipped studies of what a reference without own data reviews.
    figures : comparisons of those studies that name the record as their source (dicts as `engager validate --json`).
    checks : statements that are carried out without a trial.
    not_compared : figures of the record that were seen and that no study compares, in words.
    unseen : figures believed and never seen, in words.
    notes : what a reader should know, e.g. why nothing can be compared.
    """

    reference: int
    record: str
    citation: str
    kind: str
    studies: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    figures: tuple[dict[str, Any], ...] = ()
    checks: tuple[Check, ...] = ()
    not_compared: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[int, int]:
        """How many figures and checks are inside, and how many could be judged."""
        all_of_it = [one["inside"] for one in self.figures] + [one.inside for one in self.checks]
        known = [one for one in all_of_it if one is not None]
        return sum(known), len(known)


@dataclass(frozen=True)
class Review:
    """All rows, and what the simulated figures rest on."""

    rows: tuple[ReviewRow, ...]
    made: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
