"""How a patient of a shipped model is set up by hand: what can be moved, how far, and cases to begin with.

In: ``presets.yaml`` beside the model's equations. Out: `Presets`. Not here: pages that show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from engager.core import InputError, Problem, read_shipped_data


@dataclass(frozen=True)
class Slider:
    """A covariate or parameter that is moved by hand, in its own unit, from `least` to `most`."""

    name: str
    label: str
    unit: str
    least: float
    most: float
    step: float
    usual: float


@dataclass(frozen=True)
class Presets:
    """Of one model.

    Attributes
    ----------
    sliders : in order. cases : label and changes of the typical patient, by name.
    implied : what a value above 0 says besides, by name.
    """

    sliders: tuple[Slider, ...]
    cases: Mapping[str, tuple[str, Mapping[str, float]]]
    implied: Mapping[str, Mapping[str, float]]

    def completed(self, changes: Mapping[str, float]) -> dict[str, float]:
        """Changes with what they imply; what is said outright stays."""
        found = dict(changes)
        for name, others in self.implied.items():
            if changes.get(name, 0.0) > 0.0:
                found = {**others, **found}
        return found


@cache
def presets_of(model: str = "b-all") -> Presets:
    """Presets of a shipped model.

    Raises
    ------
    InputError
        When the model has none.
    """
    file = resources.files("engager.model") / "data" / model / "presets.yaml"
    if not file.is_file():
        raise InputError(Problem("model", model, "has no presets"))
    content = read_shipped_data(file.read_text())
    return Presets(
        sliders=tuple(Slider(**one) for one in content["sliders"]),
        cases={name: (one["label"], one["changes"]) for name, one in content["cases"].items()},
        implied=content["implied"],
    )
