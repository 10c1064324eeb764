"""Published beside simulated: comparison with targets, and fitting the population to several trials at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "comparison": ("Comparison", "compare", "published_interval", "request_of", "strata_of"),
    "fit": ("FitPlan", "fit_defaults", "fit_population", "shipped_plan"),
    "identifiability": ("Held", "Identifiability", "Informed", "Pair", "assess_identifiability"),
    "observation_check": ("validate_observations",),
    "observations": ("Observations", "load_observations"),
    "regimens": ("calibrate_regimens", "write_regimen_strengths"),
    "posterior": ("Posterior", "course_settings", "shipped_posterior"),
    "selection": ("Selection", "Summary", "select_by_acceptance", "select_by_weights"),
    "sensitivity": (
        "RankCorrelation",
        "SobolIndex",
        "Swing",
        "rank_correlations",
        "saltelli_points",
        "sobol_indices",
        "tornado",
    ),
    "sensitivity_patients": ("PATIENT_OUTPUTS", "PatientFunction"),
    "sensitivity_surrogate": ("Surrogate", "fit_surrogate", "surrogate_indices"),
    "sensitivity_trials": ("TRIAL_OUTPUTS", "TrialFunction", "one_arm"),
    "time_courses": (
        "TimeCourseFit",
        "calibrate_time_courses",
        "load_time_course_fit",
        "write_time_course_fit",
    ),
    "time_courses_check": ("LevelCheck", "PredictiveCheck", "level_check", "predictive_check"),
    "uncertainty": ("Uncertainty", "split_uncertainty", "uncertainties"),
    "validation": ("likely_interval", "width_ratio"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [*sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    """Public names are fetched from their module when first used, so that importing stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
