# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .assumptions import (
    assumption_table as assumption_table,
)
from .dosing import (
    planned_actions as planned_actions,
)
from .recruit import (
    quantile_of as quantile_of,
)
from .regimen_strength import (
    RegimenStrength as RegimenStrength,
)
from .regimen_strength import (
    regimen_strengths as regimen_strengths,
)
from .regimen_strength import (
    strength_of as strength_of,
)
from .replicates import (
    piece_size as piece_size,
)
from .replicates import (
    simulate_spans as simulate_spans,
)
from .replicates import (
    simulate_trial as simulate_trial,
)
from .tables import (
    OBSERVABLES as OBSERVABLES,
)
from .tables import (
    TrialData as TrialData,
)
