"""Statistics of trials: responses, survival, competing risks, comparisons, over all replicates at once.

Every kernel takes arrays (..., patient) and answers with arrays (...), so one trial and ten thousand read
the same. `estimate_endpoints` joins them with the definitions of the endpoints.
"""

from engager.analysis.bands import survival_bands
from engager.analysis.bayesian_decision import probability_median_longer, probability_share_better
from engager.analysis.competing import Incidence, aalen_johansen, cumulative_incidence_at
from engager.analysis.cox import HazardRatio, cox_hazard_ratio
from engager.analysis.endpoints import (
    DAYS_PER_MONTH,
    ENDPOINTS,
    STATISTICS,
    Endpoint,
    EndpointRequest,
    Kind,
    endpoint,
    response_categories,
)
from engager.analysis.estimate import Estimate, estimate_endpoints, estimate_schema
from engager.analysis.group_sequential import Crossing, alpha_spent, crossing, efficacy_bounds
from engager.analysis.interim import OrderedShares, cut_patients, day_of_events, shares_in_order
from engager.analysis.log_rank import LogRank, log_rank
from engager.analysis.operating_characteristics import (
    Characteristics,
    Decisions,
    LooksAtTrials,
    Probability,
    characteristics,
    decide,
)
from engager.analysis.prediction import SCALE_BY_STATISTIC, Prediction, prediction_interval
from engager.analysis.proportions import exact_interval, odds_ratio, risk_difference
from engager.analysis.sample import HasPatients, check_patients
from engager.analysis.share_tests import fisher_z, score_z
from engager.analysis.simulated_looks import (
    ShareCounts,
    TimeSums,
    looks_at_shares,
    looks_at_times,
    pooled_effect,
    pooled_share,
)
from engager.analysis.survival import (
    Curve,
    Limits,
    kaplan_meier,
    median_survival,
    reverse_kaplan_meier,
    survival_at,
)
from engager.analysis.two_stage import (
    SingleArm,
    TwoStage,
    responders_needed,
    simon_design,
    single_arm_characteristics,
)

__all__ = [
    "DAYS_PER_MONTH",
    "ENDPOINTS",
    "SCALE_BY_STATISTIC",
    "STATISTICS",
    "Characteristics",
    "Crossing",
    "Curve",
    "Decisions",
    "Endpoint",
    "EndpointRequest",
    "Estimate",
    "HasPatients",
    "HazardRatio",
    "Incidence",
    "Kind",
    "Limits",
    "LogRank",
    "LooksAtTrials",
    "OrderedShares",
    "Prediction",
    "Probability",
    "ShareCounts",
    "SingleArm",
    "TimeSums",
    "TwoStage",
    "aalen_johansen",
    "alpha_spent",
    "characteristics",
    "check_patients",
    "cox_hazard_ratio",
    "crossing",
    "cumulative_incidence_at",
    "cut_patients",
    "day_of_events",
    "decide",
    "efficacy_bounds",
    "endpoint",
    "estimate_endpoints",
    "estimate_schema",
    "exact_interval",
    "fisher_z",
    "kaplan_meier",
    "log_rank",
    "looks_at_shares",
    "looks_at_times",
    "median_survival",
    "odds_ratio",
    "pooled_effect",
    "pooled_share",
    "prediction_interval",
    "probability_median_longer",
    "probability_share_better",
    "responders_needed",
    "response_categories",
    "reverse_kaplan_meier",
    "risk_difference",
    "score_z",
    "shares_in_order",
    "simon_design",
    "single_arm_characteristics",
    "survival_at",
    "survival_bands",
]
