"""The shipped records: read once, validated at load, looked up by id.

A record file is refused as a whole with everything that is wrong in it, told by file and key.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from engager.core import InputError, Problem, broken_rule, dotted, nearest, remembered
from engager.evidence.records.checks import check_record
from engager.evidence.records.reading import read_yaml
from engager.evidence.records.record import Record
from engager.evidence.records.vocabulary import DATA


@cache
def load_records() -> dict[str, Record]:
    """All shipped records by id, in alphabetical order; loaded and validated once per process.

    Raises
    ------
    InputError
        With the problems of all files together.
    """
    return remembered("records", "shipped", lambda: read_records(DATA / "records"))


def read_records(folder: Path) -> dict[str, Record]:
    """All records of a folder by id.

    Raises
    ------
    InputError
        With the problems of all files together, a repeated id or reference number among them.
    """
    records: dict[str, Record] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            record = _shipped(path.stem) if path.parent == DATA / "records" else read_record(path)
        except InputError as error:
            problems += error.problems
            continue
        if path.name != f"{record.id}.yaml":
            rule = "must be the file's name without .yaml"
            problems.append(Problem(f"{path.name}: id", record.id, rule, "Rename one of them."))
        if record.id in records:
            problems.append(Problem(f"{path.name}: id", record.id, "is the id of another record", "Choose another."))
        records[record.id] = record
    problems += _repeated_references(records)
    if problems:
        raise InputError(problems)
    return records


def read_record(path: Path) -> Record:
    """One record from its YAML file, validated.

    Raises
    ------
    InputError
        With every problem of the file: what is unreadable, or else unknown and missing keys, wrong types, and
        counts, intervals, proportions and sources that do not hold together. These last wait when a wrong type
        stands where the record cannot do without the value.
    """
    return parse_record(read_yaml(path), path.name)


def parse_record(content: dict[str, Any], name: str) -> Record:
    """A record from the mapping of its file; problems as in `read_record`."""
    problems = list(_text_problems(content, name, ()))
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        problems += [*schema_problems(error, name), *_further_problems(content, error, name)]
        raise InputError(problems) from None
    problems += check_record(record, name)
    if problems:
        raise InputError(problems)
    return record


def _text_problems(content: Any, name: str, way: tuple[str | int, ...]) -> Iterator[Problem]:
    """Texts that no one can read: blank, or with characters that steer a terminal or turn the writing around."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from _text_problems(value, name, (*way, key if isinstance(key, int) else str(key)))
    elif isinstance(content, str):
        odd = next((sign for sign in content if sign != "\n" and unicodedata.category(sign)[0] == "C"), None)
        if odd is not None:
            rule = f"holds the character U+{ord(odd):04X}, which cannot be seen"
            yield Problem(f"{name}: {dotted(way)}", content, rule, "Leave it out.")
        elif content and not content.strip():
            yield Problem(
                f"{name}: {dotted(way)}", content, "must not be blank", "Write the text, or leave the key out."
            )


def _further_problems(content: dict[str, Any], error: ValidationError, name: str) -> list[Problem]:
    """What is wrong with the rest of a record when the values of a wrong type are left aside."""
    rest = copy.deepcopy(content)
    for found in error.errors(include_url=False):
        _leave_aside(rest, found["loc"], found["type"] == "extra_forbidden")
    try:
        return check_record(Record.model_validate(rest), name)
    except ValidationError:
        return []


def _leave_aside(content: Any, location: tuple[Any, ...], is_extra: bool) -> None:
    """Null, or for an unknown key nothing, at the place a finding names; branches of a choice are no keys."""
    parent, key = None, None
    for part in location:
        known = isinstance(content, dict) and part in content
        if known or (isinstance(content, list) and isinstance(part, int) and part < len(content)):
            parent, key, content = content, part, content[part]
    if parent is None:
        return
    if is_extra:
        del parent[key]
    else:
        parent[key] = None


def record(record_id: str) -> Record:
    """One shipped record.

    Raises
    ------
    InputError
        When there is no such record; the nearest ids are offered.

    Examples
    --------
    >>> from engager.evidence import record
    >>> tower = record("tower-2017")
    >>> [(arm.id, arm.n) for arm in tower.arms]
    [('blinatumomab', 271), ('chemotherapy', 134)]
    """
    known = record_ids()
    if record_id not in known:
        raise InputError(Problem("record", record_id, "is not a shipped record", nearest(record_id, known)))
    return _shipped(record_id)


@cache
def record_ids() -> tuple[str, ...]:
    """Ids of the shipped records, which are the names of their files."""
    return tuple(sorted(path.stem for path in (DATA / "records").glob("*.yaml")))


@cache
def _shipped(record_id: str) -> Record:
    return read_record(DATA / "records" / f"{record_id}.yaml")


def schema_problems(error: ValidationError, name: str) -> list[Problem]:
    """Pydantic's findings as problems with file and key; the branches of one choice are told once."""
    problems: dict[str, Problem] = {}
    for found in error.errors(include_url=False):
        place = _place(found["loc"])
        where = f"{name}: {place}" if place else name
        if where not in problems:
            problems[where] = Problem(where, _shown(found), *_told(found))
    # of a number or a pair, what is wrong within the pair says more than that it is no number
    return [one for where, one in problems.items() if not any(other.startswith(f"{where}[") for other in problems)]


# What pydantic appends to a path when a key may have several types.
_BRANCHES = frozenset({"str", "int", "float", "constrained-str", "tuple[float, float]", "tuple[str, ...]"})
# What the curator of a record can do, where that is not what the author of a study can.
_OF_RECORDS = MappingProxyType(
    {
        "extra_forbidden": ("is not a key of this place", "Check the spelling, or move it to `notes`."),
        "missing": ("is required", "Add the key (null where the schema allows it)."),
    }
)


# What a text of a certain form looks like, by its key; names of records, arms and regimens look alike.
_FORMS = MappingProxyType(
    {
        "doi": "must be a DOI such as 10.1056/NEJMoa1609783",
        "pmid": "must be a PubMed number, digits alone",
        "pmcid": "must be a PubMed Central number such as PMC5881572",
        "p": "must be a number, or text such as '<0.001'",
    }
)
_NAME = "must be letters, digits, dots, hyphens, underscores or plus signs, and begin with a letter or digit"


def _told(found: Any) -> tuple[str, str]:
    """Rule and next step of one finding."""
    if found["type"] == "string_pattern_mismatch":
        key = next(step for step in reversed(found["loc"]) if isinstance(step, str) and not _is_branch(step))
        return _FORMS.get(key, _NAME), ""
    return _OF_RECORDS.get(found["type"]) or broken_rule(found)


def _shown(found: Any) -> object:
    return None if found["type"] == "missing" else found["input"]


def _place(location: tuple[Any, ...]) -> str:
    return dotted(step for step in location if isinstance(step, int) or not _is_branch(str(step)))


def _is_branch(step: str) -> bool:
    return step in _BRANCHES or step.startswith(("tuple[", "constrained", "function-"))


def _repeated_references(records: dict[str, Record]) -> list[Problem]:
    owner: dict[int, str] = {}
    problems = []
    for entry in records.values():
        if entry.reference is None:
            continue
        if entry.reference in owner:
            rule = f"is already the reference number of {owner[entry.reference]}"
            problems.append(Problem(f"{entry.id}.yaml: seed_reference", entry.reference, rule, "Check both."))
        owner[entry.reference] = entry.id
    return problems
