"""Published evidence: one typed record per publication, every figure with its source.

In: YAML record files. Out: `Record`, `Outcome`, `Regimen`, and what is computed from them: pooled estimates,
networks, rebuilt curves, historical priors, tables and figures. Nothing here simulates.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engager.evidence.catalogue import find_records, regimen_summary, summary
    from engager.evidence.citations import cite, cite_all
    from engager.evidence.library import load_records, read_record, read_records, record
    from engager.evidence.outcome import Outcome
    from engager.evidence.regimens import DrugDose, Regimen, load_regimens, regimen
    from engager.evidence.schema import (
        Arm,
        Citation,
        Contrast,
        Figure,
        Population,
        Quantity,
        Record,
        SubgroupFigure,
    )
    from engager.evidence.vocabulary import Endpoint, endpoint, known_endpoint, months

_HOMES = {
    "catalogue": ("find_records", "regimen_summary", "summary"),
    "citations": ("cite", "cite_all"),
    "library": ("load_records", "read_record", "read_records", "record"),
    "outcome": ("Outcome",),
    "regimens": ("DrugDose", "Regimen", "load_regimens", "regimen"),
    "schema": (
        "Arm",
        "Citation",
        "Contrast",
        "Figure",
        "Population",
        "Quantity",
        "Record",
        "SubgroupFigure",
    ),
    "vocabulary": ("Endpoint", "endpoint", "known_endpoint", "months"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Arm",
    "Citation",
    "Contrast",
    "DrugDose",
    "Endpoint",
    "Figure",
    "Outcome",
    "Population",
    "Quantity",
    "Record",
    "Regimen",
    "SubgroupFigure",
    "cite",
    "cite_all",
    "endpoint",
    "find_records",
    "known_endpoint",
    "load_records",
    "load_regimens",
    "months",
    "read_record",
    "read_records",
    "record",
    "regimen",
    "regimen_summary",
    "summary",
]


def __getattr__(name: str) -> Any:
    """Public names are fetched from their module when first used, so that importing stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
