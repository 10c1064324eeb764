"""Virtual patients: correlated covariates and one value of every model parameter for each patient."""

from engager.population import spread
from engager.population.covariates import Covariates, sample_covariates
from engager.population.patients import Patients, blasts_at, sample_patients

__all__ = ["Covariates", "Patients", "blasts_at", "sample_covariates", "sample_patients", "spread"]
