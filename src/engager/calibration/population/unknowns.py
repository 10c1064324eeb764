"""What calibration may move: typical values, spreads and slopes of the population, each on one unbounded scale.

Each unknown of the population lives between two bounds from the parameter table. Inside the calibration it is an
unbounded number z; bounds are reached only at infinity, so no draw can leave them. Spreads between studies and between
regimens have half-normal priors, and what one study or regimen differs in is a standard normal number (`hierarchy`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engager.core import FloatArray
from engager.model import Model
from engager.population import PopulationValues, ValueName
from engager.trial import assumption_table

Prior = Literal["bounded", "half_normal", "normal"]

# Prior: the table's value, with nearly all of the allowed range within two standard deviations.
_PRIOR_SD = 1.0
_FARTHEST_START = 1.5


@dataclass(frozen=True)
class Unknown:
    """One quantity that calibration may move.

    Attributes
    ----------
    name : of a population value, its written name: ``k_kill``, ``potency.sd``, ``sensitivity~salvage_line``; of
        what is used by the fit alone, words with a space.
    low, high, start : bounds and the table's value, in model units; of a half-normal prior `start` is its scale.
    is_log : moves on a logarithmic scale.
    prior : bounded (logistic between the bounds), half_normal, or normal (mean 0, standard deviation 1).
    """

    name: str
    low: float
    high: float
    start: float
    is_log: bool
    prior: Prior = "bounded"

    def value(self, z: FloatArray) -> FloatArray:
        """From the unbounded scale, on which every prior is normal, to model units."""
        from scipy.special import ndtr, ndtri

        z = np.asarray(z, dtype=float)
        if self.prior == "normal":
            return z
        if self.prior == "half_normal":
            # the quantile of a half-normal at the normal probability of z
            return np.asarray(-self.start * ndtri(0.5 * ndtr(-z)))
        share = 1.0 / (1.0 + np.exp(-z))
        if self.is_log:
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share

    def unbounded(self, value: FloatArray) -> FloatArray:
        """Of a half-normal prior, from model units to the unbounded scale; inverse of `value`."""
        from scipy.special import ndtr, ndtri

        assert self.prior == "half_normal"
        return np.asarray(-ndtri(2.0 * ndtr(-np.maximum(np.asarray(value), 1e-9 * self.start) / self.start)))

    @property
    def prior_mean(self) -> float:
        """Where the prior is centered on the unbounded scale."""
        if self.prior != "bounded":
            return 0.0
        if self.is_log:
            share = np.log(self.start / self.low) / np.log(self.high / self.low)
        else:
            share = (self.start - self.low) / (self.high - self.low)
        share = min(max(float(share), 1e-6), 1 - 1e-6)
        return float(np.clip(np.log(share / (1 - share)), -_FARTHEST_START, _FARTHEST_START))


def half_normal(name: str, scale: float) -> Unknown:
    """A spread: half-normal with this scale."""
    return Unknown(name, 0.0, np.inf, scale, is_log=False, prior="half_normal")


def standard_normal(name: str) -> Unknown:
    """What one study or regimen differs in, in units of its spread."""
    return Unknown(name, -np.inf, np.inf, 0.0, is_log=False, prior="normal")


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


def prior_members(unknowns: Sequence[Unknown], normal: FloatArray) -> FloatArray:
    """Draws of the prior: array (member, unknown) from standard normal draws of the same shape."""
    return np.array([unknown.prior_mean for unknown in unknowns]) + _PRIOR_SD * normal


def values_of(unknowns: Sequence[Unknown], members: FloatArray) -> FloatArray:
    """Members in model units: array (member, unknown)."""
    return np.stack([unknown.value(members[:, i]) for i, unknown in enumerate(unknowns)], axis=1)


def as_settings(unknowns: Sequence[Unknown], member: FloatArray) -> PopulationValues:
    """One member as the population values of a replicate."""
    return PopulationValues.read(
        {unknown.name: float(unknown.value(z)) for unknown, z in zip(unknowns, member, strict=True)}
    )
