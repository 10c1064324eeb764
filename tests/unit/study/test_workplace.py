"""Pieces of a run are used only when they are this run's, whole, and each replicate's once; one process writes."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import CancelledError

import pytest

from engager.core import FolderLock, InputError, Interrupted
from engager.study import run_study
from engager.study.run.chunks import SEAL
from engager.study.run.tables import TABLES


def run(protocol, out, **options):
    return run_study(protocol, **{"replicates": 6, "seed": 3, "out": out, "chunk": 2, **options})


def without_page(monkeypatch):
    monkeypatch.setattr("engager.study.run.simulate._conclude", lambda *arguments: ({}, None))
    monkeypatch.setattr("engager.study.run.simulate._report_ahead", lambda *arguments: contextlib.nullcontext())


@pytest.fixture(autouse=True)
def _tables_only(monkeypatch):
    """Estimates and pages take longer than these runs and are no part of them."""
    without_page(monkeypatch)


def interrupted(protocol, simulation, out, **options):
    """A run of which the first two pieces are finished."""
    simulation.calls.clear()
    simulation.interrupt_at_call = 3
    with pytest.raises(Interrupted):
        run(protocol, out, **options)
    simulation.interrupt_at_call = None
    simulation.calls.clear()
    return out / "chunks"


def contents(folder):
    return {name: (folder / f"{name}.parquet").read_bytes() for name in TABLES}


@pytest.fixture
def whole(protocol, simulation, tmp_path):
    return contents(run(protocol, tmp_path / "whole").path)


@pytest.mark.parametrize("chunk", [1, 3, 4])
def test_another_chunk_size_on_resuming_changes_no_byte(protocol, simulation, tmp_path, whole, chunk):
    interrupted(protocol, simulation, tmp_path / "cut")
    assert contents(run(protocol, tmp_path / "cut", resume=True, chunk=chunk).path) == whole


@pytest.mark.parametrize("name", [*(f"{table}.parquet" for table in TABLES), SEAL])
@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "lost"])
def test_a_damaged_piece_is_told_set_aside_and_simulated_again(protocol, simulation, tmp_path, whole, name, damage):
    path = interrupted(protocol, simulation, tmp_path / "cut") / "2-4" / name
    content = bytearray(path.read_bytes())
    # in the seal a bit of a hash, not one of the white space between
    content[content.index(b"sha256") + 30 if name == SEAL else len(content) // 2] ^= 1
    path.write_bytes({"bit": content, "cut": content[: len(content) // 2], "empty": b"", "lost": b""}[damage])
    if damage == "lost":
        path.unlink()
    told = []
    made = run(protocol, tmp_path / "cut", resume=True, tell=told.append)
    assert len(told) == 1
    assert "the piece 2-4" in told[0]
    assert simulation.calls == [(2, 4), (4, 6)]
    assert contents(made.path) == whole
    assert (made.path / "set-aside" / "2-4.1").is_dir()


def test_without_a_listener_a_damaged_piece_is_a_warning(protocol, simulation, tmp_path):
    (interrupted(protocol, simulation, tmp_path / "cut") / "2-4" / SEAL).write_text("{}")
    with pytest.warns(UserWarning, match="the piece 2-4 of .* is not used"):
        run(protocol, tmp_path / "cut", resume=True)


def test_a_piece_damaged_after_it_was_written_is_found_at_collecting(protocol, simulation, tmp_path, whole):
    told, hit = [], []

    def damage(step):
        path = tmp_path / "cut" / "chunks" / "0-2" / "visits.parquet"
        if step.stage == "simulating" and not hit and path.exists():
            hit.append(path)
            content = bytearray(path.read_bytes())
            content[40] ^= 4
            path.write_bytes(content)

    made = run(protocol, tmp_path / "cut", progress=damage, tell=told.append)
    assert hit
    assert "bytes of visits.parquet" in told[0]
    assert contents(made.path) == whole


def test_what_joins_the_tables_stops_with_the_run(protocol, simulation, tmp_path, whole, monkeypatch):
    ended = []

    def join(path, pieces, n_patients):
        if path.stem == "patients":
            raise KeyboardInterrupt
        try:
            for _ in pieces:
                time.sleep(0.2)
        except CancelledError:
            ended.append(path.stem)
            raise
        raise AssertionError(f"{path.stem} was joined to the end")

    monkeypatch.setattr("engager.study.run.joining.write_pieces", join)
    with pytest.raises(Interrupted):
        run(protocol, tmp_path / "cut", n_threads=2)
    assert "visits" in ended  # the others had not begun, or ended too
    monkeypatch.undo()
    without_page(monkeypatch)
    assert contents(run(protocol, tmp_path / "cut", resume=True).path) == whole


@pytest.mark.parametrize("put", ["4-6", "2-5", "6-8", "0-1"])
def test_a_piece_of_other_replicates_than_its_name_says_is_not_used(protocol, simulation, tmp_path, whole, put):
    chunks = interrupted(protocol, simulation, tmp_path / "cut")
    shutil.copytree(chunks / "0-2", chunks / put)
    told = []
    assert contents(run(protocol, tmp_path / "cut", resume=True, tell=told.append).path) == whole
    assert "it is of the replicates 0 to 1" in told[0]


def test_a_piece_of_another_seed_is_not_used(protocol, simulation, tmp_path, whole):
    chunks = interrupted(protocol, simulation, tmp_path / "cut")
    other = interrupted(protocol, simulation, tmp_path / "other", seed=4)
    shutil.rmtree(chunks / "2-4")
    shutil.copytree(other / "2-4", chunks / "2-4")
    told = []
    assert contents(run(protocol, tmp_path / "cut", resume=True, tell=told.append).path) == whole
    assert "other inputs" in told[0]


def test_pieces_that_overlap_count_once(protocol, simulation, tmp_path, whole):
    chunks = interrupted(protocol, simulation, tmp_path / "cut")
    other = interrupted(protocol, simulation, tmp_path / "other", chunk=1)
    shutil.copytree(other / "1-2", chunks / "1-2")
    told = []
    assert contents(run(protocol, tmp_path / "cut", resume=True, tell=told.append).path) == whole
    assert "in another piece as well" in told[0]


def test_a_torn_marker_is_written_anew_when_the_pieces_agree(protocol, simulation, tmp_path, whole):
    interrupted(protocol, simulation, tmp_path / "cut")
    marker = tmp_path / "cut" / "partial.json"
    marker.write_text(marker.read_text()[:20])
    with pytest.raises(InputError, match="pieces of a run with other options"):
        run(protocol, tmp_path / "cut", resume=True, seed=9)
    told = []
    assert contents(run(protocol, tmp_path / "cut", resume=True, tell=told.append).path) == whole
    assert "could not be read" in told[0]


def test_a_run_of_other_versions_is_not_gone_on_with(protocol, simulation, tmp_path):
    interrupted(protocol, simulation, tmp_path / "cut")
    marker = tmp_path / "cut" / "partial.json"
    kept = json.loads(marker.read_text())
    kept["versions"]["numpy"] = "1.0"
    marker.write_text(json.dumps(kept))
    with pytest.raises(InputError, match="--resume: versions"):
        run(protocol, tmp_path / "cut", resume=True)


def test_a_folder_that_another_process_writes_is_refused(protocol, simulation, tmp_path):
    interrupted(protocol, simulation, tmp_path / "cut")
    hold = (
        "import sys, pathlib; from engager.core import FolderLock; lock = FolderLock(pathlib.Path(sys.argv[1]));"
        "lock.take(); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "cut")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"is being written by process {other.pid}"):
            run(protocol, tmp_path / "cut", resume=True)
        other.kill()
    assert simulation.calls == []
    run(protocol, tmp_path / "cut", resume=True)  # the lock ended with its process


def test_a_run_that_is_being_written_is_not_called_interrupted(protocol, simulation, tmp_path):
    interrupted(protocol, simulation, tmp_path / "cut")
    lock = FolderLock(tmp_path / "cut")
    lock.take()
    with pytest.raises(InputError, match="is being written by process"):
        run(protocol, tmp_path / "cut")
    lock.leave()
    with pytest.raises(InputError, match="holds an interrupted run"):
        run(protocol, tmp_path / "cut")


def test_what_a_file_manager_leaves_among_the_pieces_and_links_are_no_obstacle(protocol, simulation, tmp_path, whole):
    chunks = interrupted(protocol, simulation, tmp_path / "cut")
    (chunks / ".DS_Store").write_bytes(b"note")
    elsewhere = tmp_path / "elsewhere"
    chunks.rename(elsewhere)
    chunks.symlink_to(elsewhere)
    assert contents(run(protocol, tmp_path / "cut", resume=True).path) == whole
    assert simulation.calls == [(4, 6)]
    assert not chunks.exists()


@pytest.mark.parametrize("seal", ["[" * 100_000, '{"run": "x", "span": [Infinity, 4], "sha256": {}}'])
def test_a_seal_of_any_nonsense_is_a_damaged_piece(protocol, simulation, tmp_path, whole, seal):
    chunks = interrupted(protocol, simulation, tmp_path / "cut")
    (chunks / "2-4" / SEAL).write_text(seal)
    told = []
    assert contents(run(protocol, tmp_path / "cut", resume=True, tell=told.append).path) == whole
    assert any("cannot be read" in one for one in told)


def test_a_lock_is_given_back_and_leaves_nothing(tmp_path):
    lock = FolderLock(tmp_path)
    lock.take()
    with pytest.raises(InputError, match="is being written by process"):
        FolderLock(tmp_path).take()
    lock.leave()
    lock.leave()
    assert list(tmp_path.iterdir()) == []
