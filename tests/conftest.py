"""What holds for all tests."""

from __future__ import annotations

import signal
import threading


def pytest_configure() -> None:
    """Hear Ctrl-C also where the tests were started in the background, since a shell lets those ignore it.

    Tests of interruption send it to themselves and to programs they start, which inherit what is ignored.
    """
    is_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if is_ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
