"""A study file without its slips, so that a second reading tells what they hid.

A block is checked as a whole only when each of its keys can be read. In: the file's content and the problems found.
Out: a copy in which numbers written with a unit are numbers and what cannot be told is gone, and the places that were
changed in a way that may cause problems of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from engager.protocol.slips.numbers import meant_number

Place = tuple[str | int, ...]


def without_slips(raw: Any, places: Sequence[Place], unknown: Sequence[Place]) -> tuple[Any, set[Place]]:
    """The content as it may have been meant.

    Parameters
    ----------
    raw : content of the file; not changed.
    places : of problems. unknown : those among them that are keys the format does not have.

    Returns
    -------
    The copy, and the places that were taken out: what is said about the blocks around them cannot be relied on.
    """
    content = copy.deepcopy(raw)
    gone: set[Place] = set()
    # from the end, so that taking an item of a list out moves no other
    for place in sorted(set(places), key=lambda path: [str(step).zfill(9) for step in path], reverse=True):
        parent = _at(content, place[:-1])
        key = _key_in(parent, place[-1]) if place else None
        if key is None:
            continue
        number = meant_number(parent[key], place)
        if number is not None:
            parent[key] = int(number) if number.is_integer() else number
            continue
        del parent[key]
        if place not in unknown:
            gone.add(place)
    return content, gone


def is_told_by(place: Place, gone: set[Place]) -> bool:
    """Whether a problem may come from what was taken out: of a block around it, or of a key missing beside it."""
    return any(place[: len(other) - 1] == other[:-1] or other[: len(place)] == place for other in gone)


def _at(content: Any, place: Place) -> Any:
    for step in place:
        key = _key_in(content, step)
        if key is None:
            return None
        content = content[key]
    return content


def _key_in(parent: Any, step: str | int) -> Any:
    """The key of a mapping or list that a step of a path means; None without one."""
    if isinstance(parent, dict):
        return next((key for key in parent if str(key) == str(step)), None)
    return step if isinstance(parent, list) and isinstance(step, int) and step < len(parent) else None
