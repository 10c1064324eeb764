"""A table as the bytes of a Parquet file, made before anything touches a disk.

On a full disk a file that polars writes itself fails with an error of polars' own, which looks like one of the program.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def parquet_bytes(table: pl.DataFrame) -> bytes:
    """A table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()
