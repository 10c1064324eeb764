# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .content import (
    BaselineRow as BaselineRow,
)
from .content import (
    ReportContent as ReportContent,
)
from .content import (
    Source as Source,
)
from .pages.credibility import (
    CredibilityContent as CredibilityContent,
)
from .pages.credibility import (
    render_credibility as render_credibility,
)
from .pages.design import (
    DesignContent as DesignContent,
)
from .pages.design import (
    design_figures as design_figures,
)
from .pages.design import (
    render_design as render_design,
)
from .pages.run import (
    RESEARCH_USE as RESEARCH_USE,
)
from .pages.run import (
    render_report as render_report,
)
from .pages.run import (
    write_report as write_report,
)
from .pages.sensitivity import (
    SensitivityContent as SensitivityContent,
)
from .pages.sensitivity import (
    SensitivityLevel as SensitivityLevel,
)
from .pages.sensitivity import (
    render_sensitivity as render_sensitivity,
)
from .pages.sensitivity import (
    sensitivity_figures as sensitivity_figures,
)
from .plots.comparison import (
    figure_comparisons as figure_comparisons,
)
from .plots.courses import (
    DoseSegment as DoseSegment,
)
from .plots.courses import (
    Panel as Panel,
)
from .plots.courses import (
    cycle_label as cycle_label,
)
from .plots.courses import (
    figure_courses as figure_courses,
)
from .plots.design import (
    figure_exact as figure_exact,
)
from .plots.design import (
    figure_power as figure_power,
)
from .plots.design import (
    figure_prior as figure_prior,
)
from .plots.design import (
    figure_stopping as figure_stopping,
)
from .plots.kaplan_meier import (
    figure_kaplan_meier as figure_kaplan_meier,
)
from .plots.patient import (
    Course as Course,
)
from .plots.patient import (
    PatientCourses as PatientCourses,
)
from .plots.patient import (
    patient_figure as patient_figure,
)
from .plots.position import (
    figure_positions as figure_positions,
)
from .plots.predictive import (
    figure_predictive_check as figure_predictive_check,
)
from .plots.sensitivity import (
    figure_contraction as figure_contraction,
)
from .plots.sensitivity import (
    figure_correlations as figure_correlations,
)
from .plots.sensitivity import (
    figure_sobol as figure_sobol,
)
from .plots.sensitivity import (
    figure_tornado as figure_tornado,
)
from .plots.style import (
    NARROW as NARROW,
)
from .plots.style import (
    WIDE as WIDE,
)
from .plots.style import (
    to_svg as to_svg,
)
from .plots.uncertainty import (
    figure_uncertainty as figure_uncertainty,
)
from .sections import (
    DriversSection as DriversSection,
)
from .sections import (
    PredictiveSection as PredictiveSection,
)
