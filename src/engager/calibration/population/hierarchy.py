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

from engager.calibration.population.natural_scale import NaturalScale, Spread
from engager.calibration.population.unknowns import Unknown, half_normal, standard_normal
from engager.core import BoolArray, FloatArray
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

    def concerns(self, unknowns: Sequence[Unknown], studies: Sequence[Protocol], n_data: Sequence[int]) -> BoolArray:
        """Which data an unknown may bear on: array (unknown, datum).

        Parameters
        ----------
        n_data : number of data of each study, which stand in the order of the studies.

        Notes
        -----
        The effect of a study bears on its own data, the strength of a regimen on those of studies that give it, and a
        spread on none: it acts through what it multiplies (`natural_scale`).
        """
        found = np.ones((len(unknowns), sum(n_data)), dtype=bool)
        slugs = np.repeat(np.array([one.study for one in studies]), n_data)
        gives = [set(regimens_of([one])) for one in studies]
        for i, unknown in enumerate(unknowns):
            if unknown.name.startswith(_EFFECT):
                found[i] = slugs == unknown.name.split()[1]
            elif unknown.name.startswith(_STRENGTH):
                found[i] = np.repeat([unknown.name.split()[1] in own for own in gives], n_data)
            elif unknown.prior == "half_normal":
                found[i] = False
        return found

    def natural_scale(self, unknowns: Sequence[Unknown]) -> NaturalScale:
        """What figures feel of the unknowns: products of spreads and numbers, log strengths within their range."""
        spreads = []
        for i, unknown in enumerate(unknowns):
            if unknown.prior == "half_normal":
                own = [j for j, one in enumerate(unknowns) if self._spread_of(one) == unknown.name]
                spreads.append(Spread(i, np.array(own, dtype=np.int64)))
        is_strength = np.array([one.name.startswith(_STRENGTH) for one in unknowns], dtype=bool)
        low, high = np.log(STRENGTH_RANGE)
        return NaturalScale(unknowns, spreads, is_strength, (float(low), float(high)))

    def _spread_of(self, unknown: Unknown) -> str:
        """Name of the spread that multiplies a standard normal unknown; empty for any other."""
        if unknown.name.startswith(_EFFECT):
            return _spread_name(unknown.name.split()[2])
        if unknown.name.startswith(_STRENGTH):
            return f"spread {self.class_named(unknown.name.split()[1])}"
        return ""

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
