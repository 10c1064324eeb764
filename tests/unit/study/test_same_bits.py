"""The real simulation through the front door: how a run is cut up and who computes it changes no bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from engager.core import versions
from engager.protocol import read_protocol
from engager.study import replay, run_study

STUDY = """
study: bits
arms:
  a: {n: 8, regimen: blinatumomab}
  b: {n: 4, regimen: flag}
follow_up: {months: 4, accrual_months: 2, dropout_per_year: 0.1}
targets: [{arm: a, endpoint: CR/CRh/CRi, events: 4, n: 8}]
"""
pytestmark = pytest.mark.usefixtures("no_report")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return run_study(read_protocol(STUDY), replicates=4, seed=11, n_threads=1, out=tmp_path_factory.mktemp("r") / "r")


@pytest.mark.parametrize(("n_threads", "chunk"), [(2, 1), (2, 3), (None, 4)])
def test_threads_and_chunks_change_no_bit(base, tmp_path, n_threads, chunk):
    other = run_study(read_protocol(STUDY), replicates=4, seed=11, n_threads=n_threads, chunk=chunk, out=tmp_path / "r")
    assert other.manifest["tables"] == base.manifest["tables"]
    assert other.comparisons == base.comparisons


def test_more_replicates_keep_the_first_ones(base, tmp_path):
    more = run_study(read_protocol(STUDY), replicates=5, seed=11, out=tmp_path / "r")
    first = more.table("patients").filter(more.table("patients")["replicate"] < 4)
    assert first.sort("replicate", "arm", "patient").equals(base.table("patients").sort("replicate", "arm", "patient"))


def test_replay_from_the_manifest_is_the_same(base):
    assert replay(base.path).is_same


def test_a_replay_on_another_cpu_names_it(base):
    cpu = versions()["cpu"]
    used = " ".join(cpu.split()[1:])
    if not used:
        pytest.skip("NumPy dispatches nothing on this CPU, so no other can be played")
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": used}
    command = [sys.executable, "-m", "engager", "replay", str(base.path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    told = json.loads(done.stdout)
    assert told["versions"] == {"cpu": [cpu, cpu.split()[0]]}
    assert (told["altered"], told["misread"]) == ({}, []), "the disk and the manifest agree on any CPU"
    assert done.returncode == (0 if told["same"] else 1)
