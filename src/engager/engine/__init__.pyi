# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .cuda.backend import (
    require_gpu as require_gpu,
)
from .native.backend import (
    compile_times as compile_times,
    time_parts as time_parts,
)
from .native.peak import (
    floating_point_peak as floating_point_peak,
)
from .native.rates import (
    CompiledRates as CompiledRates,
)
from .nonmem.data import (
    NonmemData as NonmemData,
    read_nonmem as read_nonmem,
)
from .nonmem.infusion import (
    with_infusion_inputs as with_infusion_inputs,
)
from .problem import (
    Action as Action,
    OdeProblem as OdeProblem,
    Schedule as Schedule,
    Status as Status,
    Stops as Stops,
    Trajectories as Trajectories,
    chosen_patients as chosen_patients,
    joined_problems as joined_problems,
    with_own_rows as with_own_rows,
)
from .simulate import (
    Simulation as Simulation,
    load_system as load_system,
    simulate_model as simulate_model,
)
from .solving import (
    make_ready as make_ready,
    solve as solve,
)
from .stream import (
    Chunks as Chunks,
    solve_in_chunks as solve_in_chunks,
    solve_to_parquet as solve_to_parquet,
)
from .verify import (
    VerifyReport as VerifyReport,
    verify_directory as verify_directory,
)
