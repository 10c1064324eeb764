"""A fitted population: draws of the calibrated quantities, with where they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engager.core import FloatArray, Stream
from engager.model import Model
from engager.population import PopulationValues, Settings


@dataclass(frozen=True)
class Posterior:
    """Draws of what calibration moved.

    Attributes
    ----------
    model, model_hash : the model it was fitted with.
    names : written names of the unknowns. draws : array (draw, unknown) [model units].
    fixed : population values held fixed in the fit and in every simulation that draws from it, by written name.
    provenance : studies, data points, seed, versions.
    trial_effects : parameter -> standard deviation of the logarithm of a factor that a trial's patients share; drawn
        for each virtual trial, so that a prediction holds what trials differ in and nobody prints.
    """

    model: str
    model_hash: str
    names: tuple[str, ...]
    draws: FloatArray
    fixed: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    trial_effects: dict[str, float] = field(default_factory=dict)

    def draw(self, number: int) -> PopulationValues:
        """Population values of one draw."""
        return self._values(self.draws[number])

    def center(self) -> PopulationValues:
        """Medians of all draws: one population without parameter uncertainty."""
        return self._values(np.median(self.draws, axis=0))

    def _values(self, row: FloatArray) -> PopulationValues:
        return PopulationValues.read({**self.fixed, **dict(zip(self.names, row.tolist(), strict=True))})

    def settings(self, seed: int) -> Settings:
        """Population values for every replicate, each its own draw, chosen by a keyed draw, with the spread of what
        its trial's patients share."""
        stream = Stream(seed, "posterior")
        effects = PopulationValues(trial_effect=self.trial_effects)

        def choose(replicate: int) -> PopulationValues:
            share = stream.uniform(np.array([replicate]))[0]
            return self.draw(int(share * len(self.draws))) | effects

        return choose

    def write(self, path: Path) -> None:
        """As JSON, numbers with seven digits."""
        content = {
            "model": self.model,
            "model_hash": self.model_hash,
            "provenance": self.provenance,
            "fixed": self.fixed,
            "trial_effects": self.trial_effects,
            "names": list(self.names),
            "draws": [[float(f"{value:.7g}") for value in row] for row in self.draws],
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1))
        partial.replace(path)

    @staticmethod
    def read(path: Path) -> Posterior:
        """From JSON; KeyError or ValueError when it is no posterior."""
        content = json.loads(path.read_text())
        return Posterior(
            model=content["model"],
            model_hash=content["model_hash"],
            names=tuple(content["names"]),
            draws=np.array(content["draws"], dtype=float),
            fixed=content["fixed"],
            trial_effects=content.get("trial_effects", {}),
            provenance=content["provenance"],
        )


def _data(name: str) -> Path:
    return Path(str(resources.files("engager.calibration") / "data" / name))


@cache
def shipped_posterior(model: str) -> Posterior | None:
    """The posterior that ships for a model; None when it has none."""
    path = _data(f"posterior-{model}.json")
    return Posterior.read(path) if path.is_file() else None


def course_settings(model: Model) -> PopulationValues:
    """Population values fitted to individual time courses; empty when that fit does not ship."""
    path = _data("time-course-fit.yaml")
    if not path.is_file():
        return PopulationValues()
    content = yaml.safe_load(path.read_text())
    is_own = content["provenance"]["model"] == model.id
    return PopulationValues.read(content["population"]) if is_own else PopulationValues()
