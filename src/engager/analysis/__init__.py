"""Statistics of trials: responses, survival, competing risks, comparisons, over all replicates at once.

Every kernel takes arrays (..., patient) and answers with arrays (...), so one trial and ten thousand read
the same. `estimate_endpoints` joins them with the definitions of the endpoints.
"""

from engager.analysis.bands import survival_bands
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
from engager.analysis.log_rank import LogRank, log_rank
from engager.analysis.prediction import SCALE_BY_STATISTIC, Prediction, prediction_interval
from engager.analysis.proportions import exact_interval, risk_difference
from engager.analysis.sample import HasPatients, check_patients
from engager.analysis.survival import (
    Curve,
    Limits,
    kaplan_meier,
    median_survival,
    reverse_kaplan_meier,
    survival_at,
)

__all__ = [
    "DAYS_PER_MONTH",
    "ENDPOINTS",
    "SCALE_BY_STATISTIC",
    "STATISTICS",
    "Curve",
    "Endpoint",
    "EndpointRequest",
    "Estimate",
    "HasPatients",
    "HazardRatio",
    "Incidence",
    "Kind",
    "Limits",
    "LogRank",
    "Prediction",
    "aalen_johansen",
    "check_patients",
    "cox_hazard_ratio",
    "cumulative_incidence_at",
    "endpoint",
    "estimate_endpoints",
    "estimate_schema",
    "exact_interval",
    "kaplan_meier",
    "log_rank",
    "median_survival",
    "prediction_interval",
    "response_categories",
    "reverse_kaplan_meier",
    "risk_difference",
    "survival_at",
    "survival_bands",
]
