# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .comparison.compare import (
    Comparison as Comparison,
)
from .comparison.compare import (
    compare as compare,
)
from .comparison.compare import (
    published_interval as published_interval,
)
from .comparison.compare import (
    request_of as request_of,
)
from .comparison.compare import (
    strata_of as strata_of,
)
from .comparison.uncertainty import (
    Uncertainty as Uncertainty,
)
from .comparison.uncertainty import (
    split_uncertainty as split_uncertainty,
)
from .comparison.uncertainty import (
    uncertainties as uncertainties,
)
from .comparison.validation import (
    likely_interval as likely_interval,
)
from .comparison.validation import (
    width_ratio as width_ratio,
)
from .courses.check import (
    validate_observations as validate_observations,
)
from .courses.fit import (
    TimeCourseFit as TimeCourseFit,
)
from .courses.fit import (
    calibrate_time_courses as calibrate_time_courses,
)
from .courses.fit import (
    load_time_course_fit as load_time_course_fit,
)
from .courses.fit import (
    write_time_course_fit as write_time_course_fit,
)
from .courses.observations import (
    Observations as Observations,
)
from .courses.observations import (
    load_observations as load_observations,
)
from .courses.visual_check import (
    LevelCheck as LevelCheck,
)
from .courses.visual_check import (
    PredictiveCheck as PredictiveCheck,
)
from .courses.visual_check import (
    level_check as level_check,
)
from .courses.visual_check import (
    predictive_check as predictive_check,
)
from .population.fit import (
    FitPlan as FitPlan,
)
from .population.fit import (
    fit_defaults as fit_defaults,
)
from .population.fit import (
    fit_population as fit_population,
)
from .population.fit import (
    shipped_plan as shipped_plan,
)
from .population.identifiability import (
    Held as Held,
)
from .population.identifiability import (
    Identifiability as Identifiability,
)
from .population.identifiability import (
    Informed as Informed,
)
from .population.identifiability import (
    Pair as Pair,
)
from .population.identifiability import (
    assess_identifiability as assess_identifiability,
)
from .population.posterior import (
    Posterior as Posterior,
)
from .population.posterior import (
    course_settings as course_settings,
)
from .population.posterior import (
    shipped_posterior as shipped_posterior,
)
from .population.regimens import (
    calibrate_regimens as calibrate_regimens,
)
from .population.regimens import (
    write_regimen_strengths as write_regimen_strengths,
)
from .population.selection import (
    Selection as Selection,
)
from .population.selection import (
    Summary as Summary,
)
from .population.selection import (
    select_by_acceptance as select_by_acceptance,
)
from .population.selection import (
    select_by_weights as select_by_weights,
)
from .sensitivity.indices import (
    RankCorrelation as RankCorrelation,
)
from .sensitivity.indices import (
    SobolIndex as SobolIndex,
)
from .sensitivity.indices import (
    Swing as Swing,
)
from .sensitivity.indices import (
    rank_correlations as rank_correlations,
)
from .sensitivity.indices import (
    saltelli_points as saltelli_points,
)
from .sensitivity.indices import (
    sobol_indices as sobol_indices,
)
from .sensitivity.indices import (
    tornado as tornado,
)
from .sensitivity.patients import (
    PATIENT_OUTPUTS as PATIENT_OUTPUTS,
)
from .sensitivity.patients import (
    PatientFunction as PatientFunction,
)
from .sensitivity.surrogate import (
    Surrogate as Surrogate,
)
from .sensitivity.surrogate import (
    fit_surrogate as fit_surrogate,
)
from .sensitivity.surrogate import (
    surrogate_indices as surrogate_indices,
)
from .sensitivity.trials import (
    TRIAL_OUTPUTS as TRIAL_OUTPUTS,
)
from .sensitivity.trials import (
    TrialFunction as TrialFunction,
)
from .sensitivity.trials import (
    one_arm as one_arm,
)
