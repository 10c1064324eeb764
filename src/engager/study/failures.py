"""What patients whose simulation failed leave of a result: beyond a few of them, no verdict.

A failed patient is in no denominator. One in a thousand moves no figure that anybody reads. Of more, nobody knows
whether those that failed are like the others (the sickest are the hardest to solve): inside and outside are not said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from engager.calibration import Comparison

MOST_FAILED = 0.001


def is_judged(n_failed: int, n_patients: int) -> bool:
    """Whether so few patients failed that figures may be judged."""
    return n_failed <= MOST_FAILED * n_patients


def judged(comparisons: Sequence[Comparison], n_failed: int, n_patients: int) -> list[Comparison]:
    """The comparisons, without a verdict when too many patients failed."""
    if is_judged(n_failed, n_patients):
        return list(comparisons)
    return [replace(one, is_inside=None) for one in comparisons]


def failure_sentence(n_failed: int, n_patients: int) -> str:
    """What to say of failed patients; empty when there are none."""
    if not n_failed:
        return ""
    told = f"{n_failed} of {n_patients} patients could not be followed to the end and are left out of the figures."
    if is_judged(n_failed, n_patients):
        return told
    return f"{told} That is more than {100 * MOST_FAILED:g} %: no figure is judged, since those left out may differ."


def why_unknown(value: float | None) -> str:
    """Why there is no number: ``not reached`` of an infinite time, ``not estimable`` of none; empty of a number."""
    if value is None or math.isnan(value):
        return "not estimable"
    return "not reached" if math.isinf(value) else ""


def extremes(events: float, n: float, n_failed: float) -> tuple[float, float]:
    """A share when none of the failed patients had the event, and when all had; NaN of nobody."""
    everybody = n + n_failed
    return (events / everybody, (events + n_failed) / everybody) if everybody else (float("nan"), float("nan"))
