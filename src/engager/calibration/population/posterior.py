"""A fitted population: draws of the calibrated quantities, with where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engager.core import FloatArray, Stream, normal_of, write_whole
from engager.model import Model
from engager.population import PopulationValues, Settings
from engager.trial import regimen_strengths, shifted


@dataclass(frozen=True)
class Posterior:
    """Draws of what calibration moved.

    Attributes
    ----------
    model, model_hash : the model it was fitted with.
    names : written names of population values. draws : array (draw, name) [model units]; what studies differ in is a
        spread, ``trial_effect:sensitivity``.
    fixed : population values held fixed in the fit and in every simulation that draws from it, by written name.
    provenance : studies, data points, seed, versions.
    trial_effects : spreads between studies that were assumed, not fitted; empty when `names` has them. Either way a
        virtual trial draws its own effects, so that a prediction holds what trials differ in and nobody prints.
    """

    model: str
    model_hash: str
    names: tuple[str, ...]
    draws: FloatArray
    fixed: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    trial_effects: dict[str, float] = field(default_factory=dict)

    def draw(self, number: int) -> PopulationValues:
        """Population values of one draw, without what a trial would differ in."""
        return replace(self._values(self.draws[number]), trial_effect={})

    def center(self) -> PopulationValues:
        """Medians of all draws: one population without parameter uncertainty, and without what trials differ in."""
        return replace(self._values(np.median(self.draws, axis=0)), trial_effect={})

    def _values(self, row: FloatArray) -> PopulationValues:
        return PopulationValues.read({**self.fixed, **dict(zip(self.names, row.tolist(), strict=True))})

    def settings(self, seed: int, in_order: bool = False) -> Settings:
        """Population values for every replicate, each its own draw, with the spread of what its trial's patients share,
        and a strength for every regimen, drawn with its uncertainty.

        Parameters
        ----------
        in_order : replicate k has draw k, from the first again after the last; else a keyed draw chooses.
        """
        stream = Stream(seed, "posterior")
        assumed = PopulationValues(trial_effect=self.trial_effects)

        def choose(replicate: int) -> PopulationValues:
            number = replicate % len(self.draws) if in_order else self._number(stream, replicate)
            return self._with_strengths(stream, replicate, number) | assumed

        return choose

    def settings_with(self, effects: Mapping[str, FloatArray], model: Model, seed: int) -> Settings:
        """Population values for every replicate as `settings` draws them, with given effects instead of new ones.

        Parameters
        ----------
        effects : parameter or assumption of the trial -> array (draw,): what one study differs in, by draw.
        """
        stream = Stream(seed, "posterior")

        def choose(replicate: int) -> PopulationValues:
            number = self._number(stream, replicate)
            own = {name: float(found[number]) for name, found in effects.items()}
            return shifted(self._with_strengths(stream, replicate, number), model, own)

        return choose

    def center_with(self, effects: Mapping[str, FloatArray], model: Model) -> PopulationValues:
        """Medians of all draws, and of given effects: one population for all."""
        return shifted(self.center(), model, {name: float(np.median(found)) for name, found in effects.items()})

    def _number(self, stream: Stream, replicate: int) -> int:
        """Which draw a replicate has."""
        return int(stream.uniform(np.array([replicate]))[0] * len(self.draws))

    def _with_strengths(self, stream: Stream, replicate: int, number: int) -> PopulationValues:
        return PopulationValues(strength=drawn_strengths(stream, replicate)) | self._values(self.draws[number])

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
        write_whole(path, json.dumps(content, indent=1))

    @staticmethod
    def read(path: Path) -> Posterior:
        """From a file that can be trusted, such as one that ships; `read_posterior` is for all others."""
        return Posterior.from_content(json.loads(path.read_text(encoding="utf-8")))

    @staticmethod
    def from_content(content: Mapping[str, Any]) -> Posterior:
        """From what `write` wrote."""
        return Posterior(
            model=content["model"],
            model_hash=content["model_hash"],
            names=tuple(content["names"]),
            draws=np.array(content["draws"], dtype=float),
            fixed=content["fixed"],
            trial_effects=content.get("trial_effects", {}),
            provenance=content["provenance"],
        )


def drawn_strengths(stream: Stream, replicate: int) -> dict[str, float]:
    """A strength for each regimen that was calibrated alone: log-normal, as its interval says."""
    rows = {slug: row for slug, row in regimen_strengths().items() if row.sd_log and not row.is_joint}
    chance = normal_of([stream.of(f"strength/{slug}") for slug in rows], replicate)
    return {
        slug: row.strength * float(np.exp(row.sd_log * z)) for (slug, row), z in zip(rows.items(), chance, strict=True)
    }


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
