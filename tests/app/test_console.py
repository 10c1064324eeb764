"""Stdout holds the answer alone, whatever a library prints to its file descriptor."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import ctypes, os, sys
from engager.app.console import answer_alone
answer = answer_alone()
os.write(1, b"straight to the descriptor\\n")
ctypes.CDLL(None).printf(b"kept in a buffer of C until the end\\n")
print("by Python")
answer('{"solvers": 3}')
os.write(1, b"afterwards\\n")
"""


def test_what_libraries_print_goes_to_stderr():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"solvers": 3}
    for words in ("straight", "buffer of C", "by Python", "afterwards"):
        assert words in done.stderr
