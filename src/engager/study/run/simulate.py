"""Run a study: simulate, estimate, compare, report, and leave one folder that can be replayed.

In: a `Protocol`. Out: a `RunFolder`. Not here: any science; each step is one call of the layer it belongs to.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engager.core import (
    MOST_REPLICATES,
    TRIAL_REPLICATES,
    EngagerError,
    InputError,
    Interrupted,
    Problem,
    beside,
    digest,
    parquet_bytes,
    sha256_of,
    usable_cpus,
    versions,
    write_whole,
)
from engager.protocol import Protocol, write_protocol
from engager.study.notes import run_notes
from engager.study.parameters import Parameters, population_parameters
from engager.study.plain_json import plain_json
from engager.study.run.chunks import DamagedChunk, Span
from engager.study.run.conclude import conclusions
from engager.study.run.folder import MANIFEST_VERSION, RunFolder, sealed
from engager.study.run.joining import join_tables
from engager.study.run.workplace import Tell, Workplace
from engager.study.scope import outside_fit
from engager.trial import get_ready, piece_size, simulate_spans

if TYPE_CHECKING:
    import polars as pl

    from engager.report import CoursesSection, PredictiveSection, ReportContent
    from engager.trial import TrialData

_Read = TypeVar("_Read")

DEFAULT_SEED = 1
DEVICES = ("cpu", "cuda")
# Pieces that may be found damaged and simulated again before the disk is to blame.
_MOST_DAMAGED = 20


@dataclass(frozen=True)
class RunProgress:
    """How far a run has come.

    Attributes
    ----------
    share : of the simulation, 0 to 1.
    patients, replicates : finished so far; n_patients, n_replicates : in all.
    stage : simulating, estimating, comparing or reporting.
    """

    share: float
    patients: int
    n_patients: int
    replicates: int
    n_replicates: int
    stage: str


Progress = Callable[[RunProgress], None]


@dataclass(frozen=True)
class _Where:
    """On what a run is simulated.

    Attributes
    ----------
    n_threads : cores; None: all. scheduler : address of a cluster, if any. device : ``cpu`` or ``cuda``.
    """

    n_threads: int | None
    scheduler: str | None
    device: str

    @property
    def n_here(self) -> int | None:
        """Processes of this machine that share the pieces: one where a cluster or a GPU does the work."""
        return self.n_threads if self.scheduler is None and self.device == "cpu" else 1


def run_study(
    protocol: Protocol,
    *,
    replicates: int = TRIAL_REPLICATES,
    seed: int = DEFAULT_SEED,
    patients: int | None = None,
    parameters: str = "posterior",
    out: str | Path | None = None,
    n_threads: int | None = None,
    chunk: int | None = None,
    scheduler: str | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    resume: bool = False,
    tell: Tell | None = None,
    report: bool = True,
) -> RunFolder:
    """Run a study and write its folder.

    Parameters
    ----------
    protocol : the study.
    replicates : virtual trials to run, >= 1.
    seed : any whole number >= 0; the same seed gives the same bits.
    patients : patients of one virtual trial instead of the study's own n, in the arms' proportions.
    parameters : ``posterior`` (every replicate its own draw of the fit), ``posterior:tower`` (the same with what TOWER
        itself differs in), ``center``, ``table``, or a posterior file.
    out : the run folder, which must not exist; None: ``runs/<study>-<seed>-<time>``.
    n_threads : cores to use, None for all. It changes no number.
    chunk : replicates simulated and saved together; None: chosen by size. It changes no number.
    scheduler : address of a Dask scheduler that simulates the chunks, or ``local``; None: this process. It changes no
        number.
    device : ``cpu``, or ``cuda`` for the equations on this machine's NVIDIA GPU; decisions stay here.
    progress : told after every step.
    resume : go on with an interrupted run in `out`; of a finished one nothing is done again, and where there is
        none a new one begins.
    tell : told which pieces of an interrupted run cannot be used; None: a warning.
    report : write ``report.html`` too, which takes a few seconds. It changes no number.

    Raises
    ------
    InputError
        All bad arguments together, or when another process writes there; nothing is written then.
    Interrupted
        On Ctrl-C; what is finished is kept, and the message says how to go on.
    """
    _check(replicates, seed, n_threads, chunk)
    where = _where(n_threads, scheduler, device)
    if patients is not None:
        protocol = protocol.with_patients(patients)
    started, clock = datetime.now(UTC), time.perf_counter()
    if where.device == "cpu" and where.scheduler is None:
        get_ready(protocol, replicates, n_threads)  # while files are read
    text = write_protocol(protocol)
    values = population_parameters(protocol.model.id, seed, parameters)
    inputs = {
        **_inputs(protocol, text, values),
        "seed": seed,
        "replicates": replicates,
        "parameters": values.used,
        "versions": versions(),
        **({"device": device} if device != "cpu" else {}),
    }
    target = _target(protocol, seed, out, started, resume)
    work = Workplace(target, inputs, replicates, protocol.n_patients, tell or _warn)
    work.enter(resume)
    try:
        if not work.is_finished:
            # waited for at the end of the program as well: a library that is being loaded does not bear to be cut off
            writers = threading.Thread(target=_load_writers, args=(report,))

            def simulate() -> None:
                spans = _spans(protocol, replicates, chunk, where.n_here, work)
                _simulate(protocol, spans, seed, where, values, work, replicates, progress, writers)
                _begin(writers)

            def read(what: Callable[[], _Read]) -> _Read:
                return _undamaged(work, simulate, what)

            sampled = read(lambda: _table(work, "trajectories"))
            with _report_ahead(protocol, sampled, values, seed, n_threads, report) as ahead:
                tables = read(lambda: join_tables(work, protocol.n_patients, where.n_threads))
                data = read(lambda: _held(protocol, work, sampled))
                manifest: dict[str, Any] = {
                    "manifest_version": MANIFEST_VERSION,
                    "trial": protocol.study,
                    "seed": seed,
                    "replicates": replicates,
                    "parameters": parameters,
                    "patients_per_replicate": protocol.n_patients,
                    "n_after_cut": protocol.n_patients * replicates - data.patients.height,
                    "n_failed": data.n_failed,
                    "started": started.isoformat(timespec="seconds"),
                    "protocol": text,
                    "inputs": _inputs(protocol, text, values),
                    "run_inputs": inputs,
                    "versions": versions(),
                    "notes": [*run_notes(protocol), *([values.note] if values.note else [])],
                    "outside_fit": outside_fit(protocol),
                    "tables": tables,
                }
                manifest["seconds"] = round(time.perf_counter() - clock, 2)
                results, page = _conclude(protocol, data, work.target, manifest, values, progress, writers, ahead)
                manifest["tables"] |= results
            if page is not None:
                from engager.report import write_report

                write_report(work.target, *page)  # with the worker that is free now
            manifest["seconds"] = round(time.perf_counter() - clock, 2)  # with the report
            manifest["sha256"] = {path.name: sha256_of(path) for path in work.results()}
            work.finish(sealed(plain_json(manifest)))
    except KeyboardInterrupt:
        raise _interrupted(work) from None
    except BaseException:
        work.give_up()
        raise
    work.leave()
    return RunFolder.open(work.target)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=2)


def _where(n_threads: int | None, scheduler: str | None, device: str) -> _Where:
    """Where to simulate; refused when there is no such place."""
    if device not in DEVICES:
        raise InputError(Problem("--device", device, f"must be {' or '.join(DEVICES)}", "The default is cpu."))
    if device == "cuda":
        from engager.engine import require_gpu

        if scheduler is not None:
            rule = "is of this machine and cannot be asked of the workers of --scheduler"
            raise InputError(Problem("--device", device, rule, "Leave one of the two out."))
        require_gpu()
    return _Where(n_threads, scheduler, device)


def _check(replicates: int, seed: int, n_threads: int | None, chunk: int | None) -> None:
    problems = []
    if not 1 <= replicates <= MOST_REPLICATES:
        rule = f"must be between 1 and {MOST_REPLICATES}"
        problems.append(Problem("--replicates", replicates, rule, f"The default is {TRIAL_REPLICATES}."))
    if seed < 0:
        problems.append(Problem("--seed", seed, "must be a whole number from 0", f"The default is {DEFAULT_SEED}."))
    if n_threads is not None and n_threads < 1:
        problems.append(Problem("--threads", n_threads, "must be at least 1", "Leave it out for all cores."))
    if chunk is not None and chunk < 1:
        problems.append(Problem("--chunk", chunk, "must be at least 1 replicate", "Leave it out."))
    if problems:
        raise InputError(problems)


def _target(protocol: Protocol, seed: int, out: str | Path | None, started: datetime, resume: bool) -> Path:
    if out is not None:
        return Path(out)
    if resume:
        rule = "needs the folder of the interrupted run"
        raise InputError(Problem("--resume", None, rule, "Name it with --out; the interrupted run told it."))
    return Path("runs") / f"{protocol.study}-{seed}-{started.strftime('%Y%m%dT%H%M%S')}"


def _spans(
    protocol: Protocol, replicates: int, chunk: int | None, n_threads: int | None, work: Workplace
) -> list[Span]:
    """Replicates still to be simulated, as (first, end) pieces."""
    size = chunk or piece_size(protocol.n_patients, replicates - work.n_done, n_threads)
    spans: list[Span] = []
    for replicate in range(replicates):
        if work.is_done(replicate):
            continue
        if spans and spans[-1][1] == replicate and replicate - spans[-1][0] < size:
            spans[-1] = (spans[-1][0], replicate + 1)
        else:
            spans.append((replicate, replicate + 1))
    return spans


def _undamaged(work: Workplace, simulate: Callable[[], None], read: Callable[[], _Read]) -> _Read:
    """What is read of the pieces, once those that are missing, or turn out to be damaged, are simulated."""
    n_damaged = 0
    while True:
        simulate()
        try:
            return read()
        except DamagedChunk as damaged:
            n_damaged += 1
            if n_damaged > _MOST_DAMAGED:
                raise EngagerError(
                    f"{n_damaged} pieces of {work.target} changed on the disk after they were written. "
                    "Check the disk, then go on with --resume and --out on another."
                ) from None
            work.set_aside(damaged)


def _held(protocol: Protocol, work: Workplace, trajectories: pl.DataFrame) -> TrialData:
    """What estimates and pages read; visits and events may be too large to hold, and nobody reads them here."""
    from engager.trial import TrialData

    empty = {name: next(work.pieces(name)).clear() for name in ("visits", "events")}
    return TrialData(protocol, patients=_table(work, "patients"), trajectories=trajectories, **empty)


def _table(work: Workplace, name: str) -> pl.DataFrame:
    """One whole table of the pieces."""
    import polars as pl

    return pl.concat(list(work.pieces(name)))


def _simulate(
    protocol: Protocol,
    spans: list[Span],
    seed: int,
    where: _Where,
    values: Parameters,
    work: Workplace,
    replicates: int,
    progress: Progress | None,
    writers: threading.Thread,
) -> None:
    """Simulate every piece, here or on a cluster, and keep each as it is finished.

    Parameters
    ----------
    writers : loads what comes next, begun while the others are at work on the last pieces.
    """
    done = replicates - sum(end - first for first, end in spans)

    def tell(share: float) -> None:
        _tell(progress, protocol, done + share * (replicates - done), replicates, "simulating")

    if where.scheduler is None:
        pieces = simulate_spans(
            protocol, spans, seed=seed, n_threads=where.n_here, progress=tell, settings=values.settings,
            backend="cuda" if where.device == "cuda" else "auto",
        )  # fmt: skip
    else:
        from engager.study.run.distribute import simulate_on

        pieces = simulate_on(where.scheduler, protocol, spans, seed, where.n_threads, values.settings, work.tell)
    for finished, (span, data) in enumerate(pieces, start=1):
        work.keep(span, data)
        _begin(writers)
        if where.scheduler is not None:
            tell(finished / len(spans))


def _begin(thread: threading.Thread) -> None:
    if thread.ident is None:
        thread.start()


def _load_writers(report: bool) -> None:
    """Load what tables and pages are written with, which takes half a second."""
    import pyarrow.parquet  # noqa: F401

    if report:
        from engager.report import load_plotting

        load_plotting()


@dataclass(frozen=True)
class _Ahead:
    """Of a report, what waits for no estimate and is made on a worker meanwhile.

    Attributes
    ----------
    courses : sampled patients; None: nothing to show. predictive : waits for individual patients beside virtual ones.
    pictures : what waits for each figure of the courses, by name.
    """

    courses: CoursesSection | None
    predictive: Callable[[], PredictiveSection | None]
    pictures: Mapping[str, Callable[[], str]]


@contextlib.contextmanager
def _report_ahead(
    protocol: Protocol, sampled: pl.DataFrame, values: Parameters, seed: int, n_threads: int | None, report: bool
) -> Iterator[_Ahead | None]:
    """Begin with the report; None where there is to be none."""
    if not report:
        yield None
        return
    from engager.report import Drawing, courses_figures, draw_figure
    from engager.study.run.content import courses_section
    from engager.study.run.individuals import predictive_beside

    courses = courses_section(protocol, sampled)
    drawings: list[Drawing] = courses_figures(courses)["panels"] if courses is not None else []
    settings = (str(protocol.model), values.used, values.typical, seed)
    tasks: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [(predictive_beside, settings)]
    tasks += [(draw_figure, (one,)) for one in drawings]
    with beside(tasks, n_threads or usable_cpus()) as (predictive, *pictures):
        yield _Ahead(courses, predictive, dict(zip((one.name for one in drawings), pictures, strict=True)))


def _conclude(
    protocol: Protocol,
    data: TrialData,
    folder: Path,
    manifest: dict[str, Any],
    values: Parameters,
    progress: Progress | None,
    writers: threading.Thread,
    ahead: _Ahead | None,
) -> tuple[dict[str, str], tuple[ReportContent, dict[str, str]] | None]:
    """Estimates and comparisons, written, with their digests; content of the report and its figures drawn ahead.

    Parameters
    ----------
    writers : loads what the report is written with.
    ahead : what of the report is begun; None: there is to be none.
    """
    replicates = int(manifest["replicates"])

    def tell(stage: str) -> None:
        _tell(progress, protocol, replicates, replicates, stage)

    write_whole(folder / "study.yaml", str(manifest["protocol"]))
    results = conclusions(protocol, data, replicates, int(manifest["seed"]), values, tell)
    write_whole(folder / "estimates.parquet", parquet_bytes(results.estimates))
    write_whole(folder / "comparisons.json", _json(results.comparisons))
    if ahead is None:
        return results.digests(), None
    from engager.study.run.content import report_content

    tell("reporting")
    writers.join()  # before anything is drawn here
    content = report_content(
        protocol, data, results.estimates, results.comparisons, manifest, folder.name, values, ahead.predictive(),
        ahead.courses,
    )  # fmt: skip
    return results.digests(), (content, {name: picture() for name, picture in ahead.pictures.items()})


def _inputs(protocol: Protocol, text: str, values: Parameters) -> dict[str, str]:
    """Hashes of everything the numbers came from."""
    from engager.core import digest_object

    found = {
        "protocol": digest(text),
        **protocol.model_hashes(),
        f"parameters:{values.used}": values.hash,
    }
    if protocol.record is not None:
        from engager.evidence import record

        found[f"record:{protocol.record}"] = digest_object(record(protocol.record).model_dump(mode="json"))
    return found


def _tell(progress: Progress | None, protocol: Protocol, done: float, replicates: int, stage: str) -> None:
    if progress is not None:
        n = protocol.n_patients
        total = n * replicates
        progress(RunProgress(done / replicates, int(done * n), total, int(done), replicates, stage))


def _interrupted(work: Workplace) -> Interrupted:
    if n_done := work.give_up():
        kept = f"{n_done} finished replicate{'s are' if n_done != 1 else ' is'} kept in {work.target}"
        return Interrupted(f"Interrupted; {kept}. Go on with the same options, --out {work.target} and --resume.")
    return Interrupted("Interrupted before the first replicates were finished; nothing was written.")


def _json(content: Any) -> str:
    return json.dumps(plain_json(content), indent=2, ensure_ascii=False) + "\n"
