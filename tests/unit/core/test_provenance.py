"""The CPU is part of what made a result."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engager.core import versions

PROGRAM = "from engager.core import versions; print(versions()['cpu'])"


def cpu_without(features: str) -> str:
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": features}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_the_features_that_numpy_uses_are_named():
    here = versions()["cpu"]
    assert here == cpu_without("")
    machine, *used = here.split()
    assert machine
    if not used:
        pytest.skip("NumPy dispatches nothing on this CPU")
    assert cpu_without(" ".join(used)) == machine
