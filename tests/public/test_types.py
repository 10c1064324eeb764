"""Whoever calls the package wrongly is told by a type checker, because no layer's door is typed `Any`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")
ROOT = Path(__file__).parents[2]
WRONG = {
    "engager.trial": "simulate_trial(1, 2, 3, nonsense=4)",
    "engager.study": 'run_study("tower", replicates="many")',
    "engager.calibration": "compare(1, 2, 3, 4, 5, 6, 7)",
    "engager.evidence": "pool_proportions(nonsense=1)",
    "engager.engine": "solve(None, tolerance=1)",
}


def test_wrong_calls_fail_the_type_check(tmp_path):
    """One run for all: a call with arguments that do not exist is refused at each layer's door."""
    lines = [f"from {layer} import {call.partition('(')[0]}" for layer, call in WRONG.items()]
    (tmp_path / "wrong.py").write_text("\n".join([*lines, *WRONG.values(), ""]))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path / "wrong.py")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    for number, call in enumerate(WRONG.values(), start=len(lines) + 1):
        assert f"wrong.py:{number}: error" in done.stdout, f"{call} passes the type check:\n{done.stdout}"


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "src" / "engager" / "py.typed").is_file()
