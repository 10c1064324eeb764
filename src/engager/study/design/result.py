"""What a design study found: rows by scenario and size, the trials behind them, the historical control."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from engager.analysis import Characteristics
from engager.evidence import Selection
from engager.protocol import DesignBlock, Protocol
from engager.study.design.plan import ALTERNATIVE, POSTERIOR
from engager.study.design.rules import Prior, Rules


@dataclass(frozen=True)
class DesignRow:
    """One scenario at one size.

    Attributes
    ----------
    scenario : name; `changes`: value by dotted path. n_by_arm : patients. rules : looks and bounds.
    results : characteristics by (world, setting): world ``alternative`` or ``null``, setting ``posterior`` (a
        draw for each replicate) or ``posterior_median``.
    exact : of a single arm that counts responders: chance of success over true shares.
    """

    scenario: str
    changes: dict[str, Any]
    n_by_arm: dict[str, int]
    rules: Rules
    results: dict[tuple[str, str], Characteristics]
    exact: list[dict[str, float]] = field(default_factory=list)

    @property
    def n_patients(self) -> int:
        return sum(self.n_by_arm.values())

    def result(self, world: str = ALTERNATIVE, setting: str = POSTERIOR) -> Characteristics | None:
        """Characteristics in one world and setting; None when it was not simulated."""
        return self.results.get((world, setting))


@dataclass(frozen=True)
class DesignResult:
    """What a design study found.

    Attributes
    ----------
    protocol : the study. rows : one a scenario and size. trials : a row for each simulated trial.
    prior, selection : the historical control and the arms behind it; None without one.
    counts : final responders and patients by side of the median trial of the first row, for the picture of a prior.
    notes : what the reader should know. manifest : hashes, seed, versions.
    """

    protocol: Protocol
    rows: tuple[DesignRow, ...]
    trials: pl.DataFrame
    prior: Prior | None
    selection: Selection | None
    counts: dict[str, int]
    notes: tuple[str, ...]
    manifest: dict[str, Any]

    @property
    def design(self) -> DesignBlock:
        assert self.protocol.design is not None  # checked when the design was asked for
        return self.protocol.design
