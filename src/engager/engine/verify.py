"""Runs semantic test cases of an SBML model folder and says which pass, fail or are refused.

A case is a folder with ``model.xml``, ``settings.txt`` and ``results.csv``, or with the same three named
``NNNNN-sbml-lXvY.xml``, ``NNNNN-settings.txt`` and ``NNNNN-results.csv``. A value passes when
``|ours - expected| <= absolute + relative * |expected|``.
"""

from __future__ import annotations

import csv
import math
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engager.core import FloatArray, InputError, Problem, UnsupportedModel, nearest, safe_imports
from engager.engine.problem import OdeProblem, Trajectories
from engager.model import System, evaluate_outputs, read_sbml

BACKENDS = ("reference", "native")
_MAX_ROWS = 1_000_000


@dataclass(frozen=True)
class CaseReport:
    """What became of one case: ``passed``, ``failed`` or ``refused``, and why."""

    status: str
    reason: str = ""


@dataclass
class VerifyReport:
    """What became of all cases of a folder.

    Attributes
    ----------
    passed, failed, refused : numbers of cases.
    cases : case id -> `CaseReport`.
    """

    passed: int = 0
    failed: int = 0
    refused: int = 0
    cases: dict[str, CaseReport] = field(default_factory=dict)

    def add(self, case: str, report: CaseReport) -> None:
        """Count one more case."""
        self.cases[case] = report
        setattr(self, report.status, getattr(self, report.status) + 1)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        cases = {case: asdict(report) for case, report in sorted(self.cases.items())}
        return {"passed": self.passed, "failed": self.failed, "refused": self.refused, "cases": cases}


@dataclass(frozen=True)
class Settings:
    """What a case asks for; see the suite's ``settings.txt``."""

    start: float
    duration: float
    steps: int
    variables: tuple[str, ...]
    absolute: float
    relative: float
    amount: frozenset[str]
    concentration: frozenset[str]

    @property
    def times(self) -> FloatArray:
        """Array (time,): the instants compared."""
        return np.asarray(self.start + self.duration * np.arange(self.steps + 1) / max(self.steps, 1))


def verify_directory(
    path: str | Path,
    *,
    backend: str = "reference",
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VerifyReport:
    """Run every case below `path`.

    Parameters
    ----------
    path : a folder of cases, or one case.
    backend : ``reference`` (everything), or ``native`` (the fast engine; refuses models with events).
    processes : how many cases run at once; default: 2 at most, 1 for a few cases.
    progress : called with (cases done, cases).

    Raises
    ------
    InputError
        When the folder holds no cases or the backend is unknown.
    """
    if backend not in BACKENDS:
        raise InputError(Problem("backend", backend, "must be one of " + ", ".join(BACKENDS)))
    folders = find_cases(Path(path))
    report = VerifyReport()
    for k, (case, result) in enumerate(_run_all(folders, backend, processes)):
        report.add(case, result)
        if progress is not None:
            progress(k + 1, len(folders))
    return report


def _run_all(folders: list[Path], backend: str, processes: int | None) -> Iterator[tuple[str, CaseReport]]:
    if processes is None:
        processes = min(2, multiprocessing.cpu_count()) if len(folders) > 40 else 1
    tasks = [(str(folder), backend) for folder in folders]
    if processes == 1:
        yield from map(_run_task, tasks)
        return
    with safe_imports(), ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_run_task, tasks, chunksize=4)


def _run_task(task: tuple[str, str]) -> tuple[str, CaseReport]:
    folder, backend = Path(task[0]), task[1]
    return folder.name, run_case(folder, backend=backend)


def find_cases(path: Path) -> list[Path]:
    """Folders of cases, in order of their names."""
    if not path.is_dir():
        raise InputError(Problem(str(path), "no such folder", "must be a folder of test cases"))
    if _file(path, "settings.txt") is not None:
        return [path]
    folders = sorted(one for one in path.iterdir() if one.is_dir() and _file(one, "settings.txt") is not None)
    if not folders:
        rule = "must hold folders with model.xml, settings.txt and results.csv"
        raise InputError(Problem(str(path), "no test cases", rule))
    return folders


def _file(folder: Path, name: str) -> Path | None:
    """`name`, or the same with the case's number before it; of several models the latest level."""
    plain = folder / name
    if plain.is_file():
        return plain
    pattern = "*-sbml-l*v*.xml" if name == "model.xml" else f"*-{name}"
    found = sorted(folder.glob(pattern))
    return found[-1] if found else None


def run_case(folder: Path, *, backend: str = "reference") -> CaseReport:
    """Solve one case and compare it with what is expected; never raises."""
    model, settings_file, results = (_file(folder, name) for name in ("model.xml", "settings.txt", "results.csv"))
    if model is None or settings_file is None or results is None:
        return CaseReport("failed", "a file of the case is missing")
    try:
        system = read_sbml(model.read_bytes(), where=model.name)  # a refusal comes before anything else
        settings = read_settings(settings_file.read_text(), str(settings_file))
        expected = read_results(results)
        ours = simulate_case(system, settings, backend)
    except UnsupportedModel as error:
        return CaseReport("refused", str(error))
    except InputError as error:
        return CaseReport("failed", f"cannot be read: {error}")
    except Exception as error:  # a fault of ours in one case must not hide the verdict on the others
        return CaseReport("failed", f"internal error: {type(error).__name__}: {error}")
    return compare(ours, expected, settings)


def read_settings(text: str, where: str) -> Settings:
    """A case's settings.

    Raises
    ------
    InputError
        When a number is missing or malformed.
    """
    found = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found[key.strip().lower()] = value.strip()

    def names(key: str) -> tuple[str, ...]:
        return tuple(name.strip() for name in found.get(key, "").split(",") if name.strip())

    try:
        settings = Settings(
            float(found.get("start", "0") or 0), float(found["duration"]), int(float(found["steps"])),
            names("variables"), float(found["absolute"]), float(found["relative"]),
            frozenset(names("amount")), frozenset(names("concentration")),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise InputError(Problem(where, str(error), "must give duration, steps, absolute and relative")) from None
    if not (0 <= settings.steps <= _MAX_ROWS and math.isfinite(settings.duration) and settings.duration >= 0):
        raise InputError(Problem(where, settings.steps, f"must ask for at most {_MAX_ROWS} steps"))
    return settings


def read_results(path: Path) -> dict[str, FloatArray]:
    """Expected columns by name; the time is the first column."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        raise InputError(Problem(str(path), "no rows", "must be a table with a header"))
    header = [name.strip() for name in rows[0]]
    try:
        table = np.array([[float(cell) for cell in row[: len(header)]] for row in rows[1:]])
    except ValueError as error:
        raise InputError(Problem(str(path), str(error), "must hold numbers")) from None
    return {name: table[:, k] for k, name in enumerate(header)}


def simulate_case(system: System, settings: Settings, backend: str) -> dict[str, FloatArray]:
    """Array (time,) of every variable that a case names; NaN where the solver failed."""
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    times = settings.times
    first = 0
    if settings.start > 0:  # a model always begins at 0; the rows before the start are not asked for
        times, first = np.concatenate([[0.0], times]), 1
    problem = OdeProblem(system, parameters, times)
    solved = _solve(problem, settings, backend)
    keys = {name: quantity_key(system, name, settings) for name in settings.variables}
    found = evaluate_outputs(system, list(keys.values()), solved.values, parameters, None, times[None, :])
    return {name: np.array(found[key][0, first:]) for name, key in keys.items()}


def _solve(problem: OdeProblem, settings: Settings, backend: str) -> Trajectories:
    rtol = min(1e-9, settings.relative * 1e-3)
    if backend == "reference":
        from engager.engine.reference.backend import solve_reference

        return solve_reference(problem, rtol=rtol, max_steps=400_000)
    if not problem.system.states:
        rule = "has no states, so there is nothing for the native backend to solve"
        raise UnsupportedModel(Problem(problem.system.id, "model", rule))
    from engager.engine.solving import solve

    return solve(problem, backend="native", rtol=rtol)


def quantity_key(system: System, name: str, settings: Settings) -> str:
    """The state, parameter or output that holds a variable of a case.

    Raises
    ------
    InputError
        When the model has no such quantity.
    """
    if f"[{name}]" in system.outputs:
        return f"amount({name})" if name in settings.amount else f"[{name}]"
    if name in system.outputs or name in system.states or name in system.parameters:
        return name
    known = (*system.outputs, *system.states, *system.parameters)
    raise InputError(Problem("settings.txt: variables", name, "is not in the model", nearest(name, known)))


def compare(ours: dict[str, FloatArray], expected: dict[str, FloatArray], settings: Settings) -> CaseReport:
    """The verdict on one case, with the first row that is off."""
    for name in settings.variables:
        if name not in expected:
            return CaseReport("failed", f"no column {name} in the expected results")
        theirs, mine = expected[name], ours[name]
        if theirs.shape != mine.shape:
            return CaseReport("failed", f"{name}: {mine.size} rows, expected {theirs.size}")
        with np.errstate(invalid="ignore"):
            near = np.abs(mine - theirs) <= settings.absolute + settings.relative * np.abs(theirs)
        same = near | (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        if not same.all():
            k = int(np.argmin(same))
            text = f"{name} at time {settings.times[k]:.6g}: got {mine[k]:.9g}, expected {theirs[k]:.9g}"
            return CaseReport("failed", text)
    return CaseReport("passed")
