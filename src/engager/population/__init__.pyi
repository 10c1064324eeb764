# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from . import (
    spread as spread,
)
from .covariates import (
    Covariates as Covariates,
)
from .covariates import (
    sample_covariates as sample_covariates,
)
from .patients import (
    Patients as Patients,
)
from .patients import (
    blasts_at as blasts_at,
)
from .patients import (
    sample_patients as sample_patients,
)
from .values import (
    PopulationValues as PopulationValues,
)
from .values import (
    Settings as Settings,
)
from .values import (
    ValueName as ValueName,
)
