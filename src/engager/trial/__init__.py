"""The virtual trial: what a study file says (`Protocol`) and what happens when it is carried out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "assumptions": ("assumption_table",),
    "recruit": ("quantile_of",),
    "regimen_strength": ("RegimenStrength", "regimen_strengths", "strength_of"),
    "simulate": ("simulate_trial",),
    "tables": ("OBSERVABLES", "TrialData"),
    "protocol": ("FORMAT_VERSION", "Protocol"),
    "protocol_catalogue": ("executable_regimen",),
    "protocol_decision": ("DesignBlock", "NullArm", "PriorChoice"),
    "protocol_decision_checks": ("design_problems",),
    "protocol_design": (
        "STRATA",
        "Allocation",
        "Arm",
        "DataCut",
        "FollowUp",
        "MrdAssay",
        "Transplant",
        "Visits",
    ),
    "protocol_distribution": (
        "Bins",
        "Constant",
        "Distribution",
        "MeanSpread",
        "MedianRange",
        "Share",
        "Table",
    ),
    "protocol_endpoints": ("BINARY_ENDPOINTS", "SIMULATED_ENDPOINTS", "TIME_ENDPOINTS", "Endpoint", "Target"),
    "protocol_population": ("PopulationBlock",),
    "protocol_regimen": ("CHEMOTHERAPY", "DoseLine", "Regimen", "Segment", "ToxicityRule", "WeightBand"),
    "protocol_spans": ("Spans",),
    "protocol_text": (
        "protocol_schema",
        "read_protocol",
        "read_protocol_file",
        "schema_text",
        "shipped_protocol",
        "shipped_protocols",
        "write_protocol",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    *sorted(_HOME_OF),
]


def __getattr__(name: str) -> Any:
    """Public names are fetched from their module when first used, so that importing stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
