"""A baseline characteristic as printed: rules (known keys of the right type, or a number per category), and shares."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from engager.core import Problem

_NUMBERS = ("median", "mean", "sd", "proportion")
_COUNTS = ("events", "n", "unknown", "missing")
_WORDS = ("note", "when")
_KEYS = frozenset({*_NUMBERS, *_COUNTS, *_WORDS, "range", "source"})
_ROUNDOFF = 1e-9
# Printed shares are rounded; of some categories the sum is a little more than 1.
_ROUNDING_OF_SHARES = 0.03


def baseline_problems(trait: str, summary: Mapping[str, Any], n_arm: int, place: str) -> Iterator[Problem]:
    """Everything wrong with one characteristic's summary, its sources aside.

    Parameters
    ----------
    trait : its name; ``..._percent`` and ``age_years`` say what its numbers can be.
    summary : as written: `median`, `mean`, `sd`, `range`, `events` of `n`, `proportion`, `unknown`,
        `missing`, `note`, `when`, `source`, and any other key with a category's count or share.
    n_arm : patients of the arm, or those they were taken from; 0: not known.
    place : file and key of the baseline.
    """
    place = f"{place}.{trait}"
    wrong = list(_type_problems(summary, place))
    yield from wrong
    if not wrong:
        yield from _count_problems(summary, n_arm, place)
        yield from _category_problems(summary, place)
        yield from _range_problems(summary, place)
        yield from _possible_problems(trait, summary, place)


def categories(summary: Mapping[str, Any]) -> dict[str, int | float]:
    """Counts, or shares, of the categories of a characteristic whose keys and types are right."""
    return {key: value for key, value in summary.items() if key not in _KEYS}


def published_share(summary: Mapping[str, Any], category: str | None = None) -> float | None:
    """Share of patients with a characteristic, or of one of its categories, among those of whom it is known.

    A whole number of a category is a count, any other already a share. None: it was not printed.
    """
    known = summary["n"] - _not_known(summary) if "n" in summary else None
    if category is None:
        return summary["events"] / known if "events" in summary and known else summary.get("proportion")
    found = categories(summary)
    if category not in found:
        return None
    given = found[category]
    return given / (known or sum(found.values())) if isinstance(given, int) else given


def _type_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for key, value in summary.items():
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


def _count_problems(summary: Mapping[str, Any], n_arm: int, place: str) -> Iterator[Problem]:
    n, events, share = summary.get("n"), summary.get("events"), summary.get("proportion")
    known = None if n is None else n - _not_known(summary)
    if n == 0:
        yield Problem(f"{place}.n", n, "must be at least 1", "Leave it out when it was not printed.")
    elif n is not None and known is not None and known <= 0:
        yield Problem(f"{place}.n", n, "must be more than those of whom it is not known", "Check the counts.")
    elif known is not None and events is not None and events > known:
        yield Problem(
            f"{place}.events", events, f"must not exceed the {known} of whom it is known", "Check the counts."
        )
    if n is not None and n_arm and n > n_arm:
        rule = f"is more than the arm's {n_arm} patients"
        yield Problem(f"{place}.n", n, rule, "Check both numbers, or give the arm's n_enrolled.")
    if share is not None and not 0 <= share <= 1:
        yield Problem(f"{place}.proportion", share, "must lie in 0 to 1", "Write 0.42 for 42 %.")


def _category_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Counts sum to no more than n; a number with decimals is a share, and shares to no more than 1."""
    found, n = categories(summary), summary.get("n")
    if not found:
        return
    total = sum(found.values())
    if total == 0:
        yield Problem(place, dict(found), "no category holds anybody", "Write the counts that were printed.")
    elif any(isinstance(value, float) for value in found.values()):
        if total > 1 + _ROUNDING_OF_SHARES:
            yield Problem(place, total, "shares of categories must not sum to more than 1", "Write 0.42 for 42 %.")
    elif n is not None and total + _not_known(summary) > n:
        rule = f"categories must not sum to more than n = {n}"
        yield Problem(place, total + _not_known(summary), rule, "Check the counts.")


def _not_known(summary: Mapping[str, Any]) -> int:
    return sum(summary.get(key, 0) for key in ("unknown", "missing"))


def _possible_problems(trait: str, summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Ages, percentages and spreads that no patients have."""
    most = 100.0 if trait.endswith("_percent") else 120.0 if trait.startswith("age_years") else None
    for key in ("median", "mean", "range"):
        given: Any = summary.get(key)
        ends = given if _is_list(given) else () if given is None else (given,)
        if most is not None and any(not 0 <= end <= most for end in ends):
            yield Problem(f"{place}.{key}", given, f"must lie in 0 to {most:g}", "Check the number and its unit.")
    if "sd" in summary and not summary["sd"] > 0:
        yield Problem(f"{place}.sd", summary["sd"], "must be > 0", "Leave it out when it was not printed.")


def _range_problems(summary: Mapping[str, Any], place: str) -> Iterator[Problem]:
    spread = summary.get("range")
    if spread is None:
        return
    low, high = spread
    middle = summary.get("median", summary.get("mean"))
    if low > high:
        yield Problem(f"{place}.range", spread, "must be [lowest, highest]", "Swap or correct the numbers.")
    elif middle is not None and not low - _ROUNDOFF <= middle <= high + _ROUNDOFF:
        yield Problem(f"{place}.range", spread, f"must hold the value {middle}", "Check the three numbers.")


def _is_number(value: Any) -> bool:
    # a whole number may be beyond any float
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _are_texts(value: Any) -> bool:
    return bool(value) and all(isinstance(part, str) for part in value)
