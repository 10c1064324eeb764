"""What pydantic finds wrong with a file, in words for whoever wrote the file: the place, the rule, what to do.

In: entries of ``ValidationError.errors()``; pydantic itself is not needed here. Study files and records add what only
they know: the line, the keys that a place may have, what may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

_MAPPING = ("must be a mapping of keys and values", "")
_LIST = ("must be a list, such as [a, b]", "")
_TRUTH = ("must be true or false", "")
# By pydantic's name of a finding, whose own words are Python's.
_RULES = MappingProxyType(
    {
        "model_type": _MAPPING,
        "dict_type": _MAPPING,
        "tuple_type": _LIST,
        "list_type": _LIST,
        "bool_type": _TRUTH,
        "bool_parsing": _TRUTH,
        "int_type": ("must be a whole number", "Write it without quotes or decimals."),
        "float_type": ("must be a number", "Write it without quotes or unit."),
        "string_type": ("must be text", "Put it in quotes."),
    }
)
_BEGINNINGS = ("Input should", "String should", "List should", "Tuple should", "Dictionary should")


def dotted(path: Iterable[str | int]) -> str:
    """A place in a file, e.g. ``arms.A.regimen.doses[2].amount``; empty for the file itself."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def broken_rule(found: Mapping[str, Any]) -> tuple[str, str]:
    """What would have been right, and what to do, which may be empty.

    A rule of this package's own (`protocol.parts.refuse`) says both; any other is pydantic's.
    """
    own = found.get("ctx") or {}
    if "rule" in own:
        return str(own["rule"]), str(own.get("next_step", ""))
    if found["type"] in ("too_short", "string_too_short") and own.get("min_length") == 1:
        return "must not be empty", ""
    if found["type"] in _RULES:
        rule, next_step = _RULES[found["type"]]
        return rule, "" if isinstance(found["input"], dict | list) else next_step
    rule = str(found["msg"])
    for beginning in _BEGINNINGS:
        rule = rule.replace(beginning, "must")
    rule = re.sub(r" after validation, not \d+", "", rule)
    return rule[:1].lower() + rule[1:], ""
