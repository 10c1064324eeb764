"""Progress on stderr: a live bar in a terminal, a line now and then elsewhere, each with the time left.

What is left is told from the share that was done since work began to show: compiling a model, which comes first, says
nothing of how fast the rest goes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engager.study import RunProgress

Tell = Callable[["RunProgress"], None]
_SECONDS_BETWEEN_LINES = 5.0
_CLOSING_STAGES = ("estimating", "comparing", "reporting")
# Seconds and share that must lie behind before anything is said of what lies ahead.
_FEWEST_SECONDS, _LEAST_SHARE = 2.0, 0.02


class TimeLeft:
    """How long the rest takes, at the pace of what was done so far.

    Parameters
    ----------
    clock : seconds, from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._start: tuple[float, float] | None = None

    def __call__(self, share: float) -> float | None:
        """Seconds left when this share of all is finished; None while that cannot be told."""
        now = self._clock()
        if self._start is None:
            self._start = (now, share) if share > 0 else None
            return None
        seconds, done = now - self._start[0], share - self._start[1]
        if seconds < _FEWEST_SECONDS or done < _LEAST_SHARE or not 0 < share < 1:
            return None
        return seconds * (1 - share) / done


def left_words(seconds: float | None) -> str:
    """E.g. ``about 40 s left``, ``about 6 min left``, ``about 2 h 10 min left``; empty for None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {minutes // 60} h {minutes % 60} min left"


@contextmanager
def run_progress(quiet: bool = False) -> Iterator[Tell]:
    """Something that can be told how far a run has come."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _Lines()


@contextmanager
def _bar() -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[counts]}"),
        TextColumn("{task.fields[left]}"),
    )
    left = TimeLeft()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("compiling the model if it is new", total=1.0, counts="", left="")

        def tell(progress: RunProgress) -> None:
            words = "" if progress.stage in _CLOSING_STAGES else left_words(left(progress.share))
            counts = _counts(progress) if progress.n_patients else ""
            bar.update(task, completed=progress.share, description=progress.stage, counts=counts, left=words)

        yield tell


class _Lines:
    """A line when a stage begins, and at most every few seconds within it."""

    def __init__(self) -> None:
        self._left = TimeLeft()
        self._last_line = 0.0
        self._stage = ""

    def __call__(self, progress: RunProgress) -> None:
        now = time.monotonic()
        left = self._left(progress.share)  # asked every time, so that the first share is seen when it comes
        if progress.stage == self._stage and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._stage, self._last_line = progress.stage, now
        words = "" if progress.stage in _CLOSING_STAGES else left_words(left)
        print(f"{progress.stage}: {_counts(progress)}{words and ', '}{words}", file=sys.stderr, flush=True)


def _counts(progress: RunProgress) -> str:
    if not progress.n_patients:
        return f"{100 * progress.share:.0f} %"
    patients = f"{progress.patients} of {progress.n_patients} patients"
    return f"{patients}, {progress.replicates} of {progress.n_replicates} replicates"


@contextmanager
def share_progress(quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Something that can be told what is being done and which share of all is finished."""
    from engager.study import RunProgress

    with run_progress(quiet) as tell:

        def told(label: str, share: float) -> None:
            tell(RunProgress(share, 0, 0, 0, 0, label))

        yield told
