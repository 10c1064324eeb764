"""What factors, unknowns and assumptions mean, in words for a figure."""

from __future__ import annotations

from collections.abc import Iterable

from engager.model import Model
from engager.population import ValueName

_COVARIATES = {
    "age_years": "age",
    "female": "sex",
    "marrow_blasts_percent": "marrow blasts at entry",
    "salvage_line": "salvage line",
    "prior_hsct": "earlier transplant",
    "extramedullary": "extramedullary disease",
    "ph_positive": "Philadelphia chromosome",
    "height_cm": "height",
    "weight_kg": "weight",
    "mrd_log10": "residual disease at entry",
    "cd8_per_uL": "CD8 T cells in blood at entry",
    "in_remission": "remission at entry",
    "untreated": "no earlier treatment",
    "remission_months": "length of the last remission",
    "remission_log": "length of the last remission",
}


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
    return _COVARIATES.get(name, name.replace("_", " "))
