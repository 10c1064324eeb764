"""A real Ctrl-C or SIGTERM, sent to a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest


def test_a_second_ctrl_c_does_not_reach_into_the_keeping_of_what_is_finished(monkeypatch):
    from engager.app import cli

    now = [100.0]
    monkeypatch.setattr(cli.time, "monotonic", lambda: now[0])
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cli._end_as_by_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        now[0] += 1
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        now[0] += 3
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cli._end_as_by_ctrl_c()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
