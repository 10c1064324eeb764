"""What the fit to courses of single patients moves: read from ``data/time-course-plan.yaml``.

In: that file and a model's roles. Out: `CoursePlan`. Not here: the fit (`fit`, `cytokines`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from engager.core import read_shipped_data
from engager.model import Model


@dataclass(frozen=True)
class PlannedEffect:
    """One parameter: its spread at the start [log], whether its typical value and its spread are estimated, why not."""

    spread: float
    typical: bool
    spread_too: bool
    why: str = ""


@dataclass(frozen=True)
class CoursePlan:
    """By the names of the model.

    Attributes
    ----------
    starts : starting values where the table's lies far away. effects : in the order of the fit.
    held : parameters at the table's value for everybody, and why.
    cytokine : bounds of what the IL-6 readings move, by a part of the model's roles, or that part and ``.sd``.
    """

    starts: Mapping[str, float]
    effects: Mapping[str, PlannedEffect]
    held: Mapping[str, str]
    cytokine: Mapping[str, tuple[float, float]]

    def cytokine_bounds(self, model: Model) -> dict[str, tuple[float, float]]:
        """`cytokine` by the population values of a model."""
        found = {}
        for part, bounds in self.cytokine.items():
            word, dot, what = part.partition(".")
            found[model.roles.cytokine[word] + dot + what] = bounds
        return found


@cache
def course_plan() -> CoursePlan:
    """The shipped plan."""
    file = resources.files("engager.calibration") / "data" / "time-course-plan.yaml"
    content = read_shipped_data(file.read_text())
    return CoursePlan(
        starts=content["starts"],
        effects={name: PlannedEffect(**one) for name, one in content["effects"].items()},
        held=content["held"],
        cytokine={part: (float(low), float(high)) for part, (low, high) in content["cytokine"].items()},
    )
