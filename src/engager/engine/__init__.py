"""Solves a `System` for many patients at once: exact at doses, the same bits however it is cut up."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engager.engine.problem import Action, Problem, Schedule, Status, Trajectories

if TYPE_CHECKING:
    from engager.engine.infusion import with_infusion_inputs
    from engager.engine.native import compile_times, time_parts
    from engager.engine.nonmem import NonmemData, read_nonmem
    from engager.engine.peak import floating_point_peak
    from engager.engine.rates import CompiledRates
    from engager.engine.reference import solve_reference
    from engager.engine.simulate import Simulation, simulate_model
    from engager.engine.solving import solve
    from engager.engine.stream import Chunks, solve_in_chunks, solve_to_parquet
    from engager.engine.verify import VerifyReport, verify_directory

# names that need heavy imports are loaded when first used
_LAZY = {
    "Chunks": "engager.engine.stream",
    "CompiledRates": "engager.engine.rates",
    "NonmemData": "engager.engine.nonmem",
    "Simulation": "engager.engine.simulate",
    "VerifyReport": "engager.engine.verify",
    "compile_times": "engager.engine.native",
    "floating_point_peak": "engager.engine.peak",
    "read_nonmem": "engager.engine.nonmem",
    "simulate_model": "engager.engine.simulate",
    "solve": "engager.engine.solving",
    "solve_in_chunks": "engager.engine.stream",
    "solve_reference": "engager.engine.reference",
    "solve_to_parquet": "engager.engine.stream",
    "time_parts": "engager.engine.native",
    "verify_directory": "engager.engine.verify",
    "with_infusion_inputs": "engager.engine.infusion",
}

__all__ = [
    "Action",
    "Chunks",
    "CompiledRates",
    "NonmemData",
    "Problem",
    "Schedule",
    "Simulation",
    "Status",
    "Trajectories",
    "VerifyReport",
    "compile_times",
    "floating_point_peak",
    "read_nonmem",
    "simulate_model",
    "solve",
    "solve_in_chunks",
    "solve_reference",
    "solve_to_parquet",
    "time_parts",
    "verify_directory",
    "with_infusion_inputs",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
