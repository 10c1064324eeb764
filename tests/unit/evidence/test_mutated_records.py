"""Whatever is wrong in a record file, the answer is a list of problems with their places, never a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from engager.core import InputError
from engager.evidence.records.library import parse_record
from engager.evidence.records.vocabulary import DATA

FILES = ("tower-2017", "deangelo-2007", "blincyto-smpc-2016", "goebeler-2011")
WRONG: tuple[Any, ...] = (
    None,
    [],
    {},
    "x",
    -1,
    1.5,
    True,
    [1, 2, 3],
    {"a": 1},
    float("nan"),
    10**9,
    "",
    ["S1"],
)


def _places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    entries = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in entries:
        if isinstance(value, dict | list):
            yield from _places(value, (*place, key))
        else:
            yield (*place, key)


@pytest.mark.parametrize("name", FILES)
def test_no_mutation_crashes_the_check(name):
    draw = random.Random(name)
    original = yaml.safe_load((DATA / "records" / f"{name}.yaml").read_text(encoding="utf-8"))
    places = list(_places(original))
    told: list[tuple[str, ...]] = []
    for _ in range(150):
        content = copy.deepcopy(original)
        *way, last = draw.choice(places)
        target = content
        for key in way:
            target = target[key]
        if draw.random() < 0.15:
            target.pop(last)
        else:
            target[last] = copy.deepcopy(draw.choice(WRONG))
        try:
            assert parse_record(content, f"{name}.yaml").outcomes is not None
        except InputError as error:
            told.append(tuple(problem.where for problem in error.problems))
    assert len(told) > 75
    assert all(where.startswith(f"{name}.yaml") for places_told in told for where in places_told)
