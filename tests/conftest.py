"""What holds for all tests."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

# Files that take a minute or more. Two workers take files in this order, so that none is left for one alone at the end.
_SLOW = (
    "tests/web/test_jobs_in_a_browser.py",
    "tests/unit/calibration/test_emulated_posterior.py",
    "tests/contracts/test_kills.py",
    "tests/web/test_in_a_browser.py",
    "tests/unit/calibration/test_fitted_emulator.py",
    "tests/app/test_validate_and_calibrate.py",
    "tests/app/test_sensitivity_command.py",
    "tests/notebooks/test_notebooks.py",
    "tests/web/test_slow_answers.py",
    "tests/web/test_dashboard.py",
)


def pytest_configure() -> None:
    """Hear Ctrl-C also where the tests were started in the background, since a shell lets those ignore it.

    Tests of interruption send it to themselves and to programs they start, which inherit what is ignored.
    """
    is_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if is_ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    gone = [name for name in _SLOW if not Path(__file__).parents[1].joinpath(name).is_file()]
    if gone:
        raise pytest.UsageError(f"tests/conftest.py names files that are not there: {', '.join(gone)}")

    def place(item: pytest.Item) -> int:
        name = item.nodeid.split("::")[0]
        return _SLOW.index(name) if name in _SLOW else len(_SLOW)

    items.sort(key=place)


@pytest.fixture(scope="session")
def leave_out_report():
    """A function that patches runs to go without drawing their report, which takes longer than a small run."""

    def leave_out(patch: pytest.MonkeyPatch) -> None:
        patch.setattr("engager.report.write_report", lambda folder, content, drawn: folder / "report.html")
        patch.setattr("engager.report.courses_figures", lambda section: {"panels": []})

    return leave_out
