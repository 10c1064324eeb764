"""Variants of a study that a design is compared over: other values of its keys, by dotted path."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from engager.core import InputError, Problem, nearest
from engager.protocol import Protocol, read_protocol

AS_WRITTEN = "as-written"
# What names the study or judges it; another model would need other population values.
_NOT_SIMULATED = ("design", "study", "targets", "version", "model", "record", "sources", "title")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Scenario:
    """A variant of a study.

    Attributes
    ----------
    name : ``as-written`` for the study itself. changes : value by dotted path. protocol : the study with them.
    """

    name: str
    protocol: Protocol
    changes: dict[str, Any] = field(default_factory=dict)


def scenarios_of(protocol: Protocol) -> list[Scenario]:
    """The study as written, then its variants in the order of the file.

    Raises
    ------
    InputError
        With every path that leads nowhere, and whatever a variant breaks.
    """
    assert protocol.design is not None  # checked when the design was asked for
    found = [Scenario(AS_WRITTEN, protocol)]
    problems: list[Problem] = []
    for name, changes in protocol.design.scenarios.items():
        try:
            found.append(Scenario(name, changed(protocol, changes, f"design.scenarios.{name}"), changes))
        except InputError as error:
            problems += error.problems
        if name == AS_WRITTEN:
            rule = "must be another name; the study itself has this one"
            problems.append(Problem("design.scenarios", name, rule))
    if problems:
        raise InputError(problems)
    return found


def changed(protocol: Protocol, changes: dict[str, Any], where: str) -> Protocol:
    """The study with other values at dotted paths, such as ``arms.a.regimen.doses[0].amount``.

    Parameters
    ----------
    where : what messages call the variant.
    """
    raw = protocol.model_dump(mode="json", exclude_none=True)
    raw["design"].pop("scenarios", None)
    problems = [one for path, value in changes.items() if (one := _put(raw, path, value, where)) is not None]
    if problems:
        raise InputError(problems)
    return read_protocol(yaml.safe_dump(raw, sort_keys=False), where)


def _put(raw: dict[str, Any], path: str, value: Any, where: str) -> Problem | None:
    """Write a value where a path leads; the last key may be a new one, which reading the study then checks."""
    steps: list[str | int] = [int(index) if index else key for key, index in _STEP.findall(path)]
    place: Any = raw
    if not steps or steps[0] in _NOT_SIMULATED:
        rule = "must lead to a key that is simulated, such as arms, population or hsct"
        return Problem(where, path, rule)
    for depth, step in enumerate(steps):
        is_last = depth == len(steps) - 1
        if isinstance(step, int):
            leads = isinstance(place, list) and step < len(place)
        else:
            leads = isinstance(place, dict) and (is_last or step in place)
        if not leads:
            known = [str(key) for key in place] if isinstance(place, dict) else []
            hint = nearest(str(step), known) if known else "engager trial show prints the study with every key."
            return Problem(where, path, f"must lead to a key of the study; {step!r} does not", hint)
        if is_last:
            place[step] = value
        else:
            place = place[step]
    return None
