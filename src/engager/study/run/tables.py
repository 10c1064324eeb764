"""Tables on disk, and their digests: the same content gives the same digest, however the file was written."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from engager.trial import TrialData

TABLES = ("patients", "visits", "events", "trajectories")


def write_tables(data: TrialData, folder: Path) -> None:
    """Write the tables of a virtual trial as Parquet."""
    for name in TABLES:
        getattr(data, name).write_parquet(folder / f"{name}.parquet")


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
    import polars as pl

    hasher = hashlib.sha256()
    for column in table.iter_columns():
        hasher.update(f"{column.name}\x1f{column.dtype}\x1f{len(column)}\x1e".encode())
        hasher.update(column.is_null().to_numpy().tobytes())
        if column.dtype == pl.String:
            hasher.update("\x1f".join(column.fill_null("").to_list()).encode())
        elif column.dtype == pl.Boolean:
            hasher.update(column.fill_null(False).to_numpy().tobytes())
        else:
            hasher.update(np.ascontiguousarray(column.fill_null(0).to_numpy()).tobytes())
    return hasher.hexdigest()[:16]


def digests(data: TrialData) -> dict[str, str]:
    """`table_digest` of each table, its rows `in_order`."""
    return {name: table_digest(in_order(getattr(data, name))) for name in TABLES}
