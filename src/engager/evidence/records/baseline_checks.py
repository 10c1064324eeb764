"""Rules of one baseline characteristic: known keys of the right type, or one number per category."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from engager.core import Problem

_NUMBERS = ("median", "mean", "sd", "proportion")
_COUNTS = ("events", "n", "unknown", "missing")
_WORDS = ("note", "when")
_KEYS = frozenset({*_NUMBERS, *_COUNTS, *_WORDS, "range", "source"})
_ROUNDOFF = 1e-9


def baseline_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Everything wrong with one characteristic's summary, its sources aside.

    Parameters
    ----------
    summary : as written: `median`, `mean`, `sd`, `range`, `events` of `n`, `proportion`, `unknown`,
        `missing`, `note`, `when`, `source`, and any other key with a category's count or share.
    place : file and key.
    """
    wrong = list(_type_problems(summary, place))
    yield from wrong
    if not wrong:
        yield from _count_problems(summary, place)
        yield from _range_problems(summary, place)


def _type_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for key, value in summary.items():
        if value is None and key in _KEYS:
            continue
        if key in _COUNTS and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            yield Problem(f"{place}.{key}", value, "must be a whole number >= 0", "Write the count.")
        elif key in _NUMBERS and not _is_number(value):
            yield Problem(f"{place}.{key}", value, "must be a number", "Write the number without unit.")
        elif key in _WORDS and not isinstance(value, str):
            yield Problem(f"{place}.{key}", value, "must be text", "Put it in quotes.")
        elif key == "range" and not (_is_list(value) and len(value) == 2 and all(map(_is_number, value))):
            yield Problem(f"{place}.range", value, "must be [lowest, highest]", "Write two numbers.")
        elif key == "source" and not (isinstance(value, str) or (_is_list(value) and _are_texts(value))):
            yield Problem(f"{place}.source", value, "must name one or more of the record's `sources`", "")
        elif key not in _KEYS and not (_is_number(value) and value >= 0):
            rule = "must be a number >= 0 (a category's count or share), or one of " + ", ".join(sorted(_KEYS))
            yield Problem(f"{place}.{key}", value, rule, "Check the spelling of the key.")


def _count_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    n, events, share = summary.get("n"), summary.get("events"), summary.get("proportion")
    if n == 0:
        yield Problem(f"{place}.n", n, "must be at least 1", "Leave it out when it was not printed.")
    if events is not None and n is not None and events > n:
        yield Problem(f"{place}.events", events, f"must not exceed n = {n}", "Check both numbers.")
    if share is not None and not 0 <= share <= 1:
        yield Problem(f"{place}.proportion", share, "must lie in 0 to 1", "Write 0.42 for 42 %.")
    categories = [value for key, value in summary.items() if key not in _KEYS]
    if categories and n is not None and all(isinstance(value, int) for value in categories):
        counted = sum(categories) + sum(summary.get(key) or 0 for key in ("unknown", "missing"))
        if counted > n:
            rule = f"categories must not sum to more than n = {n}"
            yield Problem(place, counted, rule, "Check the counts.")


def _range_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    spread = summary.get("range")
    if spread is None:
        return
    low, high = spread
    middle = summary.get("median") if summary.get("median") is not None else summary.get("mean")
    if low > high:
        yield Problem(f"{place}.range", spread, "must be [lowest, highest]", "Swap or correct the numbers.")
    elif middle is not None and not low - _ROUNDOFF <= middle <= high + _ROUNDOFF:
        yield Problem(f"{place}.range", spread, f"must hold the value {middle}", "Check the three numbers.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _are_texts(value: Any) -> bool:
    return bool(value) and all(isinstance(part, str) for part in value)
