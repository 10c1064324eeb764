# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .content import (
    BaselineRow as BaselineRow,
    ReportContent as ReportContent,
    Source as Source,
)
from .pages.compare import (
    CompareContent as CompareContent,
    render_comparison as render_comparison,
)
from .pages.credibility import (
    CredibilityContent as CredibilityContent,
    render_credibility as render_credibility,
)
from .pages.design import (
    DesignContent as DesignContent,
    render_design as render_design,
)
from .pages.patient import (
    PatientContent as PatientContent,
    render_patient as render_patient,
)
from .pages.review import (
    ReviewContent as ReviewContent,
    render_review as render_review,
)
from .pages.run import (
    write_report as write_report,
)
from .pages.sensitivity import (
    SensitivityContent as SensitivityContent,
    SensitivityLevel as SensitivityLevel,
    render_sensitivity as render_sensitivity,
    sensitivity_figures as sensitivity_figures,
)
from .plots.comparison import (
    figure_comparisons as figure_comparisons,
)
from .plots.courses import (
    DoseSegment as DoseSegment,
    Panel as Panel,
)
from .plots.design import (
    figure_power as figure_power,
)
from .plots.kaplan_meier import (
    figure_kaplan_meier as figure_kaplan_meier,
)
from .plots.patient import (
    DailyCourse as DailyCourse,
    PatientCourses as PatientCourses,
    patient_figure as patient_figure,
)
from .plots.run_curves import (
    figure_run_curves as figure_run_curves,
)
from .plots.style import (
    NARROW as NARROW,
    WIDE as WIDE,
    load_plotting as load_plotting,
    to_svg as to_svg,
)
from .plots.thumbnail import (
    figure_small_comparison as figure_small_comparison,
    figure_small_courses as figure_small_courses,
)
from .sections import (
    CoursesSection as CoursesSection,
    DriversSection as DriversSection,
    PredictiveSection as PredictiveSection,
    courses_figures as courses_figures,
)
from .template import (
    Drawing as Drawing,
    draw_figure as draw_figure,
)
from .verdict import (
    Verdict as Verdict,
    distance as distance,
    is_near_edge as is_near_edge,
    mark as mark,
    use_words as use_words,
    verdict_of as verdict_of,
    without_repeats as without_repeats,
)
from .words import (
    endpoint_words as endpoint_words,
    simulated_words as simulated_words,
    unit_words as unit_words,
    what as what,
)
