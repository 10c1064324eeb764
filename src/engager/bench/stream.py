"""How much memory an ensemble takes that does not fit into it: streamed to Parquet, measured by the system."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engager.bench.cases import BENCH_CASES

_SAVES = 25
_RTOL = 1e-4


def measure_stream(n_patients: int, model: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Solve `n_patients` of one case with 25 output times into Parquet and tell the largest resident memory.

    Returns
    -------
    ``model, patients, times, seconds, patients_per_s, failed, parquet_bytes, resident_bytes``; the last is the
    largest of the whole process.
    """
    from dataclasses import replace

    from engager.engine import solve_to_parquet

    case = BENCH_CASES[model](n_patients)
    problem = replace(case.problem(n_patients), save_times=np.linspace(0.0, float(case.times[-1]), _SAVES))

    def tell(done: int, total: int) -> None:
        if done % 100_000 < 10_000:
            say(f"streamed {done} of {total} patients, {_resident() / 2**30:.2f} GiB resident at most")

    with tempfile.TemporaryDirectory(prefix="engager-stream-") as folder:
        start = time.perf_counter()
        chunks = solve_to_parquet(problem, Path(folder) / "ensemble", method="rodas5p", rtol=_RTOL, progress=tell)
        seconds = time.perf_counter() - start
        size = sum(file.stat().st_size for file in chunks.files)
    return {
        "model": model,
        "patients": n_patients,
        "times": _SAVES,
        "seconds": seconds,
        "patients_per_s": n_patients / seconds,
        "failed": chunks.n_failed,
        "parquet_bytes": size,
        "resident_bytes": _resident(),
    }


def _resident() -> int:
    """Largest resident memory of this process so far [bytes]; Linux counts it in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
