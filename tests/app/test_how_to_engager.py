"""docs/how-to/add-an-engager.md, followed to the letter: its files saved, its commands run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engager.app.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "add-an-engager.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The page's files, each under the name that the sentence before it gives."""
    place = tmp_path_factory.mktemp("engager")
    for name, text in re.findall(r"Save this as `(my-[a-z]+\.yaml)`\..*?```yaml\n(.*?)```", PAGE, flags=re.S):
        (place / name).write_text(text, encoding="utf-8")
    return place


def test_the_page_holds_both_files(folder):
    assert {path.name for path in folder.iterdir()} >= {"my-engager.yaml", "my-trial.yaml"}


def test_its_commands_run_and_its_promises_hold(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.S)
    told = []
    for line in block.strip().splitlines():
        program, *arguments = shlex.split(line)
        assert program == "engager"
        found = CliRunner().invoke(app, arguments)
        assert found.exit_code == 0, found.output
        told.append(found)
    run = folder / "my-run"
    assert (run / "report.html").stat().st_size > 100_000
    assert "Drug (weekly)" in told[0].stderr
    beside = CliRunner().invoke(app, ["trial", "compare", "my-run", "my-run", "--json"])
    assert {figure["arm"] for figure in json.loads(beside.stdout)["figures"]} >= {"weekly", "blinatumomab"}
    # the run holds its drug: it is replayed without the file
    (folder / "my-engager.yaml").unlink()
    assert CliRunner().invoke(app, ["replay", str(run / "run.json")]).exit_code == 0
