"""A published figure beside its prediction as JSON holds it; a simulated median that is null says why."""

from __future__ import annotations

from typing import Any

from engager.calibration import Comparison
from engager.study.plain_json import plain_json


def comparison_entry(one: Comparison) -> dict[str, Any]:
    """The dict of docs/architecture.md; ``simulated`` has a ``reason`` where its median is null."""
    entry: dict[str, Any] = plain_json(one.as_json())
    if one.median is None:
        # what covers something was made of replicates that gave an answer: a time beyond the data
        reason = "not reached" if one.coverage > 0 else "not estimable in more than one replicate"
        entry["simulated"]["reason"] = reason
    return entry
