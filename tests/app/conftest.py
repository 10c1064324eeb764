"""Calls the program as a user would: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import signal
import sys
from typing import NamedTuple

import pytest

from engager.app.cli import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def engager(monkeypatch, capsys):
    """The program in this process."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["engager", *map(str, arguments)])
        # Wide enough that messages are not wrapped where a test looks for words.
        monkeypatch.setenv("COLUMNS", "240")
        monkeypatch.delenv("ENGAGER_DEBUG", raising=False)
        code, handlers = 0, {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
        finally:
            for one, handler in handlers.items():
                signal.signal(one, handler)
        shown = capsys.readouterr()
        return Outcome(code, shown.out, shown.err)

    return call


@pytest.fixture
def no_report(monkeypatch, leave_out_report):
    """Runs without drawing their report, which takes longer than a small run."""
    leave_out_report(monkeypatch)
