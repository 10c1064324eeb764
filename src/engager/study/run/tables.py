"""Tables on disk, and their digests: the same content gives the same digest, however the file was written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from engager.trial import TrialData

TABLES = ("patients", "visits", "events", "trajectories")


def write_tables(data: TrialData, folder: Path) -> None:
    """Write the tables of a virtual trial as Parquet, their rows `in_order`."""
    for name in TABLES:
        in_order(getattr(data, name)).write_parquet(folder / f"{name}.parquet")


def join_tables(folders: Sequence[Path], target: Path) -> None:
    """One file of each table from the folders of consecutive pieces, never held in memory whole."""
    import polars as pl

    for name in TABLES:
        pieces = [folder / f"{name}.parquet" for folder in folders]
        pl.scan_parquet(pieces).sink_parquet(target / f"{name}.parquet", maintain_order=True)


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Read one table of a folder."""
    import polars as pl

    return pl.read_parquet(folder / f"{name}.parquet")


def in_order(table: pl.DataFrame) -> pl.DataFrame:
    """The rows by replicate, arm and patient, each patient's rows as they came.

    A simulation hands on one arm after the other for the replicates it was given, so the order of rows tells how
    a run was cut up; this order does not.
    """
    return table.sort("replicate", "arm", "patient", maintain_order=True)


def table_digest(table: pl.DataFrame) -> str:
    """The first 16 hex digits of a SHA-256 over names, types, nulls and values, row by row order included.

    Parquet files of equal content differ between library versions, so the content is hashed, not the file.
    """
    return _digest(dict(table.schema), lambda column: [table[column]])


def digests(folders: Sequence[Path]) -> dict[str, str]:
    """`table_digest` of each table that `join_tables` would make of these folders, a column of a piece at a time."""
    import polars as pl

    found = {}
    for name in TABLES:
        pieces = [folder / f"{name}.parquet" for folder in folders]

        def column_of(column: str, pieces: Sequence[Path] = pieces) -> Iterator[pl.Series]:
            return (pl.read_parquet(piece, columns=[column])[column] for piece in pieces)

        found[name] = _digest(dict(pl.read_parquet_schema(pieces[0])), column_of)
    return found


def _digest(schema: Mapping[str, pl.DataType], column_of: Callable[[str], Iterable[pl.Series]]) -> str:
    import polars as pl

    hasher = hashlib.sha256()
    for name, kind in schema.items():
        height = sum(len(piece) for piece in column_of(name))
        hasher.update(f"{name}\x1f{kind}\x1f{height}\x1e".encode())
        for piece in column_of(name):
            hasher.update(piece.is_null().to_numpy().tobytes())
        separator = b""
        for piece in column_of(name):
            if not len(piece):
                continue
            if kind == pl.String:
                hasher.update(separator + "\x1f".join(piece.fill_null("").to_list()).encode())
                separator = b"\x1f"
            elif kind == pl.Boolean:
                hasher.update(piece.fill_null(False).to_numpy().tobytes())
            else:
                hasher.update(np.ascontiguousarray(piece.fill_null(0).to_numpy()).tobytes())
    return hasher.hexdigest()[:16]
