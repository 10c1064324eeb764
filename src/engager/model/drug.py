"""Another engager by a parameter file alone: its quantities take the place of the model's own drug.

A drug file is YAML::

    drug: my-engager            id
    title: what it is
    target: CD19                the antigen it binds beside CD3
    sources: {key: citation}
    quantities:
      target_affinity: {value: 2.0, unit: nmol/L, source: key}
      clearance: {value: 0.3, unit: L/day, sd_log: 0.3, assumed: why, range: [0.1, 1.0]}

Each model lists under ``drug_fields`` which words it understands. A drug with another target must also give
the number of target molecules on each kind of cell. What a file leaves out stays as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from engager.core import InputError, Problem, UnitError, digest, digest_object, factor, nearest, read_plain

if TYPE_CHECKING:
    from engager.model.parameters import Model, Parameter

_KEYS = ("drug", "title", "target", "sources", "quantities")
_QUANTITY_KEYS = ("value", "unit", "sd_log", "source", "assumed", "range", "note")
# What no two engagers share: without these a file describes no drug.
_REQUIRED = ("molar_mass", "target_affinity", "cd3_affinity", "clearance", "volume")
_RECEPTORS = "target_per_"


@dataclass(frozen=True)
class DrugQuantity:
    """One quantity of a drug file, as given."""

    value: float
    unit: str
    sd_log: float | None = None
    source: str | None = None
    assumed: str | None = None
    low: float | None = None
    high: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Drug:
    """An engager: quantities by the words of ``drug_fields``; `sources` by key; `hash` of the file's text."""

    id: str
    title: str
    target: str
    quantities: dict[str, DrugQuantity]
    sources: dict[str, str]
    hash: str


def drug_ids() -> list[str]:
    """Ids of the drugs that ship as files."""
    folder = resources.files("engager.model") / "data" / "drugs"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def read_drug(drug: str | Path) -> Drug:
    """A drug from the id of one that ships or the path of a file.

    Raises
    ------
    InputError
        All problems of the file together: unknown keys, values that are not numbers > 0, no source or stated
        assumption, missing quantities.
    """
    path = Path(drug)
    if str(drug) in drug_ids():
        path = Path(str(resources.files("engager.model") / "data" / "drugs" / f"{drug}.yaml"))
    elif not path.is_file():
        raise InputError(
            Problem("drug", str(drug), "is neither a drug that ships nor a file", nearest(str(drug), drug_ids()))
        )
    text = path.read_text()
    try:
        content = read_plain(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(Problem(path.name, " ".join(str(error).split()), "must be YAML")) from None
    return replace(drug_from(content, f"{path.name}: "), hash=digest(text))


def drug_from(content: Any, where: str) -> Drug:
    """A drug from what its file holds, read already.

    Parameters
    ----------
    where : what messages begin with, before the key.

    Raises
    ------
    InputError
        As `read_drug`.
    """
    if not isinstance(content, dict):
        place = where.removesuffix(": ").removesuffix(".")
        raise InputError(Problem(place, content, "must be a mapping with " + ", ".join(_KEYS)))
    problems: list[Problem] = []
    for key in sorted(set(content) - set(_KEYS), key=str):
        problems.append(Problem(f"{where}{key}", content[key], "is no key of a drug file", nearest(str(key), _KEYS)))
    for key in ("drug", "target", "quantities"):
        if key not in content:
            problems.append(Problem(f"{where}{key}", None, "is required"))
    sources = _mapping(content, "sources", where, problems)
    entries = _mapping(content, "quantities", where, problems)
    quantities = {
        word: _read_quantity(entry, f"{where}quantities.{word}", sources, problems) for word, entry in entries.items()
    }
    if "quantities" in content:
        problems += [
            Problem(f"{where}quantities.{word}", None, "is required") for word in _REQUIRED if word not in entries
        ]
    if problems:
        raise InputError(problems)
    return Drug(
        id=str(content["drug"]),
        title=str(content.get("title", content["drug"])),
        target=str(content["target"]),
        quantities={word: quantity for word, quantity in quantities.items() if quantity is not None},
        sources={str(key): str(text) for key, text in sources.items()},
        hash=digest_object(content),
    )


def apply_drug(model: Model, drug: Drug) -> Model:
    """`model` with the quantities of `drug` in place of its own.

    Raises
    ------
    InputError
        When the model does not take this drug: a word it does not know, a unit of the wrong dimension, or
        another target without the number of target molecules on each kind of cell.
    """
    fields = model.drug_fields
    if not fields:
        raise InputError(Problem(f"model {model.id}", drug.id, "takes no other drug: its table has no `drug_fields`"))
    problems: list[Problem] = []
    rows = dict(model.parameters)
    for word, quantity in drug.quantities.items():
        where = f"drug {drug.id}: quantities.{word}"
        if word not in fields:
            problems.append(
                Problem(where, quantity.value, f"is no drug quantity of model {model.id}", nearest(word, fields))
            )
            continue
        old = rows[fields[word]]
        try:
            rows[old.name] = _replaced(old, quantity, factor(quantity.unit, old.unit, f"{where}.unit"), drug.id)
        except UnitError as error:
            problems.extend(error.problems)
    if drug.target != model.target:
        problems += [
            Problem(
                f"drug {drug.id}: quantities.{word}",
                None,
                f"is required: {drug.target} is not {model.target}",
                "Give the molecules of the target on each kind of cell.",
            )
            for word in fields
            if word.startswith(_RECEPTORS) and word not in drug.quantities
        ]
    if problems:
        raise InputError(problems)
    values = {name: row.model_value for name, row in rows.items()}
    given = {fields[word] for word in drug.quantities}
    return replace(
        model,
        parameters=rows,
        system=replace(model.system, defaults={**model.system.defaults, **values}),
        sources={**model.sources, **{f"{drug.id}/{key}": text for key, text in drug.sources.items()}},
        title=f"{model.title}; drug: {drug.title}",
        drug=drug.id,
        target=drug.target,
        hash=digest(model.hash + drug.hash),
        own_values=model.own_values | given,
        own_spreads=model.own_spreads
        | {fields[word] for word, one in drug.quantities.items() if one.sd_log is not None},
    )


def _replaced(old: Parameter, quantity: DrugQuantity, to_table: float, drug_id: str) -> Parameter:
    """A row of the table with the drug's value, in the table's unit."""
    value = quantity.value * to_table
    return replace(
        old,
        value=value,
        model_value=value * old.to_model,
        sd_log=old.sd_log if quantity.sd_log is None else quantity.sd_log,
        source=None if quantity.source is None else f"{drug_id}/{quantity.source}",
        assumed=quantity.assumed,
        note=quantity.note,
        low=None if quantity.low is None else quantity.low * to_table,
        high=None if quantity.high is None else quantity.high * to_table,
        is_fitted=False,
    )


def _mapping(content: Mapping[str, Any], key: str, where: str, problems: list[Problem]) -> dict[str, Any]:
    found = content.get(key, {})
    if isinstance(found, dict):
        return found
    problems.append(Problem(f"{where}{key}", found, "must be a mapping"))
    return {}


def _read_quantity(entry: Any, where: str, sources: Mapping[str, str], problems: list[Problem]) -> DrugQuantity | None:
    if not isinstance(entry, dict):
        problems.append(Problem(where, entry, "must be a mapping with `value` and `unit`"))
        return None
    before = len(problems)
    for key in sorted(set(entry) - set(_QUANTITY_KEYS), key=str):
        problems.append(
            Problem(f"{where}.{key}", entry[key], "is no key of a quantity", nearest(str(key), _QUANTITY_KEYS))
        )
    for key in ("value", "unit"):
        if key not in entry:
            problems.append(Problem(f"{where}.{key}", None, "is required"))
    if "source" not in entry and not ("assumed" in entry and "range" in entry):
        problems.append(Problem(where, entry.get("value"), "needs `source`, or `assumed` with its `range`"))
    if "source" in entry and entry["source"] not in sources:
        problems.append(
            Problem(f"{where}.source", entry["source"], "is not listed", nearest(str(entry["source"]), sources))
        )
    value, spread = _number(entry.get("value")), _number(entry.get("sd_log", 0.0))
    if "value" in entry and not (math.isfinite(value) and value > 0):
        problems.append(Problem(f"{where}.value", entry["value"], "must be a number above 0"))
    if not (math.isfinite(spread) and spread >= 0):
        problems.append(Problem(f"{where}.sd_log", entry["sd_log"], "must be a number, 0 or more"))
    low, high = _range(entry.get("range"), f"{where}.range", problems)
    if low is not None and high is not None and not low <= value <= high:
        problems.append(Problem(f"{where}.value", entry.get("value"), f"must be within its range {low} to {high}"))
    if len(problems) > before:
        return None
    return DrugQuantity(
        value=value,
        unit=str(entry["unit"]),
        sd_log=spread if "sd_log" in entry else None,
        source=entry.get("source"),
        assumed=entry.get("assumed"),
        low=low,
        high=high,
        note=entry.get("note"),
    )


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:  # a whole number beyond what a float holds
        return math.inf


def _range(value: Any, where: str, problems: list[Problem]) -> tuple[float | None, float | None]:
    if value is None:
        return None, None
    if isinstance(value, list) and len(value) == 2 and all(math.isfinite(_number(one)) for one in value):
        return float(value[0]), float(value[1])
    problems.append(Problem(where, value, "must be two numbers, low and high"))
    return None, None
