# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from . import (
    spread as spread,
)
from .covariates import (
    Covariates as Covariates,
    sample_covariates as sample_covariates,
)
from .patients import (
    Patients as Patients,
    blasts_at as blasts_at,
    sample_patients as sample_patients,
)
from .values import (
    PopulationValues as PopulationValues,
    Settings as Settings,
    ValueName as ValueName,
)
