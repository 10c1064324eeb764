"""Finished pieces of a run, kept on disk so that an interrupted run can go on.

A run works in a folder beside its own name (``.<name>.part``). Each finished chunk of replicates is written
there whole. When all are done the run is completed and renamed; when it is interrupted the folder gets its
name with a ``partial.json`` in it, and a later call with ``resume`` continues from the chunks.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem
from engager.study.run.tables import TABLES, read_table, write_tables

if TYPE_CHECKING:
    from engager.protocol import Protocol
    from engager.trial import TrialData

# Replicates of one piece: the first, and one beyond the last.
Span = tuple[int, int]
MARKER = "partial.json"
_CHUNKS = "chunks"
# Tables that estimates, comparisons and the report read.
_READ = ("patients", "trajectories")


@dataclass(frozen=True)
class Workplace:
    """Where a run works before it has its name.

    Attributes
    ----------
    target : the run folder to be.
    part : the folder beside it in which the work is done.
    """

    target: Path
    part: Path

    @classmethod
    def at(cls, target: Path) -> Workplace:
        return cls(target, target.parent / f".{target.name}.part")

    def begin(self, inputs: dict[str, Any], resume: bool) -> None:
        """Make the folder ready; with `resume`, take up the chunks of an interrupted run of the same inputs.

        Raises
        ------
        InputError
            When the target exists, cannot be written, or holds a run of other inputs.
        """
        if resume:
            self._take_up(inputs)
            return
        if self.target.exists():
            raise InputError(_exists(self.target))
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            if self.part.exists():
                shutil.rmtree(self.part)
            (self.part / _CHUNKS).mkdir(parents=True)
        except OSError as error:
            raise InputError(_unwritable(self.target, error)) from error
        _write_json(self.part / MARKER, inputs)

    def finished(self) -> dict[Span, Path]:
        """Folders of finished chunks by (first, last + 1) replicate."""
        found = {}
        for folder in sorted((self.part / _CHUNKS).iterdir()):
            first, _, end = folder.name.partition("-")
            if first.isdigit() and end.isdigit():
                found[int(first), int(end)] = folder
        return found

    def keep(self, span: Span, data: TrialData) -> None:
        """Write one chunk; it counts as finished only once it is whole."""
        folder = self.part / _CHUNKS / f"{span[0]}-{span[1]}"
        unfinished = folder.with_name(f".{folder.name}")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir()
        write_tables(data, unfinished)
        os.replace(unfinished, folder)

    def pieces(self) -> list[Path]:
        """Folders of the finished chunks in the order of the replicates."""
        return [folder for _, folder in sorted(self.finished().items())]

    def collect(self, protocol: Protocol) -> TrialData:
        """All chunks as one trial, in the order of the replicates: patients and trajectories.

        Visits and events are most of a run; what is estimated and drawn reads neither, so they stay in the chunks,
        and here without a row.
        """
        import polars as pl

        from engager.trial import TrialData

        pieces = self.pieces()
        tables = {name: pl.concat([read_table(folder, name) for folder in pieces]) for name in _READ}
        empty = {name: read_table(pieces[0], name).clear() for name in TABLES if name not in _READ}
        return TrialData(protocol, **tables, **empty)

    def complete(self) -> None:
        """Give the finished run its name."""
        shutil.rmtree(self.part / _CHUNKS)
        (self.part / MARKER).unlink()
        os.replace(self.part, self.target)

    def set_aside(self) -> bool:
        """Keep what is finished under the run's name; False when nothing was, and nothing is left behind."""
        if not self.part.exists():
            return False
        if not self.finished():
            shutil.rmtree(self.part)
            return False
        os.replace(self.part, self.target)
        return True

    def _take_up(self, inputs: dict[str, Any]) -> None:
        for place in (self.target, self.part):
            if (place / MARKER).is_file():
                break
        else:
            rule = "must hold an interrupted run"
            hint = "It is finished; nothing to resume." if (self.target / "run.json").exists() else ""
            raise InputError(Problem("--resume", str(self.target), rule, hint))
        kept = json.loads((place / MARKER).read_text())
        different = [key for key in inputs if kept.get(key) != inputs[key]]
        if different:
            raise InputError(
                [
                    Problem(
                        f"--resume: {key}",
                        inputs[key],
                        f"must be as in the interrupted run, {kept.get(key)!r}",
                    )
                    for key in different
                ]
            )
        if place != self.part:
            os.replace(self.target, self.part)


def _exists(target: Path) -> Problem:
    if (target / MARKER).exists():
        return Problem("--out", str(target), "holds an interrupted run", "Add --resume, or choose another folder.")
    return Problem("--out", str(target), "must not exist yet", "Choose another folder, or remove this one.")


def _unwritable(target: Path, error: OSError) -> Problem:
    reason = error.strerror or str(error)
    return Problem("--out", str(target), f"must be in a folder that can be written ({reason})", "Choose another.")


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
