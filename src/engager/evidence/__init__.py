"""Published evidence: one typed record per publication, every figure with its source.

In: YAML record files. Out: `Record`, `Outcome`, `Regimen`, and what is computed from them: pooled estimates,
networks, rebuilt curves, historical priors, tables and figures. Nothing here simulates.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engager.evidence.beta_mixture import BetaMixture
    from engager.evidence.catalogue import find_records, regimen_summary, summary
    from engager.evidence.citations import cite, cite_all
    from engager.evidence.curve_plot import draw_curve
    from engager.evidence.curve_reconstruction import RebuiltCurve, rebuild_curve
    from engager.evidence.evidence_map import EvidenceMap, draw_map, make_map, map_table
    from engager.evidence.export import evidence_tables, export_evidence, record_schema
    from engager.evidence.figure_file import write_figure
    from engager.evidence.forest_plot import draw_forest, forest_table
    from engager.evidence.historical_median import (
        HistoricalMedian,
        NormalMixture,
        median_prior_from_records,
        prior_from_log_medians,
    )
    from engager.evidence.historical_prior import HistoricalPrior, prior_from_counts, prior_from_records
    from engager.evidence.intervals import exact_interval, exact_interval_of
    from engager.evidence.library import (
        contribution_remarks,
        load_records,
        read_record,
        read_records,
        record,
    )
    from engager.evidence.matching import Matched, match
    from engager.evidence.network import (
        NetworkFit,
        NetworkStudy,
        fit_network,
        study_of_counts,
        study_of_ratio,
    )
    from engager.evidence.network_graph import draw_network, network_remarks, network_table
    from engager.evidence.outcome import Outcome
    from engager.evidence.overlaps import LeftOut, Overlap, find_overlaps, without_overlap
    from engager.evidence.patient_table import event_of, read_patients, read_targets, write_weights
    from engager.evidence.pooled import Pooled, Regression
    from engager.evidence.pooling import pool_hazard_ratios, pool_medians, pool_proportions
    from engager.evidence.pooling_survival import pool_survival
    from engager.evidence.printed_curve import CurveInformation, curve_information
    from engager.evidence.published_baseline import baseline_targets
    from engager.evidence.randomized_network import published_network, treatment_node
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
    from engager.evidence.study_selection import Selection, Study, covariates, select
    from engager.evidence.vocabulary import Endpoint, endpoint, known_endpoint, months

_HOMES = {
    "beta_mixture": ("BetaMixture",),
    "catalogue": ("find_records", "regimen_summary", "summary"),
    "citations": ("cite", "cite_all"),
    "curve_plot": ("draw_curve",),
    "curve_reconstruction": ("RebuiltCurve", "rebuild_curve"),
    "evidence_map": ("EvidenceMap", "draw_map", "make_map", "map_table"),
    "export": ("evidence_tables", "export_evidence", "record_schema"),
    "figure_file": ("write_figure",),
    "forest_plot": ("draw_forest", "forest_table"),
    "historical_median": (
        "HistoricalMedian",
        "NormalMixture",
        "median_prior_from_records",
        "prior_from_log_medians",
    ),
    "historical_prior": ("HistoricalPrior", "prior_from_counts", "prior_from_records"),
    "intervals": ("exact_interval", "exact_interval_of"),
    "library": ("contribution_remarks", "load_records", "read_record", "read_records", "record"),
    "matching": ("Matched", "match"),
    "network": ("NetworkFit", "NetworkStudy", "fit_network", "study_of_counts", "study_of_ratio"),
    "network_graph": ("draw_network", "network_remarks", "network_table"),
    "outcome": ("Outcome",),
    "overlaps": ("LeftOut", "Overlap", "find_overlaps", "without_overlap"),
    "patient_table": ("event_of", "read_patients", "read_targets", "write_weights"),
    "pooled": ("Pooled", "Regression"),
    "pooling": ("pool_hazard_ratios", "pool_medians", "pool_proportions"),
    "pooling_survival": ("pool_survival",),
    "printed_curve": ("CurveInformation", "curve_information"),
    "published_baseline": ("baseline_targets",),
    "randomized_network": ("published_network", "treatment_node"),
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
    "study_selection": ("Selection", "Study", "covariates", "select"),
    "vocabulary": ("Endpoint", "endpoint", "known_endpoint", "months"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Arm",
    "BetaMixture",
    "Citation",
    "Contrast",
    "CurveInformation",
    "DrugDose",
    "Endpoint",
    "EvidenceMap",
    "Figure",
    "HistoricalMedian",
    "HistoricalPrior",
    "LeftOut",
    "Matched",
    "NetworkFit",
    "NetworkStudy",
    "NormalMixture",
    "Outcome",
    "Overlap",
    "Pooled",
    "Population",
    "Quantity",
    "RebuiltCurve",
    "Record",
    "Regimen",
    "Regression",
    "Selection",
    "Study",
    "SubgroupFigure",
    "baseline_targets",
    "cite",
    "cite_all",
    "contribution_remarks",
    "covariates",
    "curve_information",
    "draw_curve",
    "draw_forest",
    "draw_map",
    "draw_network",
    "endpoint",
    "event_of",
    "evidence_tables",
    "exact_interval",
    "exact_interval_of",
    "export_evidence",
    "find_overlaps",
    "find_records",
    "fit_network",
    "forest_table",
    "known_endpoint",
    "load_records",
    "load_regimens",
    "make_map",
    "map_table",
    "match",
    "median_prior_from_records",
    "months",
    "network_remarks",
    "network_table",
    "pool_hazard_ratios",
    "pool_medians",
    "pool_proportions",
    "pool_survival",
    "prior_from_counts",
    "prior_from_log_medians",
    "prior_from_records",
    "published_network",
    "read_patients",
    "read_record",
    "read_records",
    "read_targets",
    "rebuild_curve",
    "record",
    "record_schema",
    "regimen",
    "regimen_summary",
    "select",
    "study_of_counts",
    "study_of_ratio",
    "summary",
    "treatment_node",
    "without_overlap",
    "write_figure",
    "write_weights",
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
