"""Comparisons as runs, validations and pages show them: each with where its scatter comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engager.calibration import Comparison, Uncertainty
from engager.study.figure_row import comparison_entry


def told_comparisons(
    comparisons: Sequence[Comparison], split: Sequence[Uncertainty], has_draws: bool
) -> list[dict[str, Any]]:
    """Dicts of docs/architecture.md, each with an ``uncertainty``; a simulated median that is null has a ``reason``.

    Parameters
    ----------
    comparisons, split : in the same order.
    has_draws : every virtual trial drew population values of its own. Else the trials differ by their patients
        alone: all scatter is theirs, and the part of the parameters is None.
    """
    found = []
    for one, parts in zip(comparisons, split, strict=True):
        told = parts.as_json()
        if not has_draws:
            told |= {"between_patients": told["total"], "parameters": None, "parameter_share": None}
        found.append({**comparison_entry(one), "uncertainty": told})
    return found
