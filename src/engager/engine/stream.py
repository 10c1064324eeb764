"""Ensembles larger than memory: solved chunk by chunk into Parquet files, and taken up again after a stop.

A chunk file holds one row per patient and save time: ``patient i64, time f64``, one f64 column per state (NaN
from the moment of failure), ``status i8``. Numbers do not depend on the size of chunks.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engager.core import InputError, Problem, read_json, write_whole
from engager.engine.problem import OdeProblem, Trajectories, chosen_patients
from engager.engine.solving import solve

_MANIFEST = "ensemble.json"


@dataclass(frozen=True)
class Chunks:
    """What is on disk: files in order of patients, and how many patients failed."""

    files: tuple[Path, ...]
    n_patients: int
    n_failed: int


def solve_in_chunks(problem: OdeProblem, *, chunk: int = 10_000, **options: object) -> Iterator[Trajectories]:
    """Solves `chunk` patients at a time; options are those of `solve`. Keep only what you need of each."""
    for first in range(0, len(problem.parameters), chunk):
        yield solve(patients(problem, first, first + chunk), **options)  # type: ignore[arg-type]


def solve_to_parquet(
    problem: OdeProblem,
    folder: Path | str,
    *,
    chunk: int = 10_000,
    states: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: object,
) -> Chunks:
    """Solves an ensemble into ``folder/chunk-000000.parquet`` and so on.

    Parameters
    ----------
    states : which to keep; None: all.
    progress : called with (patients done, patients).
    options : those of `solve`.

    Notes
    -----
    Files are written whole or not at all. Called again with the same problem and options after a stop, it
    goes on with the chunks that are missing.

    Raises
    ------
    InputError
        When the folder holds another ensemble, or `states` names no state.
    """
    folder = Path(folder)
    kept = states or problem.system.states
    unknown = [name for name in kept if name not in problem.system.states]
    if unknown or chunk < 1:
        told = [Problem("states", name, "is no state of the model") for name in unknown]
        raise InputError(told or [Problem("chunk", chunk, "must be at least 1")])
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, _fingerprint(problem, chunk, kept, options))
    n = len(problem.parameters)
    files, failed = [], 0
    for number, first in enumerate(range(0, n, chunk)):
        file = folder / f"chunk-{number:06d}.parquet"
        if not file.exists():
            part = patients(problem, first, first + chunk)
            _write(file, solve(part, **options), first, kept)  # type: ignore[arg-type]
        files.append(file)
        failed += _failed(file)
        if progress:
            progress(min(first + chunk, n), n)
    return Chunks(tuple(files), n, failed)


def patients(problem: OdeProblem, first: int, last: int) -> OdeProblem:
    """The part of a problem that concerns patients `first` to `last` - 1."""
    return chosen_patients(problem, np.arange(first, min(last, len(problem.parameters))))


def _write(file: Path, result: Trajectories, first: int, states: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    n, m, _ = result.values.shape
    columns = {
        "patient": np.repeat(np.arange(first, first + n, dtype=np.int64), m),
        "time": np.tile(result.time, n),
        **{name: result.state(name).ravel() for name in states},
        "status": np.repeat(result.status.astype(np.int8), m),
    }
    metadata = {"n_failed": str(result.n_failed)}
    table = pa.table(columns).replace_schema_metadata(metadata)
    unfinished = file.with_suffix(f".{os.getpid()}.part")
    pq.write_table(table, unfinished, compression="zstd", compression_level=1, use_dictionary=["status"])
    os.replace(unfinished, file)


def _failed(file: Path) -> int:
    import pyarrow.parquet as pq

    return int((pq.read_schema(file).metadata or {}).get(b"n_failed", b"0"))


def _fingerprint(problem: OdeProblem, chunk: int, states: tuple[str, ...], options: dict[str, object]) -> str:
    from engager.engine.native.compiler import describe

    arrays: list[Any] = [problem.parameters, problem.save_times, problem.inputs, problem.initial, problem.first_step]
    if problem.schedule is not None:
        s = problem.schedule
        arrays += [s.offsets, s.time, s.action, s.index, s.value]
    told = repr((describe(problem.system), problem.system.states, chunk, states, sorted(options.items())))
    total = hashlib.sha256(told.encode())
    for array in arrays:
        total.update(b"|")
        if array is not None and array.size:
            total.update(np.ascontiguousarray(array).data)  # not a copy: this may be most of the memory there is
    return total.hexdigest()[:16]


def _claim(folder: Path, fingerprint: str) -> None:
    """Marks the folder as this ensemble's, or refuses."""
    manifest = folder / _MANIFEST
    if manifest.exists():
        try:
            found = read_json(manifest)["ensemble"]
        except (OSError, ValueError, KeyError, TypeError):
            found = "a file that cannot be read"
        if found != fingerprint:
            rule = "holds another ensemble, or the same with other options"
            raise InputError(Problem(str(folder), found, rule, "Choose an empty folder."))
    else:
        write_whole(manifest, json.dumps({"ensemble": fingerprint}))
