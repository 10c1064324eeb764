"""Figures and the one-page report of a run: self-contained HTML that reads on a phone and on paper.

Figures take plain frames and dicts, give matplotlib Figures, and can be used alone.
"""

from engager.report.comparison_plot import figure_comparisons
from engager.report.content import BaselineRow, ReportContent, Source
from engager.report.courses import DoseSegment, Panel, cycle_label, figure_courses
from engager.report.credibility_page import CredibilityContent, render_credibility
from engager.report.design_page import DesignContent, design_figures, render_design
from engager.report.design_plot import figure_exact, figure_power, figure_prior, figure_stopping
from engager.report.kaplan_meier import figure_kaplan_meier
from engager.report.page import RESEARCH_USE, render_report, write_report
from engager.report.patient_plot import Course, PatientCourses, patient_figure
from engager.report.position_plot import figure_positions
from engager.report.predictive_plot import figure_predictive_check
from engager.report.sections import DriversSection, PredictiveSection
from engager.report.sensitivity_page import (
    SensitivityContent,
    SensitivityLevel,
    render_sensitivity,
    sensitivity_figures,
)
from engager.report.sensitivity_plot import figure_contraction, figure_correlations, figure_sobol, figure_tornado
from engager.report.style import NARROW, WIDE, to_svg
from engager.report.uncertainty_plot import figure_uncertainty

__all__ = [
    "NARROW",
    "RESEARCH_USE",
    "WIDE",
    "BaselineRow",
    "Course",
    "CredibilityContent",
    "DesignContent",
    "DoseSegment",
    "DriversSection",
    "Panel",
    "PatientCourses",
    "PredictiveSection",
    "ReportContent",
    "SensitivityContent",
    "SensitivityLevel",
    "Source",
    "cycle_label",
    "design_figures",
    "figure_comparisons",
    "figure_contraction",
    "figure_correlations",
    "figure_courses",
    "figure_exact",
    "figure_kaplan_meier",
    "figure_positions",
    "figure_power",
    "figure_predictive_check",
    "figure_prior",
    "figure_sobol",
    "figure_stopping",
    "figure_tornado",
    "figure_uncertainty",
    "patient_figure",
    "render_credibility",
    "render_design",
    "render_report",
    "render_sensitivity",
    "sensitivity_figures",
    "to_svg",
    "write_report",
]
