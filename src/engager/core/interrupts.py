"""Ctrl-C and SIGTERM at moments when an exception would do harm.

Python raises them between any two instructions. Within a compiler's calls an object is then released twice or a lock is
never given back; beside threads of machine code the memory they write to is freed under them; while the interpreter
ends, native libraries are taken down under a thread that is still in them. All of these end as a crash.

In: a block of code. Out: the same signals, a little later. Not here: what is told, or kept, after an interruption.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

_STOPS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def held_back(hurry: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Signals that would raise an exception within are sent again at the end.

    Parameters
    ----------
    hurry : called at each such signal, to make the block end soon. It must not raise.

    Notes
    -----
    Python handles signals in the first thread only: in any other this does nothing. A signal that is ignored, or that
    ends the process without asking Python, stays so.
    """
    seen: list[int] = []

    def note(number: int, frame: object) -> None:
        seen.append(number)
        hurry()

    with contextlib.ExitStack() as restored:
        restored.callback(_send_again, seen)  # called last
        if threading.current_thread() is threading.main_thread():
            for number in _STOPS:
                handler = signal.getsignal(number)
                if callable(handler):
                    restored.callback(signal.signal, number, handler)
                    signal.signal(number, note)
        yield


def ignore_from_now_on() -> None:
    """For a process that is ending anyway: a second Ctrl-C does not reach into the interpreter's last steps."""
    if threading.current_thread() is threading.main_thread():
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def not_inherited() -> Iterator[None]:
    """A process started within hears no Ctrl-C until it says `heard_again`: it is not to be stopped while it starts."""
    if not hasattr(signal, "pthread_sigmask"):  # no such masks on this system
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def heard_again() -> None:
    """Undo `not_inherited` in the process that was started; what came meanwhile is handled now."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _send_again(seen: list[int]) -> None:
    for number in dict.fromkeys(seen):
        signal.raise_signal(number)
