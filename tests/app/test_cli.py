"""The program as a whole: help, version, exit codes, and how errors are told."""

from __future__ import annotations

import subprocess
import sys

import pytest

import engager as package


def test_help_says_what_it_is_for_and_lists_the_groups(engager):
    found = engager("--help")
    assert found.code == 0
    assert "never advice on treating a patient" in " ".join(found.out.split())
    for group in ("trial", "evidence", "regimen", "model", "replay"):
        assert group in found.out


def test_version(engager):
    assert engager("--version").out.strip() == package.__version__


def test_python_m_engager_is_the_same_program():
    done = subprocess.run([sys.executable, "-m", "engager", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, package.__version__)


@pytest.mark.parametrize(
    "arguments", [["nope"], ["trial", "nope"], ["trial", "run"], ["trial", "run", "tower", "--nope"]]
)
def test_wrong_usage_leaves_with_2_and_says_so_on_stderr(engager, arguments):
    found = engager(*arguments)
    assert found.code == 2
    assert found.out == ""
    assert found.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["trial", "show", "towr"], "Did you mean tower"),
        (["trial", "run", "towr"], "Did you mean tower"),
        (["evidence", "show", "tower"], "tower-2017"),
        (["evidence", "cite", "tower-2018"], "tower-2017"),
        (["regimen", "show", "blinatumomap"], "blinatumomab"),
        (["model", "show", "b-al"], "b-all"),
    ],
)
def test_an_unknown_id_offers_the_nearest(engager, arguments, hint):
    found = engager(*arguments)
    assert (found.code, found.out) == (2, "")
    assert hint in found.err
    assert found.err.startswith("Error: ")


def test_an_unexpected_error_is_short_and_debug_shows_more(engager, monkeypatch):
    def broken():
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("engager.protocol.files.headings.shipped_protocols", broken)
    found = engager("trial", "list")
    assert found.code == 1
    assert "Internal error: ZeroDivisionError: inside" in found.err
    assert "--debug" in found.err
    assert "Traceback" not in found.err
    assert "Traceback" in engager("--debug", "trial", "list").err


def test_ctrl_c_leaves_with_130(engager, monkeypatch):
    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr("engager.protocol.files.headings.shipped_protocols", stopped)
    assert engager("trial", "list").code == 130
