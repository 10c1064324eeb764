"""`engager bench --models`: a folder of model files in the compiled engine and in the reference, and where they differ.

In: SBML and Antimony files. Out: one `ModelReport` a file. A file runs in a process of its own kind, so that one that
takes too long, or takes the process with it, is told and the next one goes on. Not here: which of the two is right.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engager.core import FloatArray, InputError, Problem, UnsupportedModel, safe_imports

_ENDINGS = (".xml", ".sbml", ".ant")
#: Outcomes: the same; different; one or both gave up; only the reference runs it; not read; too slow.
OUTCOMES = ("same", "differs", "native failed", "reference failed", "both failed", "reference only", "refused", "slow")
#: Courses differ when they are further apart than this share of the state's largest size.
DIFFERENCE = 1e-3
_TIMES = 51
_RTOL = 1e-8
_MAX_STEPS = 100_000


@dataclass(frozen=True)
class ModelReport:
    """What became of one file.

    Attributes
    ----------
    file : path below the folder.
    outcome : one of `OUTCOMES`.
    states : how many the model has; 0 when it was not read.
    difference : the largest, as a share of the state's largest size; NaN when there was nothing to compare.
    where : state and time of the largest difference, the status of who failed, or why the file was refused.
    """

    file: str
    outcome: str
    states: int = 0
    difference: float = float("nan")
    where: str = ""


def compare_backends(
    folder: Path | str,
    *,
    until: float = 100.0,
    seconds: float = 60.0,
    progress: Callable[[int, int], None] | None = None,
) -> list[ModelReport]:
    """Runs every model file below `folder` in both backends.

    Parameters
    ----------
    until : last time [each model's unit]; both are compared at 51 times from 0 on.
    seconds : a file that takes longer counts as slow.
    progress : called with (files done, files).

    Raises
    ------
    InputError
        When the folder holds no model files.
    """
    root = Path(folder)
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
    if not files:
        rule = f"must be a folder with files that end in {', '.join(_ENDINGS)}"
        raise InputError(Problem("--models", str(root), rule))
    reports = []
    for k, (path, (outcome, states, difference, where)) in enumerate(_each(files, until, seconds)):
        reports.append(ModelReport(str(path.relative_to(root)), outcome, states, difference, where))
        if progress is not None:
            progress(k + 1, len(files))
    return reports


def reports_as_json(reports: list[ModelReport]) -> dict[str, Any]:
    """Counts by outcome, and every file, as plain JSON values."""
    counts = {outcome: sum(one.outcome == outcome for one in reports) for outcome in OUTCOMES}
    rows = [asdict(one) for one in reports]
    for row in rows:
        row["difference"] = row["difference"] if np.isfinite(row["difference"]) else None
    return {"counts": counts, "models": rows}


_Answer = tuple[str, int, float, str]


def _each(files: list[Path], until: float, seconds: float) -> Iterator[tuple[Path, _Answer]]:
    """Answers in the order of the files; a process that does not answer in time is ended and another begun."""
    context = multiprocessing.get_context("spawn")
    process = pipe = None
    try:
        for path in files:
            if process is None:
                pipe, far = context.Pipe()
                process = context.Process(target=_serve, args=(far, until), daemon=True)
                with safe_imports():
                    process.start()
                far.close()
            assert pipe is not None
            pipe.send(str(path))
            answer: _Answer = ("slow", 0, float("nan"), f"took more than {seconds:g} s")
            try:
                if pipe.poll(seconds):
                    answer = pipe.recv()
                    yield path, answer
                    continue
            except EOFError:
                answer = ("both failed", 0, float("nan"), "ended the process")
            process.kill()
            process.join()
            process = None
            yield path, answer
    finally:
        if process is not None:
            process.kill()
            process.join()


def _serve(pipe: Any, until: float) -> None:
    """Answers paths with outcomes until the other end is gone."""
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        try:
            answer = compare_file(Path(path), until)
        except Exception as error:  # a fault of ours in one file must not hide the others
            answer = ("both failed", 0, float("nan"), f"internal error: {type(error).__name__}: {error}")
        pipe.send(answer)


def compare_file(path: Path, until: float) -> _Answer:
    """Outcome, number of states, largest difference and where it is, of one file."""
    from engager.engine import OdeProblem, Status, load_system, solve

    try:
        system = load_system(path)
    except UnsupportedModel as error:
        return "refused", 0, float("nan"), str(error)
    except InputError as error:
        return "refused", 0, float("nan"), f"not read: {error}"
    n = len(system.states)
    parameters = np.array([[system.defaults.get(name, np.nan) for name in system.parameters]])
    problem = OdeProblem(system, parameters, np.linspace(0.0, until, _TIMES))
    found: dict[str, FloatArray | None] = {}
    told: list[str] = []
    alone = "events" if system.events else "no states"
    for backend in ("native", "reference"):
        if backend == "native" and (system.events or not n):
            continue
        try:
            result = solve(problem, backend=backend, rtol=_RTOL, max_steps=_MAX_STEPS)
        except UnsupportedModel as error:
            if backend == "reference":
                return "refused", n, float("nan"), f"{backend}: {error}"
            alone = f"native: {error}"
            continue
        status = Status(int(result.status[0]))
        found[backend] = None if status else result.values[0]
        if status:
            told.append(f"{backend} {status.name}")
    if "native" not in found:
        outcome = "reference failed" if told else "reference only"
        return outcome, n, float("nan"), ", ".join(told) or alone
    native, reference = found["native"], found["reference"]
    if native is None or reference is None:
        outcome = "both failed" if len(told) == 2 else f"{told[0].split()[0]} failed"
        return outcome, n, float("nan"), ", ".join(told)
    difference, where = largest_difference(native, reference, system.states, problem.save_times)
    return ("differs" if difference > DIFFERENCE else "same"), n, difference, where


def largest_difference(
    native: FloatArray, reference: FloatArray, states: tuple[str, ...], times: FloatArray
) -> tuple[float, str]:
    """The largest difference of two courses, arrays (time, state), as a share of each state's size; and where it is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.nanmax(np.abs(reference), axis=0, initial=0.0)
        share = np.where(size > 0, np.abs(native - reference) / np.where(size > 0, size, 1.0), np.abs(native) > 0)
    share = np.where(np.isnan(native) & np.isnan(reference), 0.0, share)
    share = np.where(np.isnan(share), np.inf, share)
    row, column = np.unravel_index(int(np.argmax(share)), share.shape)
    ours, theirs = native[row, column], reference[row, column]
    where = f"{states[column]} at time {times[row]:g}: native {ours:.7g}, reference {theirs:.7g}"
    return float(share[row, column]), where
