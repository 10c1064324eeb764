"""Pieces of a run on a real Dask cluster of two processes: the same bits, also when a worker is lost."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from distributed import LocalCluster

from engager.core import InputError
from engager.protocol import read_protocol
from engager.study import run_study

STUDY = """
study: far-away
arms:
  a: {n: 6, regimen: blinatumomab}
  b: {n: 3, regimen: flag}
follow_up: {months: 3}
"""
pytestmark = [pytest.mark.usefixtures("no_report"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as found:
        yield found


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return run_study(read_protocol(STUDY), replicates=6, seed=4, chunk=1, out=tmp_path_factory.mktemp("r") / "r")


def test_a_cluster_changes_no_bit(cluster, here, tmp_path):
    there = run_study(
        read_protocol(STUDY), replicates=6, seed=4, chunk=2, out=tmp_path / "r", scheduler=cluster.scheduler_address
    )
    assert there.manifest["tables"] == here.manifest["tables"]


def test_a_lost_worker_costs_nothing(cluster, here, tmp_path):
    killed = []

    def lose_one(step):
        if not killed and step.replicates:
            worker = next(iter(cluster.workers.values()))
            killed.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGKILL)

    there = run_study(
        read_protocol(STUDY), replicates=6, seed=4, chunk=1, out=tmp_path / "r",
        scheduler=cluster.scheduler_address, progress=lose_one,
    )  # fmt: skip
    assert killed
    assert there.manifest["tables"] == here.manifest["tables"]


def at_once(cluster):
    """The worker hangs as soon as one piece has come."""


def when_all_are_done(cluster):
    """The worker hangs with finished pieces that nobody has fetched."""
    until = time.monotonic() + 120
    while any(one.state != "memory" for one in list(cluster.scheduler.tasks.values())):
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("wait", [at_once, when_all_are_done])
def test_a_worker_that_hangs_is_told_and_waited_for(here, tmp_path, monkeypatch, wait):
    monkeypatch.setattr("engager.study.run.distribute._SILENT_SECONDS", 2.0)
    monkeypatch.setattr("engager.study.run.distribute._UNHEARD_SECONDS", 1.5)
    told, stopped = [], []
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0", silence_logs=50
    ) as alone:
        (worker,) = alone.workers.values()

        def hang(step):
            if step.replicates and not stopped:
                wait(alone)
                stopped.append(worker.process.pid)
                os.kill(worker.process.pid, signal.SIGSTOP)

        def heard(text):
            told.append(text)
            # told a few times without it, the run must end all the same, for the test to say so
            if "not heard of" in text or len(told) > 4:
                os.kill(worker.process.pid, signal.SIGCONT)

        there = run_study(
            read_protocol(STUDY), replicates=6, seed=4, chunk=1, out=tmp_path / "r",
            scheduler=alone.scheduler_address, progress=hang, tell=heard,
        )  # fmt: skip
    assert stopped
    assert any("workers: 1 connected, 1 not heard of for more than" in text for text in told)
    assert there.manifest["tables"] == here.manifest["tables"]


@pytest.mark.parametrize(
    ("scheduler", "rule"),
    [("tcp://127.0.0.1:9", "the address of a Dask scheduler that answers"), ("local:none", "number of workers")],
)
def test_a_scheduler_that_does_not_answer_is_told(scheduler, rule, tmp_path, monkeypatch):
    monkeypatch.setattr("engager.study.run.distribute._CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match=rule):
        run_study(read_protocol(STUDY), replicates=1, out=tmp_path / "r", scheduler=scheduler)
    assert list(tmp_path.iterdir()) == []


def test_without_dask_it_tells_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"engager\[distributed\]"):
        run_study(read_protocol(STUDY), replicates=1, out=tmp_path / "r", scheduler="local")
