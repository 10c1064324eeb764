"""The tables of a run from their pieces, each in a thread of its own: reading, packing and hashing let go of the
interpreter.

In: the place of a run whose pieces are all there. Out: its Parquet files and their digests. Not here: what a piece is
(`chunks`), and how a table is written (`tables`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING

from engager.core import usable_cpus
from engager.study.run.tables import TABLES, write_pieces
from engager.study.run.workplace import Workplace

if TYPE_CHECKING:
    import polars as pl


def join_tables(work: Workplace, n_patients: int, n_threads: int | None) -> dict[str, str]:
    """Write every table of a run; the digest of each by name.

    Parameters
    ----------
    n_patients : of one replicate. n_threads : None: as many as there are CPUs.

    Raises
    ------
    DamagedChunk
        When a piece is not what was written; the other tables are then left unfinished.
    """
    is_stopped = threading.Event()

    def join(name: str) -> str:
        pieces = _unless(is_stopped, work.pieces(name))
        return write_pieces(work.target / f"{name}.parquet", pieces, n_patients)

    with ThreadPoolExecutor(min(n_threads or usable_cpus(), len(TABLES))) as pool:
        try:
            return dict(zip(TABLES, pool.map(join, TABLES), strict=True))
        except BaseException:
            is_stopped.set()
            raise


def _unless(is_stopped: threading.Event, pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The pieces, until another thread has failed or Ctrl-C came."""
    for piece in pieces:
        if is_stopped.is_set():
            raise CancelledError
        yield piece
