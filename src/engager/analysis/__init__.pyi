# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .bands import (
    survival_bands as survival_bands,
    trial_curves as trial_curves,
)
from .bayesian_decision import (
    probability_median_longer as probability_median_longer,
    probability_share_better as probability_share_better,
)
from .competing import (
    Incidence as Incidence,
    aalen_johansen as aalen_johansen,
    cumulative_incidence_at as cumulative_incidence_at,
)
from .cox import (
    HazardRatio as HazardRatio,
    cox_hazard_ratio as cox_hazard_ratio,
)
from .endpoints import (
    EndpointRequest as EndpointRequest,
    EndpointRule as EndpointRule,
    Kind as Kind,
    endpoint_rule as endpoint_rule,
    origin_day as origin_day,
    origin_of as origin_of,
)
from .estimate import (
    Estimate as Estimate,
    estimate_endpoints as estimate_endpoints,
)
from .group_sequential import (
    efficacy_bounds as efficacy_bounds,
)
from .interim import (
    OrderedShares as OrderedShares,
    shares_in_order as shares_in_order,
)
from .log_rank import (
    LogRank as LogRank,
    log_rank as log_rank,
)
from .operating_characteristics import (
    Characteristics as Characteristics,
    Decisions as Decisions,
    LooksAtTrials as LooksAtTrials,
    Probability as Probability,
    characteristics as characteristics,
    decide as decide,
)
from .prediction import (
    AT_ONE_TIME as AT_ONE_TIME,
    LEAST_TOLD as LEAST_TOLD,
    SCALE_BY_STATISTIC as SCALE_BY_STATISTIC,
    Prediction as Prediction,
    difference_interval as difference_interval,
    order_statistics as order_statistics,
    prediction_interval as prediction_interval,
)
from .proportions import (
    exact_interval as exact_interval,
    odds_ratio as odds_ratio,
    risk_difference as risk_difference,
)
from .sample import (
    HasPatients as HasPatients,
    check_patients as check_patients,
)
from .share_tests import (
    fisher_mid_z as fisher_mid_z,
    fisher_z as fisher_z,
    score_z as score_z,
)
from .simulated_looks import (
    ShareCounts as ShareCounts,
    TimeSums as TimeSums,
    looks_at_shares as looks_at_shares,
    looks_at_times as looks_at_times,
    pooled_effect as pooled_effect,
    pooled_share as pooled_share,
)
from .survival import (
    Curve as Curve,
    Limits as Limits,
    kaplan_meier as kaplan_meier,
    median_survival as median_survival,
    reverse_kaplan_meier as reverse_kaplan_meier,
    survival_at as survival_at,
)
from .two_stage import (
    SingleArm as SingleArm,
    TwoStage as TwoStage,
    responders_needed as responders_needed,
    simon_design as simon_design,
    single_arm_characteristics as single_arm_characteristics,
)
