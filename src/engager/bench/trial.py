"""How near a whole trial comes to its equations: TOWER with all decisions, beside the same courses solved in one go.

In: replicates and numbers of processes. Out: patients per second of the trial and of its ceiling. The ceiling is the
same patients with the doses they got, over the days they were followed, each solved from first to last day in one call:
no visits, no decisions, nothing restarted. Two things are left out of it: a change of sensitivity when the arm's own
chemotherapy gives way to a later one, and tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engager.core import FloatArray, IntArray, share_out, usable_cpus
from engager.engine import Action, OdeProblem, Schedule, Trajectories, solve, with_own_rows
from engager.model import DiseaseRoles, System
from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial import METHOD, RTOL, piece_size, simulate_here

STUDY = "tower"
_SEED = 1
# One piece of a large run for each core: smaller ones pay more for each round of decisions (docs/how-to/large-runs.md).
_PER_CORE = 74
# Patients of a piece that is worth a process of its own.
_STARTS_ONE = 1000
# Courses that are recorded and solved again; enough to fill every lane, few enough to hold.
_RECORDED_TRIALS = 10


def measure_trial(
    replicates: int | None = None,
    threads: Sequence[int] | None = None,
    rounds: int = 5,
    device: str = "cpu",
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Simulate TOWER with its ceiling before and after it, in turns; medians of the turns count.

    Parameters
    ----------
    replicates : virtual trials, each of 405 patients; None: as many as a large run simulates together, 74, for each
        core of the largest number.
    threads : numbers of cores to try; None: one, and all. Other processes are started before the first turn.
    rounds : turns.
    device : "cpu", or "cuda" for the equations of both on a GPU.
    say : told what is going on.

    Returns
    -------
    ``{"study", "device", "replicates", "patients", "rows": [{"threads", "patients_per_s", "ceiling_patients_per_s",
    "share_of_ceiling", "share_in_solver"}]}``; `share_of_ceiling` is the median of the turns' own, which a machine
    whose speed drifts moves less than the quotient of the other two; `share_in_solver` is of the processes' own time.
    """
    protocol = shipped_protocol(STUDY)
    backend = "cuda" if device == "cuda" else "auto"
    counts = list(threads or sorted({1, usable_cpus()}))
    replicates = replicates or _PER_CORE * max(counts)
    say(f"recording the courses of {min(replicates, _RECORDED_TRIALS)} replicates")
    courses = record_courses(protocol, range(min(replicates, _RECORDED_TRIALS)), _SEED)
    n_patients = protocol.n_patients * replicates
    n_recorded = sum(one.n for one in courses)
    # half before and half after, together as long as the trial
    again = max(1, round(n_patients / n_recorded / 2))
    turns: dict[int, list[tuple[float, float, float]]] = {n: [] for n in counts}

    def ceiling(n: int) -> float:
        """Patients per second."""
        return n_recorded * again / sum(one.seconds(n, backend) for _ in range(again) for one in courses)

    for turn in range(rounds):
        for n in counts:
            say(f"turn {turn + 1} of {rounds}: {n} thread{'s' if n > 1 else ''}")
            if turn == 0 and n > 1:
                _simulate(protocol.with_patients(_STARTS_ONE), n, n, backend)  # start the processes
            before = ceiling(n)
            seconds, in_solver = _simulate(protocol, replicates, n, backend)
            turns[n].append((n_patients / seconds, 2.0 / (1.0 / before + 1.0 / ceiling(n)), in_solver))
    rows = []
    for n, found in turns.items():
        speed, most, in_solver = np.median(found, axis=0).tolist()
        rows.append(
            {
                "threads": n,
                "patients_per_s": speed,
                "ceiling_patients_per_s": most,
                "share_of_ceiling": float(np.median([one[0] / one[1] for one in found])),
                "share_in_solver": in_solver,
            }
        )
    return {"study": STUDY, "device": device, "replicates": replicates, "patients": n_patients, "rows": rows}


def _simulate(protocol: Protocol, replicates: int, n_processes: int, backend: str) -> tuple[float, float]:
    """Seconds of a whole trial on so many processes, and the share of their time in the solver."""
    size = piece_size(protocol.n_patients, replicates, n_processes)
    tasks = [
        (protocol, list(range(first, min(first + size, replicates))), backend) for first in range(0, replicates, size)
    ]
    start = time.perf_counter()
    # the tables are dropped as they come: a run writes them
    parts = [part[:2] for _, part in share_out(_timed_piece, tasks, n_processes)]
    seconds = time.perf_counter() - start
    return seconds, sum(part[1] for part in parts) / sum(part[0] for part in parts)


def _timed_piece(
    protocol: Protocol, replicates: Sequence[int], backend: str, tell: Callable[[float], None]
) -> tuple[float, float, Any]:
    """One piece: its seconds, those of them in the solver, and its tables, which a trial hands over as well."""
    in_solver = 0.0

    def solved(solution: Trajectories) -> None:
        nonlocal in_solver
        in_solver += solution.info.get("solve_seconds", 0.0)

    def witness(arm: str, rows: IntArray, problem: OdeProblem) -> Callable[[Trajectories], None]:
        return solved

    start = time.perf_counter()
    data = simulate_here(
        protocol, replicates=replicates, seed=_SEED, n_threads=1, n_sampled=0, backend=backend, witness=witness
    )
    return time.perf_counter() - start, in_solver, data


@dataclass
class Courses:
    """One arm's patients with everything that was done to them, as one problem.

    Attributes
    ----------
    start, parameters : array (patient, state) and (patient, parameter) on the first day.
    end : array (patient,): the last day each was followed.
    actions : (patients, times, action, index, values) as they were carried out, in order.
    """

    system: System
    roles: DiseaseRoles
    start: FloatArray
    parameters: FloatArray
    end: FloatArray
    actions: list[tuple[IntArray, FloatArray, IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _last: FloatArray | None = None
    _inputs: FloatArray | None = None

    @property
    def n(self) -> int:
        return self.end.size

    def add(self, rows: IntArray, problem: OdeProblem) -> Callable[[Trajectories], None]:
        """What was done to these patients in one stretch: states changed between stretches, rates, doses."""
        states = problem.initial
        assert states is not None
        problem = with_own_rows(problem)
        assert problem.initial is not None
        assert problem.inputs is not None
        assert problem.schedule is not None
        assert self._last is not None
        assert self._inputs is not None
        begin = problem.save_times[:, 0]
        for kind, now, before in (
            (Action.SET_STATE, problem.initial, self._last), (Action.SET_INPUT, problem.inputs, self._inputs),
        ):  # fmt: skip
            row, place = np.nonzero(now != before[rows])
            self._note(rows[row], begin[row], np.full(row.size, int(kind)), place, now[row, place])
        self._inputs[rows] = problem.inputs
        schedule, last = problem.schedule, self._last

        def carried_out(solution: Trajectories) -> None:
            row = np.repeat(np.arange(rows.size), np.diff(schedule.offsets))
            done = schedule.time <= solution.end_time[row]
            self._note(
                rows[row[done]], schedule.time[done], schedule.action[done], schedule.index[done], schedule.value[done]
            )
            last[rows] = states[rows]
            self.end[rows] = solution.end_time

        return carried_out

    def _note(self, rows: IntArray, time: FloatArray, action: IntArray, index: IntArray, value: FloatArray) -> None:
        self.actions.append((rows, time, action, index, value))

    def problem(self) -> OdeProblem:
        """Every patient from the first day to its last, all actions on the way."""
        columns = [np.concatenate(column) for column in zip(*self.actions, strict=True)]
        order = np.lexsort((np.arange(columns[0].size), columns[1], columns[0]))
        rows, when, action, index, value = (np.ascontiguousarray(column[order]) for column in columns)
        offsets = np.zeros(self.n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=self.n), out=offsets[1:])
        return OdeProblem(
            self.system,
            self.parameters,
            np.stack([np.zeros(self.n), self.end], axis=1),
            inputs=np.zeros((self.n, len(self.system.inputs))),
            initial=self.start,
            schedule=Schedule(offsets, when, action.astype(np.int64), index.astype(np.int64), value),
        )

    def seconds(self, n_threads: int, backend: str) -> float:
        """Wall time to solve the whole problem."""
        problem, atol = self.problem(), np.array(self.roles.tolerance_of(self.system.states))
        start = time.perf_counter()
        solve(problem, method=METHOD, rtol=RTOL, atol=atol, n_threads=n_threads, backend=backend)
        return time.perf_counter() - start


def record_courses(protocol: Protocol, replicates: Sequence[int], seed: int) -> list[Courses]:
    """The courses of every arm, as a trial carried them."""
    by_arm: dict[str, Courses] = {}

    def witness(arm: str, rows: IntArray, problem: OdeProblem) -> Callable[[Trajectories], None]:
        if arm not in by_arm:  # the first round has everybody
            assert problem.initial is not None
            assert problem.inputs is not None
            model = protocol.model_of(arm)
            found = Courses(
                model.system, model.roles, problem.initial.copy(), problem.parameters.copy(), np.zeros(problem.n)
            )
            found._last, found._inputs = problem.initial.copy(), np.zeros_like(problem.inputs)
            by_arm[arm] = found
        return by_arm[arm].add(rows, problem)

    values = PopulationValues()
    simulate_here(protocol, replicates=replicates, seed=seed, settings=lambda _: values, n_sampled=0, witness=witness)
    return list(by_arm.values())
