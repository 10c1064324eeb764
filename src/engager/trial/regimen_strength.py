"""How strongly a chemotherapy regimen kills, relative to standard salvage chemotherapy.

The numbers are calibrated (``data/regimen-strength.yaml``, written by ``engager calibrate --targets regimens``):
each is the strength at which the patients of the regimen's own studies, or patients like TOWER's where no study
ships, reach the remission rate published for it. A posterior may hold its own, which then counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from engager.core import FloatArray, IntArray, read_shipped_data
from engager.population import Settings
from engager.protocol import Regimen


@dataclass(frozen=True)
class RegimenStrength:
    """One regimen's strength.

    Attributes
    ----------
    strength, low, high : relative to standard salvage chemotherapy; the interval mirrors the 95 % interval of
        the published remission rate, or holds 95 % of the draws of the joint fit.
    endpoint, events, n, records : what it was calibrated to.
    is_reached : False when no strength brings the published rate in the model's patients (the nearest is used), or,
        after a joint fit, when the fitted strength brings a rate outside the published 95 % interval.
    studies : shipped studies whose patients were treated; none: patients like TOWER's.
    is_joint : found in the joint fit of the population, whose draws then count.
    sd_log : of the logarithm of the strength, given its rate and its class; 0: not known.
    group : class of regimens whose strengths it was shrunk to; empty: none.
    """

    strength: float
    low: float
    high: float
    endpoint: str
    events: int
    n: int
    records: tuple[str, ...]
    is_reached: bool = True
    studies: tuple[str, ...] = ()
    is_joint: bool = False
    sd_log: float = 0.0
    group: str = ""


@cache
def regimen_strengths() -> dict[str, RegimenStrength]:
    """Calibrated strengths by regimen id; empty when none ship."""
    path = resources.files("engager.trial") / "data" / "regimen-strength.yaml"
    if not path.is_file():
        return {}
    rows = read_shipped_data(path.read_text())["regimens"]
    lists = ("records", "studies")
    return {
        slug: RegimenStrength(**{**row, **{name: tuple(row.get(name, ())) for name in lists}})
        for slug, row in rows.items()
    }


def strength_of(regimen_id: str) -> float:
    """Strength of a regimen; 1 for standard chemotherapy and where no remission rate was published."""
    found = regimen_strengths().get(regimen_id)
    return found.strength if found else 1.0


def arm_strength(regimen: Regimen, settings: Settings, replicate: IntArray) -> FloatArray:
    """How strongly an arm's chemotherapy kills each of its patients, relative to standard salvage chemotherapy.

    Parameters
    ----------
    settings : population values by replicate; a posterior may hold its own strength for a regimen.
    replicate : array (patient,).

    Returns
    -------
    array (patient,), > 0; 1 when the regimen is no chemotherapy.
    """
    if not regimen.is_chemotherapy:
        return np.ones(replicate.size)
    if regimen.strength:
        return np.full(replicate.size, regimen.strength)
    usual = strength_of(regimen.id)
    numbers, place = np.unique(replicate, return_inverse=True)
    return np.array([settings(int(one)).strength.get(regimen.id, usual) for one in numbers])[place]
