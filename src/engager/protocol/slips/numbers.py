"""A number written with its unit or as a percentage: what was meant, and what to write.

In: the text and the key it stands at. Out: the number in the key's own unit, and a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engager.core import MONTHS_PER

_WRITTEN = re.compile(r"\s*([-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)\s*(\S.*?)\s*", re.ASCII)
# Words of units, by the word that keys use.
_WORDS = {
    "days": ("d", "day", "days"),
    "weeks": ("w", "wk", "week", "weeks"),
    "months": ("mo", "month", "months"),
    "years": ("y", "yr", "year", "years"),
    "kg": ("kg",),
    "cm": ("cm",),
    "m2": ("m2", "m²"),
}
_PARTS = re.compile(r"[_\W]+")


def meant_number(text: object, path: Sequence[str | int]) -> float | None:
    """The number that a text stands for, in the unit of its key; None when it cannot be told."""
    found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    number, unit = float(found[1]), found[2].lower().rstrip(".")
    if unit in ("%", "percent"):
        return number if "percent" in _words(path) else number / 100.0
    given, wanted = _unit_of(unit), _unit_of_key(path)
    if given in MONTHS_PER and wanted in MONTHS_PER:
        converted = number * MONTHS_PER[given] / MONTHS_PER[wanted]
        return round(converted, 2) if given != wanted else number
    return number


def what_to_write(text: object, path: Sequence[str | int]) -> str:
    """E.g. ``Write 24: months is what the key counts.``; empty when the text holds no number."""
    number = meant_number(text, path)
    if number is None or not isinstance(text, str):
        return ""
    key = str(next((step for step in reversed(path) if isinstance(step, str)), ""))
    if text.rstrip().lower().endswith(("%", "percent")):
        if "percent" in _words(path):
            return f"Write {number:g}: the key counts percent."
        return "Write a whole number." if key in _COUNTS else f"Write {number:g}, the share."
    unit = _unit_of_key(path)
    if unit:
        return f"Write {number:g}: the key counts {unit}."
    if key == "amount":
        given = _WRITTEN.fullmatch(text)
        return f"Write amount: {number:g}, unit: {given[2] if given else 'ug/day'}."
    return f"Write {number:g} without a unit."


_COUNTS = ("n", "cycles", "cycle_days", "window_cycles", "block", "version")


def _words(path: Sequence[str | int]) -> list[str]:
    return [word for step in path if isinstance(step, str) for word in _PARTS.split(step.lower())]


def _unit_of(word: str) -> str:
    return next((unit for unit, words in _WORDS.items() if word in words), "")


def _unit_of_key(path: Sequence[str | int]) -> str:
    """The unit that a key or the nearest key above it names, e.g. ``weeks`` of ``window_weeks``."""
    for step in reversed(path):
        if isinstance(step, str):
            for word in reversed(_PARTS.split(step.lower())):
                if word in _WORDS:
                    return word
    return ""
