"""Solves a `System` for many patients at once: exact at doses, the same bits however it is cut up."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engager.engine.problem import Action, Problem, Schedule, Status, Trajectories

if TYPE_CHECKING:
    from engager.engine.infusion import with_infusion_inputs
    from engager.engine.nonmem import NonmemData, read_nonmem
    from engager.engine.reference import solve_reference
    from engager.engine.simulate import Simulation, simulate_model
    from engager.engine.solving import solve
    from engager.engine.verify import VerifyReport, verify_directory

# names that need heavy imports are loaded when first used
_LAZY = {
    "NonmemData": "engager.engine.nonmem",
    "Simulation": "engager.engine.simulate",
    "VerifyReport": "engager.engine.verify",
    "read_nonmem": "engager.engine.nonmem",
    "simulate_model": "engager.engine.simulate",
    "solve": "engager.engine.solving",
    "solve_reference": "engager.engine.reference",
    "verify_directory": "engager.engine.verify",
    "with_infusion_inputs": "engager.engine.infusion",
}

__all__ = [
    "Action",
    "NonmemData",
    "Problem",
    "Schedule",
    "Simulation",
    "Status",
    "Trajectories",
    "VerifyReport",
    "read_nonmem",
    "simulate_model",
    "solve",
    "solve_reference",
    "verify_directory",
    "with_infusion_inputs",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
