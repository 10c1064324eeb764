"""The models that ship: equations (``model.ant``) and a parameter table (``parameters.yaml``) per folder.

The equations hold no numbers; the table gives each parameter its value, unit, variability between patients
and either a source or, where none was seen, the assumption behind it and a range. It may name variants
(other patients) and say which of its parameters belong to the drug, so that another drug can take its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from engager.core import InputError, Problem, UnitError, digest, factor, nearest, read_shipped_data, remembered
from engager.model.disease import read_diseases
from engager.model.drug import apply_drug, read_drug
from engager.model.parameters import Effect, Model, Parameter
from engager.model.roles import DiseaseRoles, infusion_of, read_roles
from engager.model.variant import read_variants

_KEYS = {
    "name", "value", "unit", "model_unit", "sd_log", "meaning", "source", "assumed", "note",
    "range", "sd_range", "fit", "draw",
}  # fmt: skip


def model_ids() -> list[str]:
    """Ids of the models that ship."""
    folder = resources.files("engager.model") / "data"
    return sorted(item.name for item in folder.iterdir() if (item / "parameters.yaml").is_file())


def load_model(model_id: str, *, variant: str | None = None, drug: str | Path | None = None) -> Model:
    """A shipped model.

    Parameters
    ----------
    variant : other patients, by a name under ``variants`` of its table; None: the table as it stands.
    drug : another engager: id of a shipped drug or path of a drug file; None: the table's own.

    Raises
    ------
    InputError
        When there is no such model, variant or drug (the nearest names are offered), or a file breaks a rule.

    Examples
    --------
    >>> from engager.model import load_model
    >>> model = load_model("b-all")
    >>> model.parameters["CL"].value, model.parameters["CL"].unit
    (2.22, 'L/h')
    """
    model = _shipped(model_id)
    if variant is not None:
        model = model.with_variant(variant)
    return model if drug is None else apply_drug(model, read_drug(drug))


@cache
def _shipped(model_id: str) -> Model:
    if model_id not in model_ids():
        raise InputError(Problem("model", model_id, "no model of this name ships", nearest(model_id, model_ids())))
    folder = Path(str(resources.files("engager.model") / "data" / model_id))
    # reading takes longer than everything else that `engager patient` does before it draws
    return remembered("model", model_id, lambda: read_model(folder / "model.ant", folder / "parameters.yaml"))


def read_model(equations: Path, table: Path) -> Model:
    """A model from an Antimony file and a parameter table.

    Raises
    ------
    InputError
        All problems of the table together: unknown keys, missing values or units, a unit of the wrong
        dimension, a parameter without source or stated assumption, a name the equations do not have.
    """
    from engager.model.sbml.antimony import read_antimony

    text = equations.read_text()
    content = read_shipped_data(table.read_text())
    problems: list[Problem] = []
    sources = content.get("sources", {})
    rows = {}
    for i, entry in enumerate(content.get("parameters", [])):
        row = _read_row(entry, f"{table.name}: parameters[{i}] ({entry.get('name', '?')})", sources, problems)
        if row is not None:
            rows[row.name] = row
    inputs = tuple(content["inputs"]) if "inputs" in content else infusion_of(equations.with_name("roles.yaml"))
    system = read_antimony(text, inputs=inputs, where=equations.name)
    for name in system.parameters:
        if name not in rows and math.isnan(system.defaults.get(name, math.nan)):
            problems.append(Problem(f"{table.name}: parameters", name, "the equations need a value for it"))
    known = set(system.parameters)
    variants = read_variants(content.get("variants", {}), f"{table.name}: variants", rows, sources, problems)
    drug_fields = dict(content.get("drug_fields", {}))
    problems += [
        Problem(
            f"{table.name}: drug_fields.{word}",
            name,
            "is no parameter of the table",
            nearest(str(name), rows),
        )
        for word, name in drug_fields.items()
        if name not in rows
    ]
    problems += [
        Problem(f"{table.name}: parameters", name, "the equations do not use it", nearest(name, known))
        for name in rows
        if name not in known
    ]
    effects = [
        effect
        for i, entry in enumerate(content.get("effects", []))
        if (effect := _read_effect(entry, f"{table.name}: effects[{i}]", rows, sources, problems)) is not None
    ]
    if problems:
        raise InputError(problems)
    defaults = {**system.defaults, **{name: row.model_value for name, row in rows.items()}}
    system = replace(system, id=content["model"], defaults=defaults)

    def roles(instead: Mapping[str, Any]) -> DiseaseRoles:
        return read_roles(equations.with_name("roles.yaml"), content["model"], system, instead)

    return Model(
        id=content["model"],
        title=content.get("title", content["model"]),
        system=system,
        parameters=rows,
        effects=tuple(effects),
        sources=sources,
        text=text,
        hash=digest(text + table.read_text()),
        variants=variants,
        drug=str(content.get("drug", "blinatumomab")),
        target=str(content.get("target", "CD19")),
        drug_fields=drug_fields,
        roles=roles({}),
        diseases=read_diseases(equations.with_name("diseases.yaml"), variants, rows, _read_effect, roles),
    )


def _read_row(entry: dict[str, Any], where: str, sources: dict[str, str], problems: list[Problem]) -> Parameter | None:
    found = len(problems)
    for key in sorted(set(entry) - _KEYS):
        problems.append(Problem(f"{where}.{key}", entry[key], "is no key of a parameter", nearest(key, _KEYS)))
    for key in ("name", "value", "unit", "meaning"):
        if key not in entry:
            problems.append(Problem(f"{where}.{key}", None, "is required"))
    if "source" not in entry and "assumed" not in entry:
        problems.append(Problem(where, entry.get("name"), "needs `source`, or `assumed` with its reason"))
    if "source" in entry and entry["source"] not in sources:
        problems.append(
            Problem(f"{where}.source", entry["source"], "is not listed", nearest(str(entry["source"]), sources))
        )
    if "source" not in entry and "range" not in entry:
        problems.append(Problem(f"{where}.range", None, "an assumed value needs a range"))
    low, high = entry.get("range", (None, None))
    value = entry.get("value")
    if low is not None and value is not None and not low <= value <= high:
        problems.append(Problem(f"{where}.value", value, f"must be within its range {low} to {high}"))
    if len(problems) > found:
        return None
    unit = str(entry["unit"])
    try:
        to_model = factor(unit, str(entry.get("model_unit", unit)), f"{where}.unit")
    except UnitError as error:
        problems.extend(error.problems)
        return None
    sd_range = entry.get("sd_range")
    return Parameter(
        name=entry["name"],
        value=float(value),  # type: ignore[arg-type]
        unit=unit,
        model_value=float(value) * to_model,  # type: ignore[arg-type]
        meaning=entry["meaning"],
        sd_log=float(entry.get("sd_log", 0.0)),
        source=entry.get("source"),
        assumed=entry.get("assumed"),
        note=entry.get("note"),
        low=low,
        high=high,
        sd_range=tuple(sd_range) if sd_range else None,
        is_fitted=bool(entry.get("fit", False)),
        is_share=entry.get("draw") == "share",
        to_model=to_model,
    )


def _read_effect(
    entry: dict[str, Any],
    where: str,
    rows: dict[str, Parameter],
    sources: dict[str, str],
    problems: list[Problem],
) -> Effect | None:
    found = len(problems)
    missing = [key for key in ("parameter", "covariate", "log_per_unit") if key not in entry]
    problems += [Problem(f"{where}.{key}", None, "is required") for key in missing]
    if entry.get("parameter") not in rows:
        problems.append(Problem(f"{where}.parameter", entry.get("parameter"), "is no parameter of the table"))
    if "source" not in entry and not ("assumed" in entry and "range" in entry):
        problems.append(Problem(where, entry.get("parameter"), "needs `source`, or `assumed` with its range"))
    if "source" in entry and entry["source"] not in sources:
        problems.append(Problem(f"{where}.source", entry["source"], "is not listed"))
    if len(problems) > found:
        return None
    low, high = entry.get("range", (None, None))
    return Effect(
        parameter=entry["parameter"],
        covariate=entry["covariate"],
        center=float(entry.get("center", 0.0)),
        log_per_unit=float(entry["log_per_unit"]),
        source=entry.get("source"),
        assumed=entry.get("assumed"),
        low=low,
        high=high,
        is_fitted=bool(entry.get("fit", False)),
    )
