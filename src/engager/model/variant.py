"""Variants of a model: named sets of values that replace those of its parameter table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engager.core import Problem, nearest
from engager.model.parameters import Parameter, Variant

_KEYS = ("meaning", "source", "assumed", "values")


def read_variants(
    content: Mapping[str, Any],
    where: str,
    rows: Mapping[str, Parameter],
    sources: Mapping[str, str],
    problems: list[Problem],
) -> dict[str, Variant]:
    """Variants of a table; what is wrong with them is added to `problems`."""
    found = {}
    for name, entry in content.items():
        here = f"{where}.{name}"
        for key in sorted(set(entry) - set(_KEYS)):
            problems.append(Problem(f"{here}.{key}", entry[key], "is no key of a variant", nearest(key, _KEYS)))
        for key in ("meaning", "values"):
            if key not in entry:
                problems.append(Problem(f"{here}.{key}", None, "is required"))
        if "source" not in entry and "assumed" not in entry:
            problems.append(Problem(here, name, "needs `source`, or `assumed` with its reason"))
        if "source" in entry and entry["source"] not in sources:
            problems.append(
                Problem(f"{here}.source", entry["source"], "is not listed", nearest(str(entry["source"]), sources))
            )
        values = entry.get("values") or {}
        for parameter in values:
            if parameter not in rows:
                problems.append(
                    Problem(f"{here}.values.{parameter}", values[parameter], "is no parameter of the table",
                            nearest(parameter, rows))
                )  # fmt: skip
        known = {parameter: float(value) for parameter, value in values.items() if parameter in rows}
        found[name] = Variant(
            name=name,
            meaning=str(entry.get("meaning", "")),
            values=known,
            model_values={parameter: value * rows[parameter].to_model for parameter, value in known.items()},
            source=entry.get("source"),
            assumed=entry.get("assumed"),
        )
    return found
