"""A full disk: one message with the place, nothing half-written, and told before the work where it can be."""

from __future__ import annotations

import contextlib
import resource
import shutil

import pytest

from engager.study import load_protocol, run_study

# Smaller than anything that is written here, so that it fails in the middle of a file.
_BYTES = 2000
RECORD_ARM = ["--record", "tower-2017", "--arm", "blinatumomab"]


@contextlib.contextmanager
def disk_of(most: int):
    """No file can grow beyond so many bytes; the system then answers as it does when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def run(tmp_path_factory, leave_out_report):
    with pytest.MonkeyPatch.context() as patch:
        leave_out_report(patch)
        out = tmp_path_factory.mktemp("runs") / "small"
        return run_study(load_protocol("tower"), replicates=1, patients=8, seed=3, out=out).path


@pytest.fixture
def place(tmp_path):
    """An empty folder to write in, and beside it a few patients and a model."""
    rows = "\n".join(f"blinatumomab,{30 + k % 40}" for k in range(300))
    (tmp_path / "patients.csv").write_text(f"arm,age_years\n{rows}\n")
    (tmp_path / "targets.yaml").write_text("age_years: {mean: 45}\n")
    (tmp_path / "model.txt").write_text("model m\n A' = -0.1*A\n A = 10\nend\n")
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


COMMANDS = {
    "run": ["trial", "run", "tower", "--patients", 8, "--replicates", 1, "--threads", 1, "-q", "--out", "{}/run"],
    "adam": ["trial", "export", "{run}", "--format", "adam", "--out", "{}/adam"],
    "csv": ["trial", "export", "{run}", "--format", "csv", "--out", "{}/csv"],
    "xlsx": ["trial", "export", "{run}", "--out", "{}/a.xlsx"],
    "page": ["trial", "compare", "{run}", "{run}", "--report", "{}/c.html"],
    "parquet": ["trial", "compare", "{run}", "{run}", "--report", "{}/c.parquet"],
    "review": ["review", "--report", "{}/r.html"],
    "document": ["review", "--markdown", "{}/r.md"],
    "evidence": ["evidence", "export", "{}/evidence"],
    "sheets": ["evidence", "export", "{}/evidence.xlsx"],
    "forest": ["evidence", "forest", "--endpoint", "CR", "--out", "{}/f.svg"],
    "match": ["evidence", "match", "{}/../patients.csv", "{}/../targets.yaml", "--out", "{}/m.csv"],
    "model": ["model", "export", "b-all", "--out", "{}/b.xml"],
    "course": ["model", "simulate", "{}/../model.txt", "--until", 10, "--csv", "{}/m.csv"],
    "patient": ["patient", "--days", 7, "--out", "{}/p.csv"],
    "figure": ["patient", "--days", 7, "--out", "{}/p.png"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_message_and_leaves_nothing(name, engager, run, place):
    arguments = [str(one).format(place, run=run) for one in COMMANDS[name]]
    with disk_of(_BYTES):
        found = engager(*arguments)
    assert found.code in (1, 2)
    assert "Internal error" not in found.err
    *_, told = found.err.strip().splitlines()
    assert "File too large" in told
    assert str(place) in told
    if name == "run":  # what was finished before would be kept
        shutil.rmtree(place / "run", ignore_errors=True)
    assert not list(place.iterdir())


LONG = {
    "validate": (["validate", "--report", "{}/v.html", "--markdown", "{}/v.md"], "engager.study.validate_studies"),
    "validate tables": (["validate", "--tables", "{}/v.xlsx"], "engager.study.validate_studies"),
    "calibrate": (["calibrate", "--out", "{}/p.json"], "engager.study.calibrate_population"),
    "review": (["review", "--replicates", 1, "--summary", "{}/r.json"], "engager.study.simulate_summary"),
    "design": (
        ["design", "examples/design-randomized.yaml", "--out", "{}/new/d", "--tables", "{}/d.xlsx"],
        "engager.study.design_study",
    ),
    "sensitivity": (
        ["sensitivity", "tower", "--out", "{}/s", "--summary", "{}/s.json"],
        "engager.study.study_sensitivity",
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_hours_of_work_are_not_begun_for_a_disk_that_is_full_already(name, engager, place, monkeypatch):
    arguments, work = LONG[name]

    def begun(*arguments, **keys):
        raise AssertionError("the work was begun")

    monkeypatch.setattr(work, begun)
    with disk_of(_BYTES):
        found = engager(*(str(one).format(place) for one in arguments))
    assert found.code == 2, found.err
    assert "must be a place that can be written (File too large)" in found.err
    assert not list(place.iterdir())
