"""Tasks shared between processes: every result once, errors and dead workers told."""

import importlib
import os
import subprocess
import sys
import time

import pytest
from polars.testing import assert_frame_equal

from engager.core import InputError, Problem, beside, load_module, share_out, start_workers, workers


@pytest.fixture
def asked(monkeypatch):
    """What the workers are asked to do, in a module that they can import."""
    monkeypatch.syspath_prepend(os.path.dirname(__file__))
    return importlib.import_module("worker_tasks")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_result_comes_once_whatever_the_number_of_processes(n, asked):
    found = dict(share_out(asked.slow_square, [(k,) for k in range(7)], n))
    assert found == {k: k * k for k in range(7)}


def test_more_than_one_process_takes_part(asked):
    found = dict(share_out(asked.process_of, [(k,) for k in range(6)], 2))
    assert os.getpid() in found.values()
    assert len(set(found.values())) == 2


def test_tables_come_from_a_worker_as_they_are_made_here(asked):
    found = {is_here: tables for is_here, tables in dict(share_out(asked.tables, [(os.getpid(),)] * 4, 2)).values()}
    assert set(found) == {True, False}
    for name, made_here in found[True].items():
        assert_frame_equal(found[False][name], made_here)


def test_workers_started_ahead_are_those_that_work_and_have_done_what_they_were_asked(asked, monkeypatch):
    monkeypatch.setattr(workers, "_idle", [])
    start_workers(3, asked.load, "wave")
    ahead = {worker.process.pid for worker in workers._idle}
    assert len(ahead) == 2
    start_workers(2, asked.load, "zipapp")  # there are enough, and they were asked that
    start_workers(3, load_module, "mailbox")  # but not that
    start_workers(1, asked.process_of, 1)  # needs none
    assert all(worker._n_ahead == 2 for worker in workers._idle)
    assert {worker.process.pid for worker in workers._idle} == ahead
    found = dict(share_out(asked.imported, [(["wave", "zipapp", "mailbox"],)] * 6, 3)).values()
    assert {process for process, _ in found} - {os.getpid()} <= ahead
    assert {tuple(names) for process, names in found if process in ahead} == {("wave", "mailbox")}
    for worker in workers._idle:
        worker.end()


def test_what_fails_ahead_is_passed_over(asked, monkeypatch):
    monkeypatch.setattr(workers, "_idle", [])
    start_workers(2, asked.load, "no_such_module")
    found = dict(share_out(asked.process_of, [(k,) for k in range(4)], 2))
    assert len(set(found.values())) == 2
    for worker in workers._idle:
        worker.end()


def test_a_large_task_is_not_sent_ahead(asked, monkeypatch):
    monkeypatch.setattr(workers, "_idle", [])
    start_workers(2, asked.load, "wave" * 100_000)
    found = dict(share_out(asked.imported, [(["wave"],)] * 4, 2)).values()
    assert {tuple(names) for process, names in found if process != os.getpid()} == {()}
    for worker in workers._idle:
        worker.end()


def test_progress_rises_to_all_of_it(asked):
    shares: list[float] = []
    list(share_out(asked.slow_square, [(k,) for k in range(4)], 2, shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.26)


def test_an_error_of_a_worker_is_raised_here_as_it_was(asked):
    with pytest.raises(InputError) as caught:
        list(share_out(asked.refuse, [(os.getpid(),)] * 4, 2))
    assert caught.value.problems == (Problem("there", 1, "must not be", "Stop."),)


def test_a_worker_that_dies_is_told_with_what_to_do(asked):
    with pytest.raises(RuntimeError, match=r"exit status 3.*--chunk"):
        list(share_out(asked.end_at_once, [(os.getpid(),)] * 4, 2))


def test_a_caller_that_stops_early_leaves_no_worker_at_work(asked):
    begun = time.perf_counter()
    for _ in share_out(asked.wait_elsewhere, [(os.getpid(),)] * 2, 2):
        break
    assert time.perf_counter() - begun < 20.0


@pytest.mark.parametrize(("n_processes", "is_here"), [(1, True), (2, False)])
def test_a_task_beside_is_done_in_another_process_where_there_may_be_one(n_processes, is_here, asked):
    with beside([(asked.process_of, (1,)), (asked.slow_square, (3,))], n_processes) as (process, square):
        assert square() == 9
        assert (process() == os.getpid()) == is_here


def test_who_waits_does_what_the_worker_has_not_begun(asked):
    with beside([(asked.process_of, (one,)) for one in range(2)], 2) as (first, second):
        assert second() == os.getpid()
        assert first() != os.getpid()


def test_an_error_beside_is_raised_where_its_result_is_asked_for(asked):
    with beside([(asked.refuse, (os.getpid(),)), (asked.slow_square, (3,))], 2) as (refused, square):
        assert square() == 9
        with pytest.raises(InputError):
            refused()


def test_a_task_beside_that_nobody_waits_for_is_ended(asked):
    begun = time.perf_counter()
    with beside([(asked.wait_elsewhere, (os.getpid(),))], 2):
        pass
    assert time.perf_counter() - begun < 20.0


def test_a_script_without_a_guard_is_not_run_again(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "import operator, sys\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "from engager.core import share_out\n"
        "from worker_tasks import slow_square\n"
        "print('once', sorted(share_out(slow_square, [(1,), (2,)], 2)))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "once [(0, 1), (1, 4)]\n"
    assert done.stderr == ""
