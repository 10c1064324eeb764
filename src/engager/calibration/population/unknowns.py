"""What calibration may move: typical values, between-patient spreads and covariate slopes, on one scale.

Each unknown lives between two bounds from the parameter table. Inside the calibration it is an unbounded
number z; bounds are reached only at infinity, so no draw can leave them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engager.core import FloatArray
from engager.model import Model
from engager.population import PopulationValues, ValueName
from engager.protocol import Protocol
from engager.trial import assumption_table

# Prior: the table's value, with nearly all of the allowed range within two standard deviations.
_PRIOR_SD = 1.0
_FARTHEST_START = 1.5
# No regimen is taken to be more than eight times as strong, or weak, as standard chemotherapy.
STRENGTH_RANGE = (0.125, 8.0)
# What standard chemotherapy is: these have strength 1.
STANDARD_REGIMENS = ("salvage-chemotherapy-historical", "soc-chemotherapy-tower")


@dataclass(frozen=True)
class Unknown:
    """One quantity that calibration may move.

    Attributes
    ----------
    name : the written name of a population value: ``k_kill``, ``potency.sd`` or ``sensitivity~salvage_line``.
    low, high, start : bounds and the table's value, in model units.
    is_log : moves on a logarithmic scale.
    """

    name: str
    low: float
    high: float
    start: float
    is_log: bool

    def value(self, z: FloatArray) -> FloatArray:
        """From the unbounded scale to model units."""
        share = 1.0 / (1.0 + np.exp(-np.asarray(z)))
        if self.is_log:
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share

    @property
    def prior_mean(self) -> float:
        """Where the prior is centered on the unbounded scale."""
        if self.is_log:
            share = np.log(self.start / self.low) / np.log(self.high / self.low)
        else:
            share = (self.start - self.low) / (self.high - self.low)
        share = min(max(float(share), 1e-6), 1 - 1e-6)
        return float(np.clip(np.log(share / (1 - share)), -_FARTHEST_START, _FARTHEST_START))


def unknowns_of(model: Model) -> tuple[Unknown, ...]:
    """Everything that the model's table or the trial's assumptions mark with ``fit: true``."""
    found = []
    for name, row in model.parameters.items():
        if not row.is_fitted:
            continue
        scale = row.model_value / row.value if row.value else 1.0
        if row.low is not None and row.high is not None and row.high > row.low:
            low, high = row.low * scale, row.high * scale
            found.append(Unknown(name, low, high, row.model_value, is_log=low > 0))
        if row.sd_range is not None:
            found.append(Unknown(str(ValueName("spread", name)), *row.sd_range, row.sd_log, is_log=True))
    for effect in model.effects:
        if effect.is_fitted and effect.low is not None and effect.high is not None:
            slope = ValueName("slope", effect.parameter, effect.covariate)
            found.append(Unknown(str(slope), effect.low, effect.high, effect.log_per_unit, is_log=False))
    for name, assumed in assumption_table().items():
        if assumed.get("fit"):
            low, high = assumed["range"]
            found.append(Unknown(str(ValueName("assumption", name)), low, high, assumed["value"], is_log=False))
    return tuple(found)


def regimen_unknowns(studies: Sequence[Protocol]) -> tuple[Unknown, ...]:
    """Strengths of the chemotherapy regimens of these studies, relative to standard chemotherapy."""
    regimens = [arm.regimen for study in studies for arm in study.arms.values()]
    own = {one.id for one in regimens if one.is_chemotherapy and not one.strength} - {*STANDARD_REGIMENS}
    return tuple(Unknown(str(ValueName("strength", slug)), *STRENGTH_RANGE, 1.0, is_log=True) for slug in sorted(own))


def prior_members(unknowns: Sequence[Unknown], normal: FloatArray) -> FloatArray:
    """Draws of the prior: array (member, unknown) from standard normal draws of the same shape."""
    return np.array([unknown.prior_mean for unknown in unknowns]) + _PRIOR_SD * normal


def as_settings(unknowns: Sequence[Unknown], member: FloatArray) -> PopulationValues:
    """One member as the population values of a replicate."""
    return PopulationValues.read(
        {unknown.name: float(unknown.value(z)) for unknown, z in zip(unknowns, member, strict=True)}
    )
