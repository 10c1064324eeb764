"""Solves a `System` for many patients at once: exact at doses, the same bits however it is cut up."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engager.engine.problem import Action, Problem, Schedule, Status, Trajectories

if TYPE_CHECKING:
    from engager.engine.reference import solve_reference
    from engager.engine.solving import solve
    from engager.engine.verify import VerifyReport, verify_directory

# names that need heavy imports are loaded when first used
_LAZY = {
    "VerifyReport": "engager.engine.verify",
    "solve": "engager.engine.solving",
    "solve_reference": "engager.engine.reference",
    "verify_directory": "engager.engine.verify",
}

__all__ = [
    "Action",
    "Problem",
    "Schedule",
    "Status",
    "Trajectories",
    "VerifyReport",
    "solve",
    "solve_reference",
    "verify_directory",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
