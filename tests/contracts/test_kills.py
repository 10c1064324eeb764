"""Whatever writes can be killed at every file-system event; done again, it leaves the bytes of an undisturbed one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("killed_commands.py")
# A run has a piece or two, four tables, a manifest; fewer events would mean that the hook does not see them.
FEWEST = {
    "run": 30, "arms": 6, "evaluations": 8, "validate": 4, "calibrate": 6, "folder": 4, "export": 4,
    "sensitivity": 12, "review": 6, "evidence": 6,
}  # fmt: skip


@pytest.mark.skipif(not hasattr(sys.modules["os"], "fork"), reason="kills forks")
@pytest.mark.parametrize("scenario", sorted(FEWEST))
def test_a_kill_at_any_event_loses_nothing(scenario, tmp_path):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), scenario, str(tmp_path)], capture_output=True, text=True, timeout=900
    )
    *wrong, count = done.stdout.splitlines() or [""]
    assert done.returncode == 0, done.stderr
    assert not wrong, "\n".join(wrong) + done.stderr
    assert int(count.split()[0]) >= FEWEST[scenario]


# The others keep a process out of a folder that is not theirs to share, which these stand-ins leave out.
@pytest.mark.skipif(not hasattr(sys.modules["os"], "fork"), reason="forks")
@pytest.mark.parametrize("scenario", ["run", "validate", "folder"])
def test_two_processes_at_once_in_one_place_mix_nothing(scenario, tmp_path):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), scenario, str(tmp_path), "together"], capture_output=True, text=True, timeout=900
    )
    *wrong, refused = done.stdout.splitlines() or [""]
    assert done.returncode == 0, done.stderr
    assert not wrong, "\n".join(wrong) + done.stderr
    assert scenario == "validate" or int(refused.split()[0]) >= 1, "the two never met"
