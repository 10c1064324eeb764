"""`engager trial compare`: what it prints and refuses."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from engager.app.cli import app
from engager.protocol import shipped_protocol
from engager.study import run_study


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two small real runs of one study with other seeds."""
    folder = tmp_path_factory.mktemp("runs")
    protocol = shipped_protocol("mt103-206")
    found = [run_study(protocol, replicates=2, patients=12, seed=seed, out=folder / f"seed-{seed}") for seed in (1, 2)]
    return [str(run.path) for run in found]


def test_the_table_names_runs_and_figures(runs):
    done = CliRunner().invoke(app, ["trial", "compare", *runs])
    assert done.exit_code == 0, done.output
    assert "seed-1" in done.stdout
    assert "difference" in done.stdout
    assert "differs in the run" in done.stdout


def test_json_is_one_object(runs):
    done = CliRunner().invoke(app, ["trial", "compare", *runs, "--json"])
    told = json.loads(done.stdout)
    assert [one["run"] for one in told["runs"]] == ["seed-1", "seed-2"]
    assert told["paired"] is False


def test_what_is_no_run_is_refused(runs, tmp_path):
    done = CliRunner().invoke(app, ["trial", "compare", runs[0], str(tmp_path)])
    assert done.exit_code != 0
    assert "must be a finished run" in str(done.exception) + done.output
