"""A variant of a model as the disease of a trial: what a trial needs beyond one patient's course.

A variant (``variants`` of the parameter table) holds the values of other patients. A trial runs for years in patients
who differ, asks for responses, and so needs more: further values, effects of covariates, other roles. They stand in
``diseases.yaml`` beside the table, and apart from it because the table's text is what a fitted posterior is tied to and
nothing here moves a value of the model itself::

    lymphoma:                    id of a variant
      sources: {key: citation}
      values:
        capacity: {value: 7.0e+12, source: key, note: what was seen}
        has_sanctuary: {value: 0, assumed: why, range: [0, 1]}
      effects: [...]             as in the parameter table
      roles: {...}               blocks that take the place of those in roles.yaml; null: this disease has none

In: that file, checked against the model. Out: `Disease` by variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engager.core import InputError, Problem, nearest, read_plain
from engager.model.parameters import Disease, Effect, Parameter
from engager.model.roles import DiseaseRoles

_KEYS = ("sources", "values", "effects", "roles")
_VALUE_KEYS = ("value", "source", "assumed", "range", "note")


def read_diseases(
    path: Path,
    variants: Mapping[str, Any],
    rows: Mapping[str, Parameter],
    read_effect: Callable[..., Effect | None],
    read_roles: Callable[[Mapping[str, Any]], DiseaseRoles],
) -> dict[str, Disease]:
    """The diseases of a model by variant; empty without the file.

    Parameters
    ----------
    variants : of the model's table, by name. rows : its parameters.
    read_effect : reads an effect as the table's. read_roles : roles with some blocks replaced.

    Raises
    ------
    InputError
        With everything that is wrong in the file.
    """
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    content = read_plain(text) or {}
    problems: list[Problem] = []
    found = {}
    for name, entry in content.items():
        where = f"{path.name}: {name}"
        if name not in variants:
            problems.append(Problem(where, name, "is no variant of the table", nearest(str(name), variants)))
        for key in sorted(set(entry) - set(_KEYS)):
            problems.append(Problem(f"{where}.{key}", entry[key], "is no key of a disease", nearest(key, _KEYS)))
        sources = dict(entry.get("sources") or {})
        values = _values(entry.get("values") or {}, where, rows, sources, problems)
        effects = [
            read_effect(one, f"{where}.effects[{i}]", rows, sources, problems)
            for i, one in enumerate(entry.get("effects") or ())
        ]
        found[name] = Disease(
            values=values,
            model_values={parameter: value * rows[parameter].to_model for parameter, value in values.items()},
            effects=tuple(effect for effect in effects if effect is not None),
            roles=read_roles(entry.get("roles") or {}),
            sources=sources,
            text=text,
        )
    if problems:
        raise InputError(problems)
    return found


def _values(
    entries: Mapping[str, Any], where: str, rows: Mapping[str, Parameter], sources: Mapping[str, str],
    problems: list[Problem],
) -> dict[str, float]:  # fmt: skip
    """Values by parameter; each has a source, or an assumption with its range."""
    before, found = len(problems), {}
    for name, entry in entries.items():
        here = f"{where}.values.{name}"
        if name not in rows:
            problems.append(Problem(here, name, "is no parameter of the table", nearest(str(name), rows)))
            continue
        for key in sorted(set(entry) - set(_VALUE_KEYS)):
            problems.append(Problem(f"{here}.{key}", entry[key], "is no key of a value", nearest(key, _VALUE_KEYS)))
        if "source" not in entry and not ("assumed" in entry and "range" in entry):
            problems.append(Problem(here, entry.get("value"), "needs `source`, or `assumed` with its `range`"))
        if "source" in entry and entry["source"] not in sources:
            hint = nearest(str(entry["source"]), sources)
            problems.append(Problem(f"{here}.source", entry["source"], "is not listed", hint))
        found[name] = float(entry["value"])
    return found if len(problems) == before else {}
