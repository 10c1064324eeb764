"""The tutorial works as it is written: its files are saved, its commands run, its messages appear."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorial.md"
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The folder of somebody who pasted every block in order, and what each shell block printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    engager = bin_folder / "engager"
    engager.write_text(f'#!/bin/sh\nexec {sys.executable} -m engager.app.cli "$@"\n')
    engager.chmod(0o755)
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    printed = []
    for language, more, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        if language == "yaml":
            (folder / more).write_text(text, encoding="utf-8")
        if language != "sh":
            continue
        # what is installed already is not installed again, nor from anywhere
        commands = "\n".join(line for line in text.splitlines() if not line.startswith("pip "))
        done = subprocess.run(["bash", "-ec", commands], cwd=folder, env=environment, capture_output=True, text=True)
        assert (done.returncode != 0) == (more == "fails"), done.stdout + done.stderr
        printed.append(done.stdout + done.stderr)
    return folder, printed


def test_every_block_runs_and_leaves_what_it_names(followed):
    folder, _ = followed
    for name in ("runs/mine/report.html", "runs/no-step/run.json", "beside.html", "mine.xlsx"):
        assert (folder / name).stat().st_size > 1000, name


def test_messages_are_those_that_the_tutorial_shows(followed):
    _, printed = followed
    shown = [text for language, _, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")) if language == "text"]
    assert shown
    everything = "\n".join(printed)
    for line in "".join(shown).splitlines():
        assert line in everything


def test_terminal_says_what_the_tutorial_says_of_it(followed):
    folder, printed = followed
    assert any("simulated (85 % prediction)" in text for text in printed)
    assert any("arms.blinatumomab.regimen.doses[0].amount" in text for text in printed)
    page = (folder / "runs/mine/report.html").read_text(encoding="utf-8")
    for heading in ("Efficacy", "Safety", "Overall survival", "Flow of participants", "Limits of the model"):
        assert heading in page
