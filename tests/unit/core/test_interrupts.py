"""Ctrl-C at moments when an exception would do harm: kept until the harm is over, never lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from engager.core import held_back

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals differ")


@pytest.mark.parametrize("handled", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_is_raised_at_the_end_and_no_sooner(handled):
    before = signal.signal(handled, signal.default_int_handler)
    seen = []

    def block():
        with held_back(hurry=lambda: seen.append("hurry")):
            signal.raise_signal(handled)
            signal.raise_signal(handled)
            seen.append("end of the block")

    try:
        with pytest.raises(KeyboardInterrupt):
            block()
        assert seen == ["hurry", "hurry", "end of the block"]
        assert signal.getsignal(handled) is signal.default_int_handler
    finally:
        signal.signal(handled, before)


def test_blocks_within_blocks_raise_once_at_the_outer_end():
    seen = []

    def blocks():
        with held_back():
            with held_back():
                signal.raise_signal(signal.SIGINT)
                seen.append("inner")
            seen.append("outer")

    with pytest.raises(KeyboardInterrupt):
        blocks()
    assert seen == ["inner", "outer"]


def test_an_error_within_puts_the_handlers_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="mine"), held_back():
        raise ValueError("mine")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_changes_no_handler():
    seen = []

    def elsewhere():
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_a_worker_that_is_still_starting_is_not_stopped_by_ctrl_c(tmp_path):
    """The terminal sends it to the whole group, also to a worker that has not yet come to ignore it."""
    program = (
        "import os, signal, time\n"
        "import operator\n"
        "from engager.core import beside\n"
        "with beside([(operator.is_not, (0,))], 2) as (answer,):\n"
        "    for _ in range(40):\n"
        "        signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "        os.killpg(0, signal.SIGINT)\n"
        "        time.sleep(0.01)\n"
        "    print(answer())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, process_group=0,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout == "True\n", done.stderr
    assert "Traceback" not in done.stderr
