"""Finished pieces of a run on disk: each a folder that says which run and replicates it is of, and what its bytes were.

chunks/<first>-<end>/    chunk.json (run key, span, SHA-256 of each table)    patients.parquet  visits.parquet ...

A chunk is written under another name and renamed when all of it lies on the disk, so it is whole or not there. What
happened to its bytes since is found out each time they are read.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engager.core import parquet_bytes, publish_folder, read_json, remove, sha256_of, unfinished_of
from engager.study.run.tables import TABLES, in_order

if TYPE_CHECKING:
    import polars as pl

    from engager.trial import TrialData

# Replicates of one piece: the first, and one beyond the last.
Span = tuple[int, int]
SEAL = "chunk.json"


class DamagedChunk(Exception):
    """The bytes of a chunk are not what was written; `span` is redone."""

    def __init__(self, span: Span, reason: str):
        super().__init__(reason)
        self.span, self.reason = span, reason


@dataclass(frozen=True)
class Chunk:
    """A finished piece.

    Attributes
    ----------
    folder : where it lies. span : its replicates. key : of the run that wrote it.
    hashes : SHA-256 of the file of each table.
    """

    folder: Path
    span: Span
    key: str
    hashes: Mapping[str, str]

    @classmethod
    def write(cls, place: Path, span: Span, key: str, data: TrialData) -> Chunk:
        """Write the trial of some replicates into a folder of chunks."""
        folder = place / f"{span[0]}-{span[1]}"
        unfinished = unfinished_of(folder)
        remove(unfinished)
        unfinished.mkdir()
        hashes = {}
        for name in TABLES:
            content = parquet_bytes(in_order(getattr(data, name)))
            (unfinished / f"{name}.parquet").write_bytes(content)
            hashes[name] = hashlib.sha256(content).hexdigest()
        seal = {"run": key, "span": list(span), "sha256": hashes}
        (unfinished / SEAL).write_text(json.dumps(seal, indent=1) + "\n", encoding="utf-8")
        publish_folder(unfinished, folder)
        return cls(folder, span, key, hashes)

    @classmethod
    def open(cls, folder: Path) -> Chunk:
        """What a folder says it holds.

        Raises
        ------
        DamagedChunk
            When it cannot be read, or is not of the replicates in its name.
        """
        first, _, end = folder.name.partition("-")
        span = (int(first), int(end))
        try:
            seal = read_json(folder / SEAL)
            chunk = cls(folder, (int(seal["span"][0]), int(seal["span"][1])), str(seal["run"]), dict(seal["sha256"]))
        except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError):
            raise DamagedChunk(span, f"its {SEAL} cannot be read") from None
        if chunk.span != span:
            raise DamagedChunk(span, f"it is of the replicates {chunk.span[0]} to {chunk.span[1] - 1}")
        return chunk

    def check(self) -> None:
        """Read every byte once.

        Raises
        ------
        DamagedChunk
            When one of them is not as written.
        """
        for name in TABLES:
            try:
                found = sha256_of(self.folder / f"{name}.parquet")
            except OSError as error:
                raise DamagedChunk(self.span, f"{name}.parquet cannot be read ({error.strerror})") from None
            if found != self.hashes.get(name):
                raise DamagedChunk(self.span, f"the bytes of {name}.parquet are not those written")

    def table(self, name: str) -> pl.DataFrame:
        """One table; its bytes are checked as they are read.

        Raises
        ------
        DamagedChunk
            When they are not as written.
        """
        import polars as pl

        try:
            content = (self.folder / f"{name}.parquet").read_bytes()
        except OSError as error:
            raise DamagedChunk(self.span, f"{name}.parquet cannot be read ({error.strerror})") from None
        if hashlib.sha256(content).hexdigest() != self.hashes.get(name):
            raise DamagedChunk(self.span, f"the bytes of {name}.parquet are not those written")
        return pl.read_parquet(io.BytesIO(content))


def is_chunk_name(name: str) -> bool:
    """``<first>-<end>``, written as numbers are."""
    first, dash, end = name.partition("-")
    return bool(dash) and all(one.isascii() and one.isdigit() and str(int(one)) == one for one in (first, end))
