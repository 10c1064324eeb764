"""What an analysis takes when it is not told: one setting, one lineage, one age group, one class of treatment.

Figures of first line, T-cell disease, children and every kind of salvage pooled together answer no question. What a
default chose is always told, with the option that undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY = "any"
SETTING, LINEAGE, AGE_GROUP = "relapsed_refractory", "B", "adult"
# What is pooled when no treatment is named, and what a prior of a control arm is made from.
POOLED_CLASS, CONTROL_CLASS = "t_cell_engager", "chemotherapy_of_choice"


def with_defaults(filters: Mapping[str, Any], drug_class: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Filters of `select` with what was left out filled in, and what that was in words.

    Parameters
    ----------
    filters : of `select`; ``any`` keeps everything; None is left to the default.
    drug_class : the class taken when neither regimen nor class is named.

    Notes
    -----
    A regimen that is named brings its own setting; the other defaults hold all the same.
    """
    chosen, told = dict(filters), []
    named = bool(filters.get("regimens"))
    defaults = {
        "setting": ("--setting", None if named else SETTING, "setting"),
        "lineage": ("--lineage", LINEAGE, "lineage: no arms of T-cell disease alone;"),
        "age_group": ("--age-group", AGE_GROUP, "age group: no trials in children;"),
        "drug_class": ("--class", None if named else drug_class, "class of treatment"),
    }
    for key, (option, value, words) in defaults.items():
        if chosen.get(key) is None and value is not None:
            chosen[key] = value
            told.append(f"default {words} {value} ({option} {ANY} takes all)")
        elif chosen.get(key) == ANY:
            chosen[key] = None
    return chosen, tuple(told)
