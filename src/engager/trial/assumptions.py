"""Assumptions about how a trial observes and handles patients (``data/assumptions.yaml``), by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache
def assumption_table() -> dict[str, dict[str, Any]]:
    """Every assumption with value, unit, reason and, where one is thought possible, a range."""
    text = (resources.files("engager.trial") / "data" / "assumptions.yaml").read_text()
    return yaml.safe_load(text)


class Assumptions:
    """Values by name, some of them replaced by a calibration (keys ``trial:name``).

    Parameters
    ----------
    settings : e.g. one draw of a posterior; keys without the prefix ``trial:`` are not for us.
    """

    def __init__(self, settings: Mapping[str, float] | None = None):
        self._changed = {
            key.removeprefix("trial:"): value for key, value in (settings or {}).items() if key.startswith("trial:")
        }

    def __getitem__(self, name: str) -> Any:
        """The value of one assumption; KeyError when there is none of that name."""
        return self._changed.get(name, assumption_table()[name]["value"])

    def spread(self, name: str) -> float:
        """The between-patient spread given beside a value (`sd_log` or `sd`)."""
        row = assumption_table()[name]
        return float(row.get("sd_log", row.get("sd", 0.0)))
