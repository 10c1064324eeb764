"""What goes wrong with the machine is one message, not an internal error."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from engager.app.errors import tell_error
from engager.core import WorkerLost


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/x/visits.parquet"), "runs/x/visits.parquet"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "--resume"),
        (OSError(errno.EIO, "Input/output error"), "--resume"),
        (MemoryError(), "not enough memory"),
        (BrokenPipeError(), "standard output was closed"),
        (WorkerLost("a worker process ended"), "a worker process ended"),
    ],
)
def test_a_fault_of_the_machine_is_one_message(capsys, error, words):
    assert tell_error(error) == 1
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert "Internal error" not in told


def test_a_fault_of_the_program_is_still_called_so(capsys):
    assert tell_error(OSError(errno.ENOENT, "No such file", "x")) == 1
    assert "Internal error" in capsys.readouterr().err


def shell(line):
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env={**os.environ, "E": sys.executable})
    return done.returncode, done.stderr


def test_a_closed_or_full_output_is_told():
    code, told = shell('"$E" -m engager trial schema >&-')
    assert (code, told.count("\n")) == (2, 1)
    assert "standard output is closed" in told
    code, told = shell('"$E" -m engager trial schema >/dev/full')
    assert (code, told.count("\n")) == (1, 1)
    assert "No space left" in told
