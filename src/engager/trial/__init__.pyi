# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .assumptions import (
    assumption_table as assumption_table,
    shifted as shifted,
)
from .dosing import (
    planned_actions as planned_actions,
)
from .recruit import (
    quantile_of as quantile_of,
)
from .regimen_strength import (
    RegimenStrength as RegimenStrength,
    regimen_strengths as regimen_strengths,
)
from .replicates import (
    get_ready as get_ready,
    piece_size as piece_size,
    simulate_spans as simulate_spans,
    simulate_trial as simulate_trial,
)
from .simulate import (
    METHOD as METHOD,
    RTOL as RTOL,
    simulate_here as simulate_here,
)
from .tables import (
    TrialData as TrialData,
)
