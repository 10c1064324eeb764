"""A finished run on disk.

run.json            manifest: inputs and their hashes, seed, versions, timing, digests of the tables
study.yaml          the study that was run, every default filled
patients.parquet    visits.parquet  events.parquet  trajectories.parquet    (docs/architecture.md)
estimates.parquet   every endpoint, arm, replicate
comparisons.json    published beside simulated
report.html         for people
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem
from engager.protocol import Protocol, read_protocol
from engager.study.plain_json import plain_json
from engager.study.run.chunks import MARKER
from engager.study.run.tables import TABLES, read_table
from engager.trial import TrialData

if TYPE_CHECKING:
    import polars as pl

MANIFEST = "run.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True)
class RunFolder:
    """A run: its folder and its manifest."""

    path: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open a run by its folder or its ``run.json``.

        Raises
        ------
        InputError
            When there is no finished run, or its manifest cannot be read.
        """
        given = Path(path)
        folder = given.parent if given.name == MANIFEST else given
        manifest = folder / MANIFEST
        if not manifest.is_file():
            hint = "Finish it with --resume." if (folder / MARKER).exists() else "Runs are folders with a run.json."
            raise InputError(Problem("run", str(path), "must be a finished run", hint))
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(Problem("run", str(manifest), f"must be a readable manifest ({error})")) from error
        if not isinstance(content, dict) or content.get("manifest_version") != MANIFEST_VERSION:
            raise InputError(Problem("run", str(manifest), f"must be a manifest of version {MANIFEST_VERSION}"))
        return cls(folder, content)

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def protocol(self) -> Protocol:
        """The study that was run."""
        return read_protocol(str(self.manifest["protocol"]), f"{self.id}/{MANIFEST}: protocol")

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def comparisons(self) -> list[dict[str, Any]]:
        """Published beside simulated; one entry per target."""
        found: list[dict[str, Any]] = json.loads((self.path / "comparisons.json").read_text(encoding="utf-8"))
        return found

    def table(self, name: str) -> pl.DataFrame:
        """``patients``, ``visits``, ``events``, ``trajectories`` or ``estimates``."""
        return read_table(self.path, name)

    def trial_data(self) -> TrialData:
        """The tables as they came from the simulation."""
        return TrialData(self.protocol, **{name: self.table(name) for name in TABLES})

    def predictions(self) -> list[dict[str, Any]]:
        """Every estimated endpoint: median and 95 % interval over the replicates, by arm.

        An endpoint that the study defines more than once has a ``definition``.
        """
        from engager.analysis import prediction_interval
        from engager.study.run.requests import definitions_of

        found = []
        definitions = definitions_of(self.protocol)
        keys = ["request", "arm", "endpoint", "statistic", "time_months"]
        for values, rows in self.table("estimates").group_by(keys, maintain_order=True):
            interval = prediction_interval(rows["value"].to_numpy())
            one = dict(zip(keys[1:], values[1:], strict=True))
            if definition := definitions[int(values[0])]:
                one["definition"] = definition
            found.append({**one, "median": interval.median, "low": interval.low, "high": interval.high})
        answer: list[dict[str, Any]] = plain_json(found)
        return answer

    def summary(self) -> dict[str, Any]:
        """What ``engager trial run --json`` prints."""
        kept = ("trial", "seed", "replicates", "patients_per_replicate", "seconds", "n_failed")
        return {
            "run": str(self.path),
            **{key: self.manifest[key] for key in kept},
            "comparisons": self.comparisons,
        }
