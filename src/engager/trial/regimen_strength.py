"""How strongly a chemotherapy regimen kills, relative to standard salvage chemotherapy.

The numbers are calibrated (``data/regimen-strength.yaml``, written by ``engager calibrate --targets regimens``):
each is the strength at which the model's patients reach the remission rate published for the regimen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class RegimenStrength:
    """One regimen's strength.

    Attributes
    ----------
    strength, low, high : relative to standard salvage chemotherapy; the interval mirrors the 95 % interval of
        the published remission rate.
    endpoint, events, n, records : what it was calibrated to.
    is_reached : False when no strength brings the published rate in the model's patients; the nearest is used.
    """

    strength: float
    low: float
    high: float
    endpoint: str
    events: int
    n: int
    records: tuple[str, ...]
    is_reached: bool = True


@cache
def regimen_strengths() -> dict[str, RegimenStrength]:
    """Calibrated strengths by regimen id; empty when none ship."""
    path = resources.files("engager.trial") / "data" / "regimen-strength.yaml"
    if not path.is_file():
        return {}
    rows = yaml.safe_load(path.read_text())["regimens"]
    return {slug: RegimenStrength(**{**row, "records": tuple(row["records"])}) for slug, row in rows.items()}


def strength_of(regimen_id: str) -> float:
    """Strength of a regimen; 1 for standard chemotherapy and where no remission rate was published."""
    found = regimen_strengths().get(regimen_id)
    return found.strength if found else 1.0
