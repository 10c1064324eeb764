"""What studies differ in beyond their patients' description, and regimens beyond their class.

A study's effect on a quantity is spread x z: the spread is an unknown with a half-normal prior, common to all
studies, and z a standard normal unknown of the study alone (not centered, so the prior of z does not hang on the
spread). The fit draws them as a prediction does: for a new study the spread comes from a draw of the posterior
and z anew. Strengths of regimens are shrunk to their class the same way: log strength = spread of the class x z.

Only this module knows how these unknowns are named and put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engager.calibration.population.unknowns import Unknown, half_normal, standard_normal
from engager.core import BoolArray, FloatArray, Stream
from engager.population import ValueName
from engager.protocol import Protocol, Regimen

# What standard chemotherapy is: these have strength 1.
STANDARD_REGIMENS = ("salvage-chemotherapy-historical", "soc-chemotherapy-tower")
# No regimen is taken to be more than eight times as strong, or weak, as standard chemotherapy.
STRENGTH_RANGE = (0.125, 8.0)
CHEMOTHERAPY, ANTIBODY = "chemotherapy", "antibody"


@dataclass(frozen=True)
class Hierarchy:
    """The spreads of a fit and what belongs to them.

    Attributes
    ----------
    study_effects : parameter or trial assumption -> scale of the half-normal prior of its spread between studies; on
        the logarithm of a parameter, added to an assumption.
    regimen_spread : class of regimens -> scale of the prior of the spread of log strength within the class.
    class_of : regimen id -> its class, where not `CHEMOTHERAPY`.
    engager_effects : those that only a study with an engager has.
    """

    study_effects: Mapping[str, float] = field(default_factory=dict)
    regimen_spread: Mapping[str, float] = field(default_factory=dict)
    class_of: Mapping[str, str] = field(default_factory=dict)
    engager_effects: frozenset[str] = frozenset()

    def unknowns(self, studies: Sequence[Protocol]) -> tuple[Unknown, ...]:
        """Spreads, then the effects of each study, then the strength of each regimen."""
        found = [half_normal(_spread_name(name), scale) for name, scale in self.study_effects.items()]
        regimens = regimens_of(studies)
        for group in dict.fromkeys(self.class_named(slug) for slug in regimens):
            if group in self.regimen_spread:
                found.append(half_normal(f"spread {group}", self.regimen_spread[group]))
        found += [
            standard_normal(_effect_name(one.study, name))
            for one in studies
            for name in self.study_effects
            if name not in self.engager_effects or _gives_engager(one)
        ]
        found += [standard_normal(_strength_name(slug)) for slug in regimens if self._has_spread(slug)]
        return tuple(found)

    def class_named(self, slug: str) -> str:
        """Of a regimen."""
        return self.class_of.get(slug, CHEMOTHERAPY)

    def _has_spread(self, slug: str) -> bool:
        return self.class_named(slug) in self.regimen_spread

    def concerns(self, unknowns: Sequence[Unknown], study_of_datum: Sequence[str]) -> BoolArray:
        """Which data an unknown may bear on: array (unknown, datum), False for effects of other studies."""
        found = np.ones((len(unknowns), len(study_of_datum)), dtype=bool)
        studies = np.array(study_of_datum)
        for i, unknown in enumerate(unknowns):
            if unknown.name.startswith(_EFFECT):
                found[i] = studies == unknown.name.split()[1]
        return found

    def redrawn(self, unknowns: Sequence[Unknown], members: FloatArray, stream: Stream) -> FloatArray:
        """Members with spreads drawn anew from what their own effects say, effects unchanged; array like `members`.

        Notes
        -----
        A datum is linear in z times spread with z around 0, so it correlates with neither sign of the spread, and the
        smoother alone would leave a spread where its prior was. Given the effects of the studies no datum says more of
        their spread; its distribution is then half-normal prior times the effects' normal density, and a draw from it
        leaves the joint posterior as it is (interweaving, Yu & Meng 2011, doi:10.1198/jcgs.2011.203main).
        """
        moved = members.copy()
        place = {one.name: i for i, one in enumerate(unknowns)}
        groups = {_spread_name(name): f" {name}" for name in self.study_effects}
        for spread, ending in groups.items():
            if spread in place:
                named = ((i, one.name) for i, one in enumerate(unknowns) if one.name.startswith(_EFFECT))
                own = [i for i, one in named if one.endswith(ending)]
                _redraw(moved, unknowns[place[spread]], place[spread], own, stream.of(spread))
        for group in self.regimen_spread:
            if f"spread {group}" in place:
                own = [
                    i
                    for i, one in enumerate(unknowns)
                    if one.name.startswith(_STRENGTH) and self.class_named(one.name.split()[1]) == group
                ]
                _redraw(moved, unknowns[place[f"spread {group}"]], place[f"spread {group}"], own, stream.of(group))
        return moved

    def population_names(self, unknowns: Sequence[Unknown]) -> tuple[str, ...]:
        """Written names of the population values that `population_draws` gives."""
        common = [one.name for one in unknowns if " " not in one.name]
        slugs = [one.name.split()[1] for one in unknowns if one.name.startswith(_STRENGTH)]
        return (*common, *(str(ValueName("strength", slug)) for slug in slugs))

    def population_draws(self, unknowns: Sequence[Unknown], values: FloatArray) -> FloatArray:
        """Population values without what belongs to one study: array (draw, name)."""
        place = {one.name: i for i, one in enumerate(unknowns)}
        columns = [values[:, i] for i, one in enumerate(unknowns) if " " not in one.name]
        for one in unknowns:
            if one.name.startswith(_STRENGTH):
                spread = values[:, place[f"spread {self.class_named(one.name.split()[1])}"]]
                columns.append(np.clip(np.exp(spread * values[:, place[one.name]]), *STRENGTH_RANGE))
        return np.stack(columns, axis=1)

    def effects_of(self, unknowns: Sequence[Unknown], values: FloatArray, study: str) -> dict[str, FloatArray]:
        """Each effect of a study, spread x z: parameter or assumption -> array (draw,)."""
        place = {one.name: i for i, one in enumerate(unknowns)}
        return {
            name: values[:, place[_spread_name(name)]] * values[:, place[_effect_name(study, name)]]
            for name in self.study_effects
            if _effect_name(study, name) in place
        }

    def class_spreads(self, unknowns: Sequence[Unknown], values: FloatArray) -> dict[str, FloatArray]:
        """Spread of log strength within each class: array (draw,)."""
        found = {}
        for i, one in enumerate(unknowns):
            group = one.name.removeprefix("spread ")
            if group != one.name:
                found[group] = values[:, i]
        return found


def _gives_engager(study: Protocol) -> bool:
    return any(not arm.regimen.is_chemotherapy for arm in study.arms.values())


def _redraw(members: FloatArray, spread: Unknown, place: int, own: Sequence[int], stream: Stream) -> None:
    """Draw a spread from its conditional given the effects, by inversion on a grid; changes `members` in place."""
    if not own:
        return
    effects = spread.value(members[:, place])[:, None] * members[:, own]
    grid = spread.start * np.geomspace(0.02, 8.0, 400)
    squares = np.sum(effects**2, axis=1)[:, None]
    # density on the logarithm of the spread, hence one power of the grid more
    log_density = -0.5 * (grid / spread.start) ** 2 - (len(own) - 1) * np.log(grid) - 0.5 * squares / grid**2
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    cumulative = np.cumsum(density, axis=1)
    wanted = stream.uniform(np.arange(len(members))) * cumulative[:, -1]
    drawn = grid[np.argmax(cumulative >= wanted[:, None], axis=1)]
    members[:, place] = spread.unbounded(drawn)
    members[:, own] = effects / spread.value(members[:, place])[:, None]


def regimens_of(studies: Sequence[Protocol]) -> list[str]:
    """Chemotherapy regimens of these studies whose strength is not given and not 1 by definition."""
    regimens: list[Regimen] = [arm.regimen for study in studies for arm in study.arms.values()]
    own = {one.id for one in regimens if one.is_chemotherapy and not one.strength}
    return sorted(own - {*STANDARD_REGIMENS})


_EFFECT, _STRENGTH = "effect ", "strength "


def _spread_name(name: str) -> str:
    return str(ValueName("trial_effect", name))


def _effect_name(study: str, name: str) -> str:
    return f"{_EFFECT}{study} {name}"


def _strength_name(slug: str) -> str:
    return f"{_STRENGTH}{slug}"
