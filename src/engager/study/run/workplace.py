"""The folder of a run while it is written: one writer, pieces that can be trusted, and one moment at which it is done.

Everything happens in the folder that the run will have. A ``partial.json`` says of which inputs it is, ``chunks`` holds
the finished pieces, and a lock that the system takes back with the process keeps others out. The run is done when its
``run.json`` gets its name; what it no longer needs is removed afterwards. So a kill at any moment leaves a folder
that either is a finished run or can be resumed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import (
    LOCK_FILE,
    FolderLock,
    InputError,
    Problem,
    digest_object,
    naming,
    read_json,
    remove,
    sync_tree,
    unfinished_of,
    unwritable,
    write_whole,
)
from engager.study.run.chunks import Chunk, DamagedChunk, Span, is_chunk_name

if TYPE_CHECKING:
    import polars as pl

    from engager.trial import TrialData

MARKER = "partial.json"
MANIFEST = "run.json"
SET_ASIDE = "set-aside"
_CHUNKS = "chunks"
# What a kill before the marker has its name may leave.
_OF_A_BEGINNING = {LOCK_FILE, unfinished_of(Path(MARKER)).name}

Tell = Callable[[str], None]


class Workplace:
    """A run folder that is being written.

    Parameters
    ----------
    target : the run folder.
    inputs : everything that decides the numbers; the run's key is their digest.
    replicates : of the run. n_patients : of one replicate.
    tell : told what the user should know of damaged pieces.
    """

    def __init__(self, target: Path, inputs: Mapping[str, Any], replicates: int, n_patients: int, tell: Tell):
        self.target = target
        self.is_finished = False
        self._inputs = dict(inputs)
        self._key = digest_object(self._inputs)
        self._replicates, self._n_patients, self.tell = replicates, n_patients, tell
        self._lock = FolderLock(target)
        self._kept: dict[Span, Chunk] = {}
        self._is_ours = False

    def enter(self, resume: bool) -> None:
        """Take the folder; with `resume`, take up what an interrupted run of the same inputs left.

        Raises
        ------
        InputError
            When the folder is in use, cannot be written, or holds something else.
        """
        if not resume and self.target.exists() and not (self.target / MARKER).exists():
            raise InputError(_exists(self.target))
        self._refuse(resume)
        self._is_ours = not self.target.exists() or (self.target / MARKER).exists()
        try:
            self.target.mkdir(parents=True, exist_ok=True)
            self._lock.take()
        except OSError as error:
            raise InputError(unwritable("--out", self.target, error.strerror or str(error))) from error
        try:
            self._refuse(resume)  # another process may have begun or finished meanwhile
            if (self.target / MANIFEST).exists():
                self._tidy()
                self.is_finished = True
            elif (self.target / MARKER).exists():
                self._take_up()
            else:
                if resume:
                    self.tell(f"{self.target} holds no interrupted run; a new one begins there")
                self._write_marker()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Let others write here."""
        if not self._lock.is_held:
            return
        is_empty = self._is_ours and set(os.listdir(self.target)) <= {LOCK_FILE}
        self._lock.leave()
        if is_empty:
            self.target.rmdir()

    @property
    def n_done(self) -> int:
        """Replicates that are finished."""
        return sum(end - first for first, end in self._kept)

    def is_done(self, replicate: int) -> bool:
        """Whether a replicate is finished."""
        return any(first <= replicate < end for first, end in self._kept)

    def keep(self, span: Span, data: TrialData) -> None:
        """Write one piece; it counts as finished only once it is whole and on the disk."""
        counts = dict(data.patients.group_by("replicate").len().iter_rows())
        whole = dict.fromkeys(range(*span), self._n_patients)
        if data.protocol.follow_up.data_cut is None:
            is_whole = counts == whole
        else:  # who would have entered only after the cut is in no table
            is_whole = all(n <= whole.get(replicate, 0) for replicate, n in counts.items())
        if not is_whole:
            raise RuntimeError(f"the simulation of replicates {span[0]} to {span[1] - 1} gave others")
        place = self.target / _CHUNKS
        place.mkdir(exist_ok=True)
        with naming(self.target):
            self._kept[span] = Chunk.write(place, span, self._key, data)

    def pieces(self, name: str) -> Iterator[pl.DataFrame]:
        """One table of the run, piece by piece in the order of the replicates, each byte checked as it is read.

        Raises
        ------
        DamagedChunk
            When a piece is not what was written.
        RuntimeError
            When the pieces are not every replicate exactly once.
        """
        expected = 0
        for (first, end), chunk in sorted(self._kept.items()):
            if first != expected:
                raise RuntimeError(f"replicate {min(first, expected)} is in no piece or in two")
            expected = end
            yield chunk.table(name)
        if expected != self._replicates:
            raise RuntimeError(f"the pieces end at replicate {expected} of {self._replicates}")

    def set_aside(self, damaged: DamagedChunk) -> None:
        """Put a damaged piece where nobody reads it, so that it is simulated again."""
        chunk = self._kept.pop(damaged.span)
        self._move_aside(chunk.folder, damaged.reason)

    def results(self) -> list[Path]:
        """The files that the finished run will hold, without its manifest."""
        left_out = {MARKER, MANIFEST}
        return sorted(
            path
            for path in self.target.iterdir()
            if path.is_file() and not path.name.startswith(".") and path.name not in left_out
        )

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Make the folder a finished run."""
        sync_tree(self.target)
        write_whole(self.target / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        self._tidy()

    def give_up(self) -> int:
        """Leave what is finished to a later call, and nothing when nothing is; returns how many replicates are kept."""
        is_worth_keeping = self._kept or any((self.target / name).exists() for name in (MANIFEST, SET_ASIDE))
        if self._lock.is_held and not is_worth_keeping:
            self._tidy()
        self.leave()
        return self.n_done

    def _refuse(self, resume: bool) -> None:
        """Refuse a folder that is not to be written in."""
        target = self.target
        if not target.exists():
            return
        if not target.is_dir():
            raise InputError(Problem("--out", target, "must be a folder", "Choose another."))
        is_finished, is_begun = (target / MANIFEST).exists(), (target / MARKER).exists()
        if not resume and is_begun:
            self._refuse_if_busy()
            hint = "Add --resume, or choose another folder."
            raise InputError(Problem("--out", target, "holds an interrupted run", hint))
        if resume and is_finished:
            self._compare(self._read(MANIFEST, "run_inputs"), "finished")
        elif is_finished or (not is_begun and not set(os.listdir(target)) <= _OF_A_BEGINNING):
            if resume:
                raise InputError(Problem("--resume", target, "must hold an interrupted run"))
            raise InputError(_exists(target))

    def _refuse_if_busy(self) -> None:
        """A run that another process is at is no interrupted one."""
        if self._lock.is_held:
            return
        with contextlib.suppress(OSError):  # where nothing can be written nobody writes
            self._lock.take()
            self._lock.leave()

    def _read(self, name: str, key: str | None = None) -> dict[str, Any] | None:
        """The inputs that a file tells; None when it cannot be read."""
        try:
            content = read_json(self.target / name)
            content = content if key is None else content[key]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return content if isinstance(content, dict) else None

    def _compare(self, kept: Mapping[str, Any] | None, state: str) -> None:
        if kept is None:
            hint = "Choose another folder, or remove this one."
            raise InputError(Problem("--resume", self.target, "holds a run whose manifest cannot be read", hint))
        different = [key for key in self._inputs if kept.get(key) != self._inputs[key]]
        if different:
            raise InputError(
                [
                    Problem(f"--resume: {key}", self._inputs[key], f"must be as in the {state} run, {kept.get(key)!r}")
                    for key in different
                ]
            )

    def _take_up(self) -> None:
        """Find the pieces that can be trusted; all others are set aside and told."""
        kept = self._read(MARKER)
        if kept is not None:
            self._compare(kept, "interrupted")
        place = self.target / _CHUNKS
        found: list[Chunk] = []
        for folder in sorted(place.iterdir()) if place.is_dir() else []:
            if folder.name.startswith("."):  # a kill stopped its writing, or a file manager left a note
                remove(folder)
                continue
            try:
                if not is_chunk_name(folder.name):
                    raise DamagedChunk((0, 0), "it is no piece of a run")
                chunk = Chunk.open(folder)
                self._check(chunk, is_marked=kept is not None)
            except DamagedChunk as damaged:
                self._move_aside(folder, damaged.reason)
                continue
            found.append(chunk)
        end = 0
        for chunk in sorted(found, key=lambda one: (one.span[0], -one.span[1])):
            if chunk.span[0] < end:
                self._move_aside(chunk.folder, "its replicates are in another piece as well")
                continue
            end = chunk.span[1]
            self._kept[chunk.span] = chunk
        if kept is None:
            self.tell(f"{self.target / MARKER} could not be read; it is written anew from this command's options")
            self._write_marker()

    def _check(self, chunk: Chunk, is_marked: bool) -> None:
        if chunk.key != self._key:
            if not is_marked:  # which of the two runs is meant, nobody can tell
                rule = "holds pieces of a run with other options"
                hint = "Give the same options, or choose another folder."
                raise InputError(Problem("--resume", self.target, rule, hint))
            raise DamagedChunk(chunk.span, "it is of a run with other inputs")
        if not 0 <= chunk.span[0] < chunk.span[1] <= self._replicates:
            raise DamagedChunk(chunk.span, f"it is not of the replicates 0 to {self._replicates - 1}")
        chunk.check()

    def _move_aside(self, folder: Path, reason: str) -> None:
        place = self.target / SET_ASIDE
        place.mkdir(exist_ok=True)
        number = 1
        while (place / f"{folder.name}.{number}").exists():
            number += 1
        put = place / f"{folder.name}.{number}"
        os.replace(folder, put)
        self.tell(f"the piece {folder.name} of {self.target} is not used: {reason}; it now lies in {put}")

    def _write_marker(self) -> None:
        text = json.dumps(self._inputs, indent=2, ensure_ascii=False, sort_keys=True)
        write_whole(self.target / MARKER, text + "\n")

    def _tidy(self) -> None:
        """Remove what only a run in progress needs; the marker last, since it says whose the rest is."""
        for path in (self.target / _CHUNKS, *self.target.glob(".*.unfinished")):
            remove(path)
        (self.target / MARKER).unlink(missing_ok=True)


def _exists(target: Path) -> Problem:
    return Problem("--out", target, "must not exist yet", "Choose another folder, or remove this one.")
