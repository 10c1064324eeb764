"""A record of one's own: made from a form's fields, checked as `engager evidence check` does. Nothing is kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engager.core import InputError, Problem
from engager.evidence import contribution_remarks, contribution_words, read_record, record_schema

_NAME = "own-record.yaml"
_SOURCE = "S1"
# Fields of the form that have a closed list of words, and where the schema says which.
CHOICES = ("kind", "age_group", "lineage", "ph", "setting")


@dataclass(frozen=True)
class CheckedRecord:
    """A record that holds together.

    Attributes
    ----------
    id, title : of the record. holds : how many arms, figures and patients, in words.
    remarks : what a contributor should know before it joins the shipped ones.
    """

    id: str
    title: str
    holds: str
    remarks: tuple[str, ...]


@cache
def record_choices() -> dict[str, tuple[str, ...]]:
    """The words that each field with a closed list may have, as the schema of records says."""
    schema = json.loads(record_schema())
    places = {"kind": schema["properties"], **dict.fromkeys(CHOICES[1:], schema["$defs"]["Population"]["properties"])}
    return {name: tuple(places[name][name]["enum"]) for name in CHOICES}


def record_text(fields: Mapping[str, str], figures: Sequence[Mapping[str, str]]) -> str:
    """A record file from the fields of a form: one arm, one source; more is added in the text.

    Parameters
    ----------
    fields : id, title, authors (parted by semicolons), journal, year, doi, pmid, the `CHOICES`, and arm, regimen,
        description, n, source, where, notes; what is left out or empty is left out of the file.
    figures : each with endpoint, and events and n of a share or months of a median.
    """
    given = {name: str(value).strip() for name, value in fields.items() if str(value).strip()}
    citation: dict[str, Any] = {
        "authors": [one.strip() for one in given.get("authors", "").split(";") if one.strip()],
        "title": given.get("title"),
        "journal": given.get("journal", ""),
        "year": _number(given.get("year", "")),
        **{name: given[name] for name in ("doi", "pmid") if name in given},
    }
    arm = {
        "id": given.get("arm", ""),
        "regimen": given.get("regimen", ""),
        "description": given.get("description", ""),
        "n": _number(given["n"]) if "n" in given else None,
        "outcomes": [_figure(one) for one in figures if str(one.get("endpoint", "")).strip()],
    }
    content = {
        "id": given.get("id", ""),
        "citation": citation,
        "kind": given.get("kind", ""),
        "population": {name: given.get(name, "") for name in CHOICES[1:]},
        "arms": [arm],
        "sources": {_SOURCE: {"what": given.get("source", ""), "where": given.get("where", ""), "seen": True}},
        "notes": given.get("notes", ""),
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _figure(given: Mapping[str, str]) -> dict[str, Any]:
    told = {name: str(value).strip() for name, value in given.items() if str(value).strip()}
    found: dict[str, Any] = {"endpoint": told["endpoint"]}
    if "months" in told:
        found |= {"statistic": "median", "value_months": _number(told["months"])}
    found |= {name: _number(told[name]) for name in ("events", "n") if name in told}
    return {**found, "source": _SOURCE}


def _number(text: str) -> int | float | str:
    """The number that a text says; the text itself where it says none, for the check to refuse."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def check_record_text(text: str) -> CheckedRecord:
    """Check a record file given as text.

    Raises
    ------
    InputError
        With everything that is wrong in it, as `engager evidence check` tells it.
    """
    if not text.strip():
        raise InputError(Problem(_NAME, "nothing", "must hold a record", "Fill in the form, or paste a record."))
    with tempfile.TemporaryDirectory(prefix="engager-record-") as folder:
        path = Path(folder) / _NAME
        path.write_text(text, encoding="utf-8")
        found = read_record(path)
    title = found.citation.title or found.id
    remarks = tuple(contribution_remarks(found))
    return CheckedRecord(found.id, title, contribution_words(found), remarks)
