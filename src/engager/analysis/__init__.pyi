# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .bands import (
    survival_bands as survival_bands,
)
from .bayesian_decision import (
    probability_median_longer as probability_median_longer,
)
from .bayesian_decision import (
    probability_share_better as probability_share_better,
)
from .competing import (
    Incidence as Incidence,
)
from .competing import (
    aalen_johansen as aalen_johansen,
)
from .competing import (
    cumulative_incidence_at as cumulative_incidence_at,
)
from .cox import (
    HazardRatio as HazardRatio,
)
from .cox import (
    cox_hazard_ratio as cox_hazard_ratio,
)
from .endpoints import (
    DAYS_PER_MONTH as DAYS_PER_MONTH,
)
from .endpoints import (
    ENDPOINTS as ENDPOINTS,
)
from .endpoints import (
    STATISTICS as STATISTICS,
)
from .endpoints import (
    Endpoint as Endpoint,
)
from .endpoints import (
    EndpointRequest as EndpointRequest,
)
from .endpoints import (
    Kind as Kind,
)
from .endpoints import (
    endpoint as endpoint,
)
from .endpoints import (
    response_categories as response_categories,
)
from .estimate import (
    Estimate as Estimate,
)
from .estimate import (
    estimate_endpoints as estimate_endpoints,
)
from .estimate import (
    estimate_schema as estimate_schema,
)
from .group_sequential import (
    Crossing as Crossing,
)
from .group_sequential import (
    alpha_spent as alpha_spent,
)
from .group_sequential import (
    crossing as crossing,
)
from .group_sequential import (
    efficacy_bounds as efficacy_bounds,
)
from .interim import (
    OrderedShares as OrderedShares,
)
from .interim import (
    cut_patients as cut_patients,
)
from .interim import (
    day_of_events as day_of_events,
)
from .interim import (
    shares_in_order as shares_in_order,
)
from .log_rank import (
    LogRank as LogRank,
)
from .log_rank import (
    log_rank as log_rank,
)
from .operating_characteristics import (
    Characteristics as Characteristics,
)
from .operating_characteristics import (
    Decisions as Decisions,
)
from .operating_characteristics import (
    LooksAtTrials as LooksAtTrials,
)
from .operating_characteristics import (
    Probability as Probability,
)
from .operating_characteristics import (
    characteristics as characteristics,
)
from .operating_characteristics import (
    decide as decide,
)
from .prediction import (
    SCALE_BY_STATISTIC as SCALE_BY_STATISTIC,
)
from .prediction import (
    Prediction as Prediction,
)
from .prediction import (
    prediction_interval as prediction_interval,
)
from .proportions import (
    exact_interval as exact_interval,
)
from .proportions import (
    odds_ratio as odds_ratio,
)
from .proportions import (
    risk_difference as risk_difference,
)
from .sample import (
    HasPatients as HasPatients,
)
from .sample import (
    check_patients as check_patients,
)
from .share_tests import (
    fisher_z as fisher_z,
)
from .share_tests import (
    score_z as score_z,
)
from .simulated_looks import (
    ShareCounts as ShareCounts,
)
from .simulated_looks import (
    TimeSums as TimeSums,
)
from .simulated_looks import (
    looks_at_shares as looks_at_shares,
)
from .simulated_looks import (
    looks_at_times as looks_at_times,
)
from .simulated_looks import (
    pooled_effect as pooled_effect,
)
from .simulated_looks import (
    pooled_share as pooled_share,
)
from .survival import (
    Curve as Curve,
)
from .survival import (
    Limits as Limits,
)
from .survival import (
    kaplan_meier as kaplan_meier,
)
from .survival import (
    median_survival as median_survival,
)
from .survival import (
    reverse_kaplan_meier as reverse_kaplan_meier,
)
from .survival import (
    survival_at as survival_at,
)
from .two_stage import (
    SingleArm as SingleArm,
)
from .two_stage import (
    TwoStage as TwoStage,
)
from .two_stage import (
    responders_needed as responders_needed,
)
from .two_stage import (
    simon_design as simon_design,
)
from .two_stage import (
    single_arm_characteristics as single_arm_characteristics,
)
