# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .comparison.acceptance import (
    Band as Band,
    accept as accept,
)
from .comparison.asked import (
    AskedFigure as AskedFigure,
    asked_of as asked_of,
)
from .comparison.compare import (
    Comparison as Comparison,
    compare as compare,
    request_of as request_of,
    strata_of as strata_of,
    target_estimates as target_estimates,
)
from .comparison.uncertainty import (
    Uncertainty as Uncertainty,
    uncertainties as uncertainties,
)
from .comparison.validation import (
    width_ratio as width_ratio,
)
from .courses.check import (
    validate_observations as validate_observations,
)
from .courses.fit import (
    TimeCourseFit as TimeCourseFit,
    calibrate_time_courses as calibrate_time_courses,
    load_time_course_fit as load_time_course_fit,
    write_time_course_fit as write_time_course_fit,
)
from .courses.observations import (
    Observations as Observations,
    load_observations as load_observations,
)
from .courses.visual_check import (
    LevelCheck as LevelCheck,
    PredictiveCheck as PredictiveCheck,
    level_check as level_check,
    predictive_check as predictive_check,
)
from .population.data_points import (
    SimulatedPoints as SimulatedPoints,
    data_points as data_points,
    simulated_points as simulated_points,
)
from .population.fit import (
    FitPlan as FitPlan,
    fit_defaults as fit_defaults,
    fit_population as fit_population,
    plan_behind as plan_behind,
    recovery_plan as recovery_plan,
    shipped_plan as shipped_plan,
)
from .population.fitted_emulator import (
    FittedEmulator as FittedEmulator,
    emulator_path as emulator_path,
    shipped_emulator as shipped_emulator,
)
from .population.left_out import (
    members_without as members_without,
)
from .population.own_effects import (
    own_effects as own_effects,
)
from .population.posterior import (
    Posterior as Posterior,
    course_settings as course_settings,
    shipped_posterior as shipped_posterior,
)
from .population.posterior_check import (
    names_left_out as names_left_out,
    read_posterior as read_posterior,
)
from .population.recovery import (
    Recovered as Recovered,
    coverage as coverage,
    rank_counts as rank_counts,
    recover as recover,
)
from .population.regimens import (
    calibrate_regimens as calibrate_regimens,
    write_regimen_strengths as write_regimen_strengths,
)
from .population.selection import (
    Summary as Summary,
    WeightedCandidates as WeightedCandidates,
    select_by_acceptance as select_by_acceptance,
    select_by_weights as select_by_weights,
)
from .sensitivity.identifiability import (
    Held as Held,
    Identifiability as Identifiability,
    Informed as Informed,
    Pair as Pair,
    assess_identifiability as assess_identifiability,
)
from .sensitivity.indices import (
    RankCorrelation as RankCorrelation,
    SobolIndex as SobolIndex,
    Swing as Swing,
    rank_correlations as rank_correlations,
    saltelli_points as saltelli_points,
    sobol_indices as sobol_indices,
    tornado as tornado,
)
from .sensitivity.patients import (
    PATIENT_OUTPUTS as PATIENT_OUTPUTS,
    PATIENTS_AT_ONCE as PATIENTS_AT_ONCE,
    PatientFunction as PatientFunction,
)
from .sensitivity.surrogate import (
    Surrogate as Surrogate,
    fit_surrogate as fit_surrogate,
    surrogate_indices as surrogate_indices,
)
from .sensitivity.trials import (
    TRIAL_OUTPUTS as TRIAL_OUTPUTS,
    TrialFunction as TrialFunction,
    one_arm as one_arm,
)
