"""Progress of a run on stderr: a live bar in a terminal, a line now and then elsewhere."""

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
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("compiling the model if it is new", total=1.0, counts="")

        def tell(progress: RunProgress) -> None:
            bar.update(task, completed=progress.share, description=progress.stage, counts=_counts(progress))

        yield tell


class _Lines:
    """A line when a stage begins, and at most every few seconds within it."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last_line = 0.0
        self._stage = ""

    def __call__(self, progress: RunProgress) -> None:
        now = time.monotonic()
        if progress.stage == self._stage and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._stage, self._last_line = progress.stage, now
        left = ""
        if progress.stage not in _CLOSING_STAGES and 0 < progress.share < 1:
            seconds = (now - self._begun) * (1 - progress.share) / progress.share
            left = f", about {seconds:.0f} s left"
        print(f"{progress.stage}: {_counts(progress)}{left}", file=sys.stderr, flush=True)


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
