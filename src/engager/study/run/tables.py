"""Tables on disk, and their digests: the same content gives the same digest, however it was cut up or stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engager.core import whole_file

if TYPE_CHECKING:
    import polars as pl

TABLES = ("patients", "visits", "events", "trajectories")
# Patients whose rows lie together in one piece of a file. A file is read and written piece by piece, and where the
# pieces end depends on the study alone, so the same tables are the same bytes.
_PATIENTS_OF_A_GROUP = 20_000


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


def write_pieces(path: Path, pieces: Iterable[pl.DataFrame], n_patients: int) -> str:
    """Write a table that comes in pieces of whole replicates, without holding more than a few of them.

    Parameters
    ----------
    path : of the Parquet file.
    pieces : `in_order`, each of later replicates than the one before.
    n_patients : of one replicate.

    Returns
    -------
    The digest of the content (`TableDigest`).
    """
    import polars as pl
    import pyarrow.parquet as parquet

    digest = TableDigest()
    length = max(1, _PATIENTS_OF_A_GROUP // n_patients)
    with whole_file(path) as file:
        writer = None
        for group in _regrouped(pieces, length):
            digest.add(group)
            arrow = group.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                # few words come again and again; numbers seldom do, and a list of them would only be longer
                words = [name for name, dtype in group.schema.items() if dtype == pl.String]
                writer = parquet.ParquetWriter(file, arrow.schema, compression="zstd", use_dictionary=words or False)
            writer.write_table(arrow, row_group_size=max(1, arrow.num_rows))
        if writer is not None:
            writer.close()
    return digest.value()


def _regrouped(pieces: Iterable[pl.DataFrame], length: int) -> Iterator[pl.DataFrame]:
    """The same rows in pieces of `length` replicates, counted from replicate 0; at least one piece, maybe empty."""
    import polars as pl

    held: pl.DataFrame | None = None
    number = 0
    first = None
    for piece in pieces:
        first = piece.clear() if first is None else first
        for key, part in piece.with_columns(_group=pl.col("replicate") // length).partition_by(
            "_group", as_dict=True, maintain_order=True, include_key=False
        ).items():  # fmt: skip
            if held is not None and int(key[0]) == number:
                held = pl.concat([held, part])
                continue
            if held is not None:
                yield held.rechunk()
            held, number = part, int(key[0])
    if held is not None:
        yield held.rechunk()
    elif first is not None:
        yield first


def read_pieces(path: Path) -> Iterator[pl.DataFrame]:
    """A table that `write_pieces` wrote, piece by piece."""
    import polars as pl
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        if not file.num_row_groups:
            yield pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table()))
        for number in range(file.num_row_groups):
            yield pl.DataFrame(pl.from_arrow(file.read_row_group(number)))


def table_digest(table: pl.DataFrame) -> str:
    """The first 16 hex digits of a SHA-256 over names, types, nulls and values, row by row order included.

    Parquet files of equal content differ between library versions, so the content is hashed, not the file.
    """
    return _digest([_ColumnBytes(column) for column in table.iter_columns()], 0, table.height)


def _digest(columns: Sequence[_ColumnBytes], first: int, end: int) -> str:
    """`table_digest` of the rows from `first` up to `end`."""
    hasher = hashlib.sha256()
    for column in columns:
        for part in column.parts(first, end):
            hasher.update(part)
    return hasher.hexdigest()[:16]


class _ColumnBytes:
    """What of a column is hashed, worked out once for all rows: asking for each replicate's own took longer than the
    hashing."""

    def __init__(self, column: pl.Series):
        import polars as pl

        has_nulls = column.null_count() > 0
        self._name = f"{column.name}\x1f{column.dtype}"
        self._is_null = column.is_null().to_numpy() if has_nulls else np.zeros(len(column), dtype=bool)
        self._text, self._starts = memoryview(b""), np.zeros(0, dtype=np.int64)
        if column.dtype == pl.String:
            self._text, self._starts = _joined(column.fill_null("") if has_nulls else column)
            # with the lengths, since any sign that would part the words may stand in one of them
            self._values = np.diff(self._starts).astype(np.uint32)
        else:
            empty = False if column.dtype == pl.Boolean else 0
            self._values = (column.fill_null(empty) if has_nulls else column).to_numpy()

    def parts(self, first: int, end: int) -> Iterator[bytes | memoryview]:
        """Of the rows from `first` up to `end`: name, type and length, nulls, values."""
        yield f"{self._name}\x1f{end - first}\x1e".encode()
        yield self._is_null[first:end].tobytes()
        yield self._values[first:end].tobytes()
        if self._starts.size:
            yield self._text[self._starts[first] : self._starts[end]]


def _joined(words: pl.Series) -> tuple[memoryview, NDArray[np.int64]]:
    """All words after one another in UTF-8, and where each begins, the end last; no word is made an object for it."""
    import polars as pl

    arrow = words.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, starts, text = arrow.buffers()
    if not len(arrow):
        return memoryview(b""), np.zeros(1, dtype=np.int64)
    begins = np.frombuffer(starts, dtype=np.int64)[arrow.offset : arrow.offset + len(arrow) + 1]
    return memoryview(text or b""), begins


class TableDigest:
    """The digest of a table from pieces of whole replicates that come in any order: of its replicates' digests."""

    def __init__(self) -> None:
        self._columns = ""
        self._by_replicate: dict[int, str] = {}

    def add(self, piece: pl.DataFrame) -> None:
        """Take in the rows of some replicates; of each all, `in_order`."""
        self._columns = ",".join(f"{name} {dtype}" for name, dtype in piece.schema.items())
        replicate = piece["replicate"].to_numpy()
        columns = [_ColumnBytes(column) for column in piece.iter_columns()]
        firsts = np.flatnonzero(np.diff(replicate, prepend=-1)).tolist()
        for first, end in pairwise([*firsts, piece.height]):
            number = int(replicate[first])
            # a replicate that comes twice is another content, not the same one
            self._by_replicate[number] = self._by_replicate.get(number, "") + _digest(columns, first, end)

    def value(self) -> str:
        """16 hex digits."""
        lines = [self._columns, *(f"{number} {one}" for number, one in sorted(self._by_replicate.items()))]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
