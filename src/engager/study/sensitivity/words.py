"""What factors, unknowns and assumptions mean, in words for a figure."""

from __future__ import annotations

from collections.abc import Iterable

from engager.core import covariate
from engager.model import Model
from engager.population import ValueName


def meaning_of(name: str, model: Model) -> str:
    """A factor or an unknown as a reader would say it, e.g. ``spread of clearance`` for ``CL.sd``."""
    found = ValueName.read(name)
    if found.kind == "assumption":
        return found.name.replace("_", " ").replace("hsct", "transplant")
    if found.kind == "strength":
        return f"strength of {found.name}"
    meaning = model.parameters[found.name].meaning if found.name in model.parameters else _covariate(found.name)
    if found.kind == "slope":
        return f"{_covariate(found.covariate)} on {meaning}"
    if found.kind == "spread":
        return f"spread of {meaning}"
    return f"what trials differ in by {meaning}" if found.kind == "trial_effect" else meaning


def labels_of(names: Iterable[str], model: Model) -> dict[str, str]:
    """Words by name."""
    return {name: meaning_of(name, model) for name in names}


def _covariate(name: str) -> str:
    known = covariate(name)
    return known.meaning if known else name.replace("_", " ")
