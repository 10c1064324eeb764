"""Kill what writes at every single file-system event, do it again, and compare bytes; run as a program of its own.

python killed_commands.py SCENARIO FOLDER [together]

With `together` nothing is killed: two processes do the work at once in one folder, held up at random events.

The program imports everything once and forks for each attempt. In a fork an audit hook counts what Python asks of the
file system within the folder (open, rename, remove, mkdir, rmdir, truncate) and ends the process before the n-th,
without a flush or a handler, as a kill would. The next fork does the same work again. Attempts go on until one ends by
itself. What was wrong is printed, one line each; the last line counts the events.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pickle
import random
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

os.environ["POLARS_MAX_THREADS"] = "1"  # a fork has no other threads

import numpy as np
import polars as pl
import pyarrow.parquet  # noqa: F401  # here, not in every fork

import engager.calibration
import engager.calibration.population.emulator
import engager.calibration.population.fit
import engager.evidence.records.export
import engager.report
import engager.study
import engager.study.adam.export
import engager.study.design.arms
import engager.study.run.content
import engager.study.run.individuals
import engager.study.run.simulate
import engager.study.sensitivity.drivers
import engager.study.validation.calibrate
import engager.study.validation.credibility
from engager.app.commands import review, sensitivity, validate
from engager.core import InputError, whole_folder
from engager.protocol import read_protocol
from engager.study.sensitivity.kept import KeptEvaluations
from engager.study.validation.calibrate import calibration_plan

KILLED = 137
FIT = {"members": 4, "rounds": 2, "seed": 1}
_WATCHED = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree", "os.link")


@dataclass
class Scenario:
    """Work that writes into a folder.

    Attributes
    ----------
    first : does it. again : does it once more after a kill; None: the same.
    before : what must be there.
    old : files that are replaced; a kill leaves the old or the new bytes, never others.
    timed : files that hold the time, so that their bytes differ between any two runs.
    """

    first: Callable[[Path], None]
    again: Callable[[Path], None] | None = None
    before: Callable[[Path], None] = lambda folder: None
    old: tuple[str, ...] = ()
    timed: tuple[str, ...] = field(default=())


def _module(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stand_in = _module("stand_in", Path(__file__).parents[1] / "unit" / "study" / "conftest.py")
engager.study.run.simulate.simulate_spans = stand_in.FakeSimulation().by_spans
engager.study.run.content.report_content = lambda *arguments: SimpleNamespace(title="a run")
engager.report.write_report = stand_in.fake_report
engager.report.load_plotting = lambda: None
engager.study.run.individuals.predictive_beside = lambda *arguments: None
engager.study.run.simulate.conclusions = lambda protocol, data, *rest: SimpleNamespace(
    estimates=data.patients.select("arm", "death_day"), comparisons=[{"inside": True}], digests=lambda: {}
)
# Each costs a tenth of a second on a busy disk, and what the end of a process loses it does not save.
os.fsync = lambda descriptor: None


def _run(folder: Path, resume: bool, seed: int = 3) -> None:
    protocol = read_protocol(stand_in.STUDY, "tiny.yaml")
    engager.study.run_study(
        protocol, replicates=4, seed=seed, chunk=2, out=folder / "run", resume=resume, tell=lambda text: None,
        n_threads=1,
    )  # fmt: skip
    engager.study.RunFolder.open(folder / "run").check()


def _validate(folder: Path) -> None:
    engager.study.validation_text = lambda *arguments: "new document\n" * 2000
    engager.study.credibility_content = lambda *arguments: None
    engager.study.validation.credibility.render_credibility = lambda content: "new page\n" * 2000
    found = SimpleNamespace(replicates=2, seed=1, parameters="table")
    validate._write(folder / "trust.md", folder / "trust.html", found, ["tower"])


def _before_validate(folder: Path) -> None:
    (folder / "trust.md").write_text("old document\n")
    (folder / "trust.html").write_text("old page\n")


def _calibrate(folder: Path) -> None:
    """A fit whose simulation is a stand-in."""

    def simulate(plan, members, number, progress, n_threads):
        n_data = sum(len(points) for points in plan.points)
        values = np.cos(members[:, :1] * (1 + np.arange(n_data)) / n_data) * 0.2 + 0.4
        return SimpleNamespace(values=values, n=np.full(values.shape, 100.0))

    fit = engager.calibration.population.fit
    fit.simulate_members, fit.TRAJECTORIES, fit.FINAL_TRAJECTORIES = simulate, 2, 2
    engager.calibration.population.emulator._STEPS = 3  # how good the fit is does not matter here
    found = engager.study.calibrate_population(["tower"], **FIT, work=folder / "work", n_threads=1)
    found.write(folder / "posterior.json")


def _arms(folder: Path) -> None:
    """The arms of a design, whose simulation is a stand-in."""

    def simulate(protocol, *, arms, replicates, **rest):
        of = np.repeat(np.array(replicates), 500)
        return SimpleNamespace(
            patients=pl.DataFrame({"arm": arms * of.size, "replicate": of, "patient": np.arange(of.size)})
        )

    module = engager.study.design.arms
    module.simulate_trial = simulate
    jobs = [SimpleNamespace(key=name, arm=name, work=1.0, protocol=None, settings=None) for name in ("a", "b", "c")]
    store = module.ArmStore(2, 1, 1, folder / "arms", "inputs")
    store.add(jobs, lambda share: None)
    assert [store.patients(job)["arm"][0] for job in jobs] == ["a", "b", "c"]


def _evaluations(folder: Path) -> None:
    """The kept evaluations of a sensitivity analysis, whose simulation is a stand-in."""
    kept = KeptEvaluations(folder / "evaluations", "inputs")
    points = np.arange(40.0).reshape(10, 4) / 40
    values = kept("patients", points, 3, lambda first, piece: np.sin(piece[:, :2]) + first, lambda share: None)
    assert values.shape == (10, 2)
    assert kept.n_found + kept.n_made == 4
    np.save(folder / "values.npy", values)


def _many_files(folder: Path) -> None:
    """A folder of several files and one within, as a design, a sensitivity analysis or an export is."""
    if (folder / "out").exists():
        return
    with whole_folder(folder / "out") as place:
        (place / "figures").mkdir()
        for name in ("report.html", "trials.parquet", "figures/one.svg"):
            (place / name).write_text(f"{name}\n" * 3000)


def _before_export(folder: Path) -> None:
    _run(folder, resume=False)


def _export(folder: Path) -> None:
    """A real run folder through the real writer, with datasets that are a stand-in."""
    module = engager.study.adam.export
    module.read_source = lambda run, replicate, day: SimpleNamespace(
        protocol=run.protocol, subjects=run.table("patients"), followed=run.table("patients")
    )
    module.datasets = lambda source: [
        SimpleNamespace(name=name, table=source.subjects, variables=[]) for name in ("ADSL", "ADRS")
    ]
    module._left_out_here = lambda source: ()
    module.write_transport = lambda writer, one, path: path.write_bytes(b"x" * 5000)
    module.write_define = lambda path, *rest: path.write_text("<define/>" * 500)
    if not (folder / "adam").exists():
        module.export_adam(folder / "run", folder / "adam")


def _sensitivity(folder: Path) -> None:
    """The command with all it writes, around an analysis and a page that are stand-ins."""
    import engager.study.sensitivity.write as module

    def analysis(*arguments, work, **keys):
        kept = KeptEvaluations(work, "inputs")
        points = np.arange(12.0).reshape(6, 2)
        values = kept("patients", points, 3, lambda first, piece: np.sin(piece) + first, lambda share: None)
        told = {"values": values.tolist()}
        return SimpleNamespace(
            tables=lambda: {"indices": pl.DataFrame(told)}, as_json=lambda: told, notes=(), patient=None, trial=None,
            identifiability=None, protocol=SimpleNamespace(title="t", study="t", arm_ids=("a",)), seed=1,
        )  # fmt: skip

    engager.study.study_sensitivity = analysis
    engager.study.sensitivity.drivers.sensitivity_summary = lambda found: found.as_json()
    module.sensitivity_content, module.sensitivity_text = lambda found: None, lambda found: "text\n" * 2000
    engager.report.sensitivity_figures, engager.report.render_sensitivity = lambda content: {}, lambda content: "page"
    _unless_there(
        folder / "out",
        lambda: sensitivity.sensitivity(out=folder / "out", summary=folder / "summary.json", quiet=True, as_json=True),
    )


def _unless_there(made: Path, work: Callable[[], object]) -> None:
    """Do it; when it is done already the refusal is the right answer."""
    try:
        work()
    except InputError:
        assert made.exists()


def _before_summary(folder: Path) -> None:
    (folder / "summary.json").write_text("{}\n")


def _review(folder: Path) -> None:
    """The command with a page, a document and a summary, whose words are stand-ins."""
    import engager.study.review.write as module

    module.review_html = lambda found: "new page\n" * 2000
    found = SimpleNamespace(rows=(), warnings=())
    engager.study.review_of, engager.study.review_text = lambda *given: found, lambda *given: "new document\n" * 2000
    engager.study.review_json = lambda found: {}
    engager.study.warnings_of = lambda made: ()
    engager.study.shipped_review_summary = lambda: {"made": {}, "comparisons": [1, 2, 3]}
    _unless_there(
        folder / "review.html",
        lambda: review.review_command(
            report=folder / "review.html", markdown=folder / "review.md", summary=folder / "review.json", as_json=True
        ),
    )


def _before_review(folder: Path) -> None:
    (folder / "review.md").write_text("old document\n")
    (folder / "review.json").write_text("{}\n")


def _evidence(folder: Path) -> None:
    """The real writer with a table that is a stand-in, but for the database, which DuckDB writes past Python."""
    module = engager.evidence.records.export
    module.evidence_tables = lambda: {"outcomes": pl.DataFrame({"record": ["a", "b"], "value": [0.1, 0.2]})}
    module._write_database = lambda frames, path: path.write_bytes(b"x" * 5000)
    module.schema_text, module.record_schema = lambda frames: "schema\n" * 500, lambda: "{}\n"
    _unless_there(folder / "out", lambda: module.export_evidence(folder / "out"))


def _before_evidence(folder: Path) -> None:
    (folder / "out").mkdir()  # an empty folder is taken


SCENARIOS = {
    "sensitivity": Scenario(_sensitivity, before=_before_summary, old=("summary.json",)),
    "review": Scenario(_review, before=_before_review, old=("review.md", "review.json")),
    "evidence": Scenario(_evidence, before=_before_evidence),
    "run": Scenario(lambda folder: _run(folder, False), lambda folder: _run(folder, True), timed=("run/run.json",)),
    "validate": Scenario(_validate, before=_before_validate, old=("trust.md", "trust.html")),
    "calibrate": Scenario(_calibrate),
    "arms": Scenario(_arms),
    "evaluations": Scenario(_evaluations),
    "folder": Scenario(_many_files),
    "export": Scenario(_export, before=_before_export, timed=("run/run.json",)),
}


def _warm_up(name: str, base: Path) -> None:
    """Read what every fork would read again; polars is not used yet, since its threads would not be forked."""
    if name == "calibrate":
        # Conditions of a study are checked with polars: the plan is made in a fork and handed over as bytes.
        made = base / "plan"
        assert _forked(lambda: made.write_bytes(pickle.dumps(calibration_plan(["tower"], **FIT)))) == 0
        plan = pickle.loads(made.read_bytes())
        engager.study.validation.calibrate.calibration_plan = lambda *arguments, **keys: plan
    else:
        protocol = read_protocol(stand_in.STUDY, "tiny.yaml")
        engager.study.parameters.population_parameters(protocol.model.id, 3)


def main(name: str, base: Path) -> None:
    scenario = SCENARIOS[name]
    _warm_up(name, base)
    whole = _prepared(base / "whole", scenario)
    old = {one: _digest(whole / one) for one in scenario.old}
    assert _forked(lambda: scenario.first(whole)) == 0
    expected = _contents(whole, scenario)
    number = 0
    while True:
        number += 1
        folder = _prepared(base / str(number), scenario)
        code = _forked(lambda folder=folder: scenario.first(folder), (folder, number))
        if code == 0:
            break
        if code != KILLED:
            print(f"event {number}: the work itself ended with {code}")
        for one in scenario.old:
            if _digest(folder / one) not in (old[one], expected[one]):
                print(f"event {number}: {one} is neither the old nor the new one")
        if _forked(lambda folder=folder: (scenario.again or scenario.first)(folder)) != 0:
            print(f"event {number}: cannot be done again")
            continue
        found = _contents(folder, scenario)
        for one in sorted(expected.keys() | found.keys()):
            if found.get(one) != expected.get(one):
                print(f"event {number}: {one} is {'left over' if one not in expected else 'not the same'}")
        shutil.rmtree(folder)
        sys.stdout.flush()
    print(f"{number - 1} events")


def together(name: str, base: Path) -> None:
    """Two at once: each ends well or is refused, one of them ends well, and the bytes are those of one alone."""
    scenario = SCENARIOS[name]
    _warm_up(name, base)
    works = [scenario.first, scenario.first]
    if name == "run":  # the seeds must not mix
        works[1] = lambda folder: _run(folder, False, seed=4)
    expected, refused = [], 0
    for k, work in enumerate(works):
        whole = _prepared(base / f"whole-{k}", scenario)
        assert _forked(lambda work=work, whole=whole: work(whole)) == 0
        expected.append(_contents(whole, scenario))
    for attempt in range(2):
        folder = _prepared(base / f"both-{attempt}", scenario)
        started = [
            _started(lambda work=work, folder=folder: work(folder), _slowly(str(folder), 2 * attempt + k))
            for k, work in enumerate(works)
        ]
        codes = [_ended(child) for child in started]
        refused += codes.count(2)
        if 0 not in codes or not {*codes} <= {0, 2}:
            print(f"attempt {attempt}: the two ended with {codes}")
        if _contents(folder, scenario) not in [one for one, code in zip(expected, codes, strict=True) if code == 0]:
            print(
                f"attempt {attempt}: what two wrote at once is not what either writes alone (they ended with {codes})"
            )
    print(f"{refused} refused")


def _prepared(folder: Path, scenario: Scenario) -> Path:
    folder.mkdir(parents=True)
    assert _forked(lambda: scenario.before(folder)) == 0
    return folder


def _forked(work: Callable[[], object], kill: tuple[Path, int] | None = None) -> int:
    """The exit code of some work in a process of its own, killed before its n-th event in a folder."""
    return _ended(_started(work, _killer(str(kill[0]), kill[1]) if kill else None))


def _ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _started(work: Callable[[], object], hook: Callable[[str, tuple[object, ...]], None] | None) -> int:
    child = os.fork()
    if child:
        return child
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a command prints is not what was wrong
    try:
        if hook is not None:
            sys.addaudithook(hook)
        work()
    except BaseException as error:
        traceback.print_exception(error)
        os._exit(2 if isinstance(error, InputError) else 1)
    os._exit(0)


def _killer(folder: str, last: int) -> Callable[[str, tuple[object, ...]], None]:
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in _WATCHED or not arguments or not str(arguments[0]).startswith(folder):
            return
        if event == "open" and isinstance(arguments[2], int) and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return  # only reads
        seen += 1
        if seen == last:
            os._exit(KILLED)

    return hook


def _slowly(folder: str, seed: int) -> Callable[[str, tuple[object, ...]], None]:
    drawn = random.Random(seed)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _WATCHED and arguments and str(arguments[0]).startswith(folder):
            time.sleep(drawn.choice((0.0, 0.0, 0.002, 0.02)))

    return hook


def _contents(folder: Path, scenario: Scenario) -> dict[str, str]:
    """A digest of every file by its path; of one that holds the time, of what does not depend on it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            found[name + "/"] = ""
        elif name in scenario.timed:
            content = json.loads(path.read_text())
            timeless = {key: content[key] for key in ("tables", "inputs", "run_inputs", "n_failed", "sha256")}
            found[name] = hashlib.sha256(json.dumps(timeless).encode()).hexdigest()
        else:
            found[name] = _digest(path)
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    (together if sys.argv[3:] else main)(sys.argv[1], Path(sys.argv[2]))
