"""The form of a study: its plain values by key, each with what the JSON Schema says of it.

In: a study. Out: fields, in the order of the form. A key joins the names on the way with ``/`` (names hold dots) and
counts list entries from 0, e.g. ``arms/a/regimen/doses/0/amount``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engager.core import Problem
from engager.protocol import Protocol, protocol_schema

_BLOCKS = ("arms", "population", "follow_up", "allocation", "visits", "hsct", "later_therapy", "design")
_GROUPS = {
    "arms": "Arm", "population": "Patients", "follow_up": "Follow-up", "allocation": "Allocation", "visits": "Visits",
    "hsct": "Transplant", "later_therapy": "Later therapy", "design": "How a trial is judged",
}  # fmt: skip
_WORDS = {
    "n": "patients", "hsct": "transplant", "ph": "Ph", "mrd": "MRD", "il6": "IL-6", "crs": "CRS", "cd19": "CD19",
    "alpha": "alpha, one-sided", "information": "looks at shares of information",
}  # fmt: skip
_UNITS = {
    "_per_year": "per year", "_mg_per_m2": "mg/m²", "_mg_per_day": "mg/day", "_per_uL": "per µL", "_percent": "%",
    "_years": "years", "_months": "months", "_weeks": "weeks", "_days": "days", "_kg": "kg", "_mg": "mg", "_cm": "cm",
}  # fmt: skip
_LONGEST_TEXT = 60
_NO_LIMIT = 1e6
_WHERE = re.compile(r"^study: (?P<path>\S+)")


def form_fields(protocol: Protocol) -> list[dict[str, Any]]:
    """What a form can change.

    Returns
    -------
    Rows ``key, group, label, unit, hint, kind, value, options``. kind : number, yes_no, choice, list or text.
    """
    schema = protocol_schema()
    content = protocol.model_dump(mode="json", exclude_none=True)
    found: list[dict[str, Any]] = []
    for block in _BLOCKS:
        if block in content:
            _walk(content[block], (block,), schema["properties"].get(block, {}), schema, "", found)
    return found


def field_of(problem: Problem) -> str:
    """The key of the field that a problem stands at; empty when it stands at none."""
    told = _WHERE.match(problem.where)
    return re.sub(r"\[(\d+)\]", r"/\1", told["path"]).replace(".", "/") if told else ""


def _walk(
    value: Any, path: tuple[str, ...], node: Mapping[str, Any], schema: Mapping[str, Any], unit: str,
    found: list[dict[str, Any]],
) -> None:  # fmt: skip
    node = _branch(node, value, schema)
    if isinstance(value, dict):
        for name, inner in value.items():
            own = str(value.get("unit", "")) if name == "amount" else ""
            _walk(inner, (*path, str(name)), _below(node, str(name)), schema, own, found)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for place, inner in enumerate(value):
            _walk(inner, (*path, str(place)), node.get("items", {}), schema, "", found)
    elif (kind := _kind(value, node)) is not None:
        label, own = _words(path)
        hint, is_share = _hint(node)
        found.append(
            {
                "key": "/".join(path),
                "group": _group(path),
                "label": label,
                "unit": unit or own or ("share" if is_share else ""),
                "kind": kind,
                "value": ", ".join(map(_item, value)) if kind == "list" else value,
                "hint": hint,
                "options": list(node.get("enum", ())),
            }
        )


def _item(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _kind(value: Any, node: Mapping[str, Any]) -> str | None:
    if isinstance(value, bool):
        return "yes_no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        is_of_blocks = not value and "$ref" in node.get("items", {})
        return "list" if not is_of_blocks and all(len(str(one)) < _LONGEST_TEXT for one in value) else None
    if isinstance(value, str) and len(value) < _LONGEST_TEXT:
        return "choice" if node.get("enum") else "text"
    return None


def _branch(node: Mapping[str, Any], value: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the schema that speaks of this value: references followed, alternatives chosen by their keys."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    if "anyOf" not in node:
        return node
    choices = [_branch(one, value, schema) for one in node["anyOf"]]
    fitting = [one for one in choices if _fits(one, value)] or [{}]
    return {"description": node.get("description", ""), **fitting[0]}


def _fits(node: Mapping[str, Any], value: Any) -> bool:
    kinds = {"object": dict, "array": list, "string": str, "number": int | float, "integer": int, "boolean": bool}
    is_kind = isinstance(value, kinds.get(str(node.get("type")), object))
    return is_kind and (not isinstance(value, dict) or set(node.get("required", ())) <= set(value))


def _below(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name in node.get("properties", {}):
        found: Mapping[str, Any] = node["properties"][name]
        return found
    for pattern, inner in node.get("patternProperties", {}).items():
        if re.search(pattern, name):
            return dict(inner)
    rest = node.get("additionalProperties")
    return rest if isinstance(rest, Mapping) else {}


def _group(path: tuple[str, ...]) -> str:
    """E.g. ``Arm a``, ``Arm a, regimen``, ``Patients``."""
    if path[0] != "arms":
        return _GROUPS[path[0]]
    return f"Arm {path[1]}" + (", regimen" if path[2:3] == ("regimen",) else "")


def _words(path: tuple[str, ...]) -> tuple[str, str]:
    """The key in words without what its group says, and the unit that its name ends with."""
    parts = list(path[1:])
    if path[0] == "arms":
        parts = parts[1:]
    if parts[:1] == ["regimen"] and len(parts) > 1:
        parts = parts[1:]
    unit = ""
    words: list[str] = []
    for part in parts:
        for ending, told in _UNITS.items():
            if part.endswith(ending):
                part, unit = part.removesuffix(ending), told
                break
        if part.isdigit() and words and words[-1] in ("doses", "lines", "course", "weight bands"):
            words[-1] = f"{words[-1].removesuffix('s')} {int(part) + 1}"
        elif part != "bins":
            words.append(_WORDS.get(part) or " ".join(_WORDS.get(one, one) for one in part.split("_")))
    return ": ".join(words) or path[-1], "" if "bins" in path else unit


def _hint(node: Mapping[str, Any]) -> tuple[str, bool]:
    """Description and limits, as the schema has them, and whether the limits are those of a share."""

    def limit(names: tuple[str, ...]) -> float | None:
        return next((float(node[name]) for name in names if name in node), None)

    above, below = limit(("exclusiveMinimum", "gt")), limit(("exclusiveMaximum", "lt"))
    low, high = limit(("minimum", "ge")), limit(("maximum", "le"))
    parts = [f"above {above:g}"] if above is not None else [f"from {low:g}"] if low is not None else []
    if below is not None:
        parts.append(f"below {below:g}")
    elif high is not None and high < _NO_LIMIT:
        parts.append(f"to {high:g}")
    told = (str(node.get("description", "")).rstrip("."), " ".join(parts))
    return ". ".join(one for one in told if one), (low, high) == (0, 1)
