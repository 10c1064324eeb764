"""One front door: a study file in, a run folder out. Command line, web and notebooks come in here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engager.study.adam.export import AdamExport, export_adam
    from engager.study.calibrate import Calibration, calibrate_population, calibration_plan
    from engager.study.credibility import calibration_content, credibility_content, write_credibility
    from engager.study.design.judge import DesignResult, design_study
    from engager.study.design.words import (
        COLUMNS,
        LOOK_COLUMNS,
        characteristics_cells,
        look_cells,
        prior_sentences,
        rule_sentences,
    )
    from engager.study.drivers import sensitivity_summary, write_summary
    from engager.study.folder import RunFolder
    from engager.study.load import load_protocol, regimen_by_id
    from engager.study.patient import VirtualPatient, check_figure_path, draw_patients, simulate_patient
    from engager.study.replaying import Replay, replay
    from engager.study.requests import requests_of
    from engager.study.run import RunProgress, run_study
    from engager.study.sensitivity import Sensitivity, check_folder, study_sensitivity
    from engager.study.validation import Validation, studies_named, studies_with_targets, validate_studies
    from engager.study.validation_document import validation_text

_HOMES = {
    "adam.export": ("AdamExport", "export_adam"),
    "calibrate": ("Calibration", "calibrate_population", "calibration_plan"),
    "credibility": ("calibration_content", "credibility_content", "write_credibility"),
    "drivers": ("sensitivity_summary", "write_summary"),
    "design.judge": ("DesignResult", "design_study"),
    "design.words": (
        "COLUMNS",
        "LOOK_COLUMNS",
        "characteristics_cells",
        "look_cells",
        "prior_sentences",
        "rule_sentences",
    ),
    "folder": ("RunFolder",),
    "load": ("load_protocol", "regimen_by_id"),
    "patient": ("VirtualPatient", "check_figure_path", "draw_patients", "simulate_patient"),
    "replaying": ("Replay", "replay"),
    "requests": ("requests_of",),
    "run": ("RunProgress", "run_study"),
    "sensitivity": ("Sensitivity", "check_folder", "study_sensitivity"),
    "validation": ("Validation", "studies_named", "studies_with_targets", "validate_studies"),
    "validation_document": ("validation_text",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "COLUMNS",
    "LOOK_COLUMNS",
    "AdamExport",
    "Calibration",
    "DesignResult",
    "Replay",
    "RunFolder",
    "RunProgress",
    "Sensitivity",
    "Validation",
    "VirtualPatient",
    "calibrate_population",
    "calibration_content",
    "calibration_plan",
    "characteristics_cells",
    "check_figure_path",
    "check_folder",
    "credibility_content",
    "design_study",
    "draw_patients",
    "export_adam",
    "load_protocol",
    "look_cells",
    "prior_sentences",
    "regimen_by_id",
    "replay",
    "requests_of",
    "rule_sentences",
    "run_study",
    "sensitivity_summary",
    "simulate_patient",
    "studies_named",
    "studies_with_targets",
    "study_sensitivity",
    "validate_studies",
    "validation_text",
    "write_credibility",
    "write_summary",
]


def __getattr__(name: str) -> Any:
    """Public names are fetched from their module when first used, so that importing stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
