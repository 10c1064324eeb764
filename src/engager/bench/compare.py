"""`engager bench`: the engine beside its peers on the same models, patients, doses and save times.

Each solver is set to the loosest relative tolerance at which its error is at most 1e-4 and none of a small sample
fails; solvers then take turns, and the best of the turns counts (`patients_per_cpu_s` likewise, in seconds of
CPU, for a machine that others use too). Error: the largest difference from a
reference at relative tolerance 1e-10, as a share of the state's largest value in that patient (at least 1e-6 of
its largest in anyone). Peers run fewer patients than the engine, the first of the same population.
"""

from __future__ import annotations

import json as json_text
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from engager.bench.cases import BENCH_CASES, Case, fewer
from engager.bench.peers import PEERS, SELF_TIMED, Peer
from engager.core import FloatArray

_TOLERANCES = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 1e-8)
_ERROR = 1e-4
#: Absolute tolerance of a state: this times rtol times its largest value in anyone; the same for every solver.
#: Leukemia falls by six decades and grows back: what is lost at the bottom is multiplied on the way up.
_ABSOLUTE = 1e-6
_SAMPLE = 24


@dataclass
class Row:
    """One solver on one model."""

    solver: str
    model: str
    threads: int
    patients: int
    patients_per_s: float
    max_error: float
    failed: int
    rtol: float = 0.0
    detail: dict[str, float] = field(default_factory=dict)


@dataclass
class Skipped:
    """A solver that could not be run, and why."""

    solver: str
    model: str
    reason: str


def run_bench(
    *,
    device: str = "cpu",
    json: bool = False,
    patients: int = 2000,
    gpu_patients: int = 30_000,
    peer_patients: int = 24,
    rounds: int = 3,
    solvers: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    threads: Sequence[int] = (1, 2),
    write: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Runs the comparison and writes a table, or one JSON object, through `write` (standard output).

    Parameters
    ----------
    device : "cpu", or "cuda" to run the engine on a GPU beside the CPU.
    patients, gpu_patients, peer_patients : ensemble of the engine, of the engine on a GPU and of each peer.
    solvers : some of "engager", "libroadrunner", "copasi", "scipy-lsoda", "sundae-cvode", "numbalsoda",
        "deSolve"; None: all.
    models : some of "hosseini-2020", "b-all"; None: both.

    Returns
    -------
    ``{"rows": [...], "skipped": [...], "machine": {...}}``
    """
    from engager.engine import floating_point_peak

    say = write or (lambda text: print(text))
    machine = {"peak_gflops_per_core": floating_point_peak() / 1e9}
    rows: list[Row] = []
    skipped: list[Skipped] = []
    for name in models or BENCH_CASES:
        counts = {"native": patients, **({"cuda": gpu_patients} if device == "cuda" else {})}
        case = BENCH_CASES[name](max(*counts.values(), peer_patients, _SAMPLE))
        found, left_out = _bench_case(case, counts, peer_patients, rounds, solvers, threads, machine)
        rows += found
        skipped += left_out
    result = {
        "rows": [asdict(row) for row in rows],
        "skipped": [asdict(one) for one in skipped],
        "machine": machine,
    }
    say(json_text.dumps(result) if json else _table(rows, skipped, machine))
    return result


def _bench_case(
    case: Case, counts: dict[str, int], peer_patients: int, rounds: int, solvers: Sequence[str] | None,
    threads: Sequence[int], machine: dict[str, float],
) -> tuple[list[Row], list[Skipped]]:  # fmt: skip
    from engager.engine import compile_times

    reference = _reference(case, max(peer_patients, _SAMPLE))
    scale = np.nanmax(np.abs(reference), axis=(0, 1))
    scale[scale == 0] = 1.0
    contestants: list[_Contestant] = []
    skipped: list[Skipped] = []
    wanted = list(solvers) if solvers else ["engager", *PEERS, *SELF_TIMED]
    for name in wanted:
        try:
            if name == "engager":
                seconds = compile_times(case.model.system)
                for rtol in (None, 1e-6):
                    contestants += [
                        _Engine(case, counts, scale, reference, n, "native", rtol, seconds) for n in threads
                    ]
                if "cuda" in counts:
                    contestants.append(_Engine(case, counts, scale, reference, 1, "cuda", None, seconds))
            elif name in PEERS:
                peer = PEERS[name](fewer(case, peer_patients))
                contestants.append(_OneByOne(name, peer, case, scale, reference, peer_patients))
            elif name in SELF_TIMED:
                peer = SELF_TIMED[name](fewer(case, peer_patients))
                contestants.append(_SelfTimed(name, peer, case, scale, reference, peer_patients))
            else:
                skipped.append(Skipped(name, case.id, "is not known"))
        except (ImportError, RuntimeError) as error:
            skipped.append(Skipped(name, case.id, f"{type(error).__name__}: {error}"))
    for one in skipped:
        print(f"skipped {one.solver}: {one.reason}", file=sys.stderr)
    for _ in range(rounds):
        for contestant in contestants:
            contestant.turn()
    rows = [contestant.row() for contestant in contestants]
    for row in rows:
        if row.solver.startswith("engager") and "operations_per_s" in row.detail:
            # per second of CPU: what a core does while it is ours
            share = row.detail.pop("operations_per_s") / 1e9 / machine["peak_gflops_per_core"]
            row.detail["share_of_peak"] = share
    return rows, skipped


def _reference(case: Case, n: int) -> FloatArray:
    """Values of the first patients at a relative tolerance of 1e-10, array (patient, time, state)."""
    from engager.engine import solve

    found = solve(case.problem(n), method="rodas5p", rtol=1e-10)
    if found.n_failed:
        raise RuntimeError(f"{case.id}: {found.n_failed} reference courses failed")
    return found.values


def largest_error(values: FloatArray, reference: FloatArray) -> float:
    """The bench's error measure over all patients, times and states; failed patients are left out."""
    own = np.abs(reference).max(axis=1, keepdims=True)
    anyone = np.abs(reference).max(axis=(0, 1), keepdims=True)
    size = np.maximum(own, 1e-6 * anyone)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(size > 0, np.abs(values - reference) / size, 0.0)
    return float(np.nanmax(error)) if np.isfinite(error).any() else float("nan")


class _Contestant:
    """A solver set to its tolerance, and its turns so far."""

    def __init__(self, name: str, case: Case, scale: FloatArray, reference: FloatArray):
        self.name, self.case, self.scale, self.reference = name, case, scale, reference
        self.best = self.best_cpu = float("inf")
        self.values: FloatArray = np.zeros(0)
        self.failed = 0
        self.rtol = 1e-6

    def atol(self, rtol: float) -> FloatArray:
        return rtol * _ABSOLUTE * self.scale

    def choose_tolerance(self, sample: Callable[[float], FloatArray]) -> None:
        """The loosest tolerance with an error of at most 1e-4; the tightest when none has."""
        for rtol in _TOLERANCES:
            self.rtol = rtol
            values = sample(rtol)
            if np.isfinite(values).all() and largest_error(values, self.reference[: len(values)]) <= _ERROR:
                return

    def turn(self) -> None:
        """Solve once more, and keep the shortest time."""
        start, busy = time.perf_counter(), time.process_time()
        self.solve()
        self.best = min(self.best, time.perf_counter() - start)
        self.best_cpu = min(self.best_cpu, time.process_time() - busy)

    def solve(self) -> None:
        raise NotImplementedError

    def row(self) -> Row:
        raise NotImplementedError


class _OneByOne(_Contestant):
    """A peer that solves one patient after another."""

    def __init__(self, name: str, peer: Peer, case: Case, scale: FloatArray, reference: FloatArray, n: int):
        super().__init__(name, case, scale, reference)
        self.peer, self.n = peer, n
        self.choose_tolerance(lambda rtol: self._run(rtol, min(_SAMPLE, n)))

    def _run(self, rtol: float, n: int) -> FloatArray:
        self.peer.tolerate(rtol, self.atol(rtol))
        values = np.full((n, *self.reference.shape[1:]), np.nan)
        for i in range(n):
            try:
                values[i] = self.peer.solve(i)
            except (RuntimeError, ValueError):
                continue
        return values

    def solve(self) -> None:
        self.values = self._run(self.rtol, self.n)

    def row(self) -> Row:
        failed = int((~np.isfinite(self.values).all(axis=(1, 2))).sum())
        error = largest_error(self.values, self.reference[: self.n])
        detail = {"patients_per_cpu_s": self.n / self.best_cpu}
        return Row(self.name, self.case.id, 1, self.n, self.n / self.best, error, failed, self.rtol, detail)


class _SelfTimed(_OneByOne):
    """A peer in a process of its own: its seconds are what it measured there."""

    peer: Any

    def _run(self, rtol: float, n: int) -> FloatArray:
        self.peer.tolerate(rtol, self.atol(rtol))
        values, self.elapsed, self.busy = self.peer.solve_first(n)
        return np.asarray(values)

    def turn(self) -> None:
        self.values = self._run(self.rtol, self.n)
        self.best, self.best_cpu = min(self.best, self.elapsed), min(self.best_cpu, self.busy)


class _Engine(_Contestant):
    """This package's engine."""

    def __init__(
        self, case: Case, counts: dict[str, int], scale: FloatArray, reference: FloatArray, threads: int, backend: str,
        rtol: float | None, compile_seconds: dict[str, float],
    ):  # fmt: skip
        label = "engager" if backend == "native" else "engager-cuda"
        super().__init__(label if rtol is None else f"{label} rtol {rtol:g}", case, scale, reference)
        self.threads, self.backend = threads, backend
        self.n = counts[backend]
        self.problem = case.problem(self.n)
        # once per model: a cold compile takes seconds
        self.compile_seconds = compile_seconds if backend == "native" else {}
        if rtol is None:
            self.choose_tolerance(lambda rtol: self._solve(case.problem(_SAMPLE), rtol).values)
        else:
            self.rtol = rtol

    def _solve(self, problem: Any, rtol: float) -> Any:
        from engager.engine import solve

        return solve(
            problem, method="rodas5p", rtol=rtol, atol=self.atol(rtol), backend=self.backend,
            n_threads=self.threads if self.backend == "native" else None,
        )  # fmt: skip

    def solve(self) -> None:
        self.result = self._solve(self.problem, self.rtol)

    def row(self) -> Row:
        n = min(self.n, len(self.reference))
        tried = int((self.result.n_steps + self.result.n_rejected).sum())
        detail = {
            "patients_per_cpu_s": self.n / self.best_cpu,
            "steps": float(self.result.n_steps.mean()),
            "rejected": float(self.result.n_rejected.mean()),
            "right_sides": tried / self.n * 8.0,
            **self.compile_seconds,
        }
        if self.backend == "native":
            from engager.engine import time_parts

            parts = time_parts(self.case.problem(64), "rodas5p", self.rtol)
            detail["ns_per_right_side"] = parts["rates"]
            detail["operations_per_s"] = parts["operations"] * tried / self.best_cpu
        error = largest_error(self.result.values[:n], self.reference[:n])
        return Row(
            self.name, self.case.id, self.threads, self.n, self.n / self.best, error, self.result.n_failed,
            self.rtol, detail,
        )  # fmt: skip


def _table(rows: list[Row], skipped: list[Skipped], machine: dict[str, float]) -> str:
    head = (
        f"{'model':<14} {'solver':<20} {'threads':>7} {'patients':>8} {'rtol':>6} {'patients/s':>11} "
        f"{'per CPU s':>10} {'error':>8} {'failed':>6} {'x RR':>6}"
    )
    lines = [head]
    base = {row.model: row.detail["patients_per_cpu_s"] for row in rows if row.solver == "libroadrunner"}
    for row in rows:
        each = row.detail["patients_per_cpu_s"]
        ratio = f"{each / base[row.model]:6.1f}" if row.model in base else "     -"
        lines.append(
            f"{row.model:<14} {row.solver:<20} {row.threads:>7} {row.patients:>8} {row.rtol:>6.0e} "
            f"{row.patients_per_s:>11.1f} {each:>10.1f} {row.max_error:>8.1e} {row.failed:>6} {ratio}"
        )
    lines.append("x RR: patients per second of CPU, as a multiple of libRoadRunner's")
    for row in rows:
        if row.detail:
            told = ", ".join(f"{name} {value:.3g}" for name, value in row.detail.items())
            lines.append(f"{row.model} {row.solver} ({row.threads} threads): {told}")
    lines.append(f"one core's peak, multiply-adds in registers: {machine['peak_gflops_per_core']:.1f} GFLOP/s")
    lines += [f"skipped {one.solver} on {one.model}: {one.reason}" for one in skipped]
    return "\n".join(lines)
