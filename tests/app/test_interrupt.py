"""A real Ctrl-C or SIGTERM, sent to a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("stop", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 2])
def test_a_stopped_run_ends_with_130_and_tells_what_is_kept(tmp_path, stop):
    command = [sys.executable, "-m", "engager", "trial", "run", "tower", "--out", "run"]
    # Far more replicates than can finish before the signal.
    options = ["--replicates", "5000", "--patients", "60", "--chunk", "1"]
    with subprocess.Popen(
        [*command, *options], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        # Progress lines come before and while chunks finish.
        for line in process.stderr:
            if "simulating" in line and ", 0 of 5000" not in line:
                break
        for number in stop:  # who is impatient presses twice
            process.send_signal(number)
            time.sleep(0.02)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert " kept in run" in err
    assert (tmp_path / "run" / "partial.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert not (tmp_path / "run" / ".lock").exists()
