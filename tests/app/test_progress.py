"""Progress tells the time left at the pace of the work itself, in words a person uses."""

from __future__ import annotations

import pytest

from engager.app.progress import TimeLeft, left_words, run_progress, share_progress
from engager.study import RunProgress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_what_is_left_is_told_from_when_work_began_to_show():
    clock = Clock()
    left = TimeLeft(clock)
    assert left(0.0) is None
    clock.now += 60.0  # a minute of compiling
    assert left(0.01) is None
    clock.now += 10.0
    # a tenth in ten seconds, so that 0.89 take 89
    assert left(0.11) == pytest.approx(89.0)
    clock.now += 40.0
    assert left(0.51) == pytest.approx(49.0)
    assert left(1.0) is None


def test_nothing_is_told_from_too_little():
    clock = Clock()
    left = TimeLeft(clock)
    left(0.1)
    clock.now += 1.0
    assert left(0.5) is None
    clock.now += 100.0
    assert left(0.11) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.2, "about 1 s left"),
        (42.3, "about 42 s left"),
        (514.0, "about 9 min left"),
        (7800.0, "about 2 h 10 min left"),
    ],
)
def test_time_left_in_words(seconds, said):
    assert left_words(seconds) == said


def test_lines_hold_stage_counts_and_time_left(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("engager.app.progress.time.monotonic", clock)
    monkeypatch.setattr(TimeLeft.__init__, "__defaults__", (clock,))
    with share_progress() as tell:
        for share in (0.0, 0.1, 0.3, 0.6):
            tell("parameter sets", share)
            clock.now += 10.0
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "parameter sets: 0 %",
        "parameter sets: 10 %",
        "parameter sets: 30 %, about 35 s left",
        "parameter sets: 60 %, about 16 s left",
    ]


def test_closing_stages_and_quiet_runs_say_less(capsys):
    with run_progress() as tell:
        tell(RunProgress(1.0, 40, 40, 2, 2, "reporting"))
    assert capsys.readouterr().err == "reporting: 40 of 40 patients, 2 of 2 replicates\n"
    with share_progress(quiet=True) as told:
        told("anything", 0.5)
    assert capsys.readouterr().err == ""
