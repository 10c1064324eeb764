"""What a recovery study found, in rows: coverage of intervals and where truths rank among draws.

In: `Recovered` of several truths. Out: rows for a table or JSON. Not here: the fits (`calibration.recover`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engager.calibration import FitPlan, Recovered, coverage, rank_counts
from engager.study.plain_json import plain_json

# Figures that are shown one by one; the counts are of all.
_MOST_FIGURES = 12


def recovery_rows(plan: FitPlan, found: Sequence[Recovered]) -> list[list[str]]:
    """All unknowns, all figures, then the model's key unknowns and some figures: what, coverage, ranks in fifths."""
    unknowns = np.array([one.rank_of_unknown for one in found])
    figures = np.array([one.rank_of_figure for one in found])
    rows = [
        _row(f"{unknowns.shape[1]} unknowns", unknowns.ravel()),
        _row(f"{figures.shape[1]} figures of a new trial", figures.ravel()),
    ]
    names = found[0].names
    rows += [_row(name, unknowns[:, names.index(name)]) for name in plan.model.roles.key_unknowns if name in names]
    chosen = np.linspace(0, figures.shape[1] - 1, min(_MOST_FIGURES, figures.shape[1])).astype(int)
    rows += [_row(found[0].figures[k], figures[:, k]) for k in dict.fromkeys(chosen.tolist())]
    return rows


def recovery_json(plan: FitPlan, found: Sequence[Recovered]) -> dict[str, Any]:
    """The same as a JSON object, with what was run."""
    rows = [
        {"of": name, "coverage_of_90": inside, "ranks_in_fifths": counts}
        for name, inside, counts in recovery_rows(plan, found)
    ]
    result: dict[str, Any] = plain_json(
        {
            "truths": len(found), "members": plan.members, "rounds": plan.rounds, "seed": plan.seed,
            "studies": {study.study: study.n_patients for study in plan.studies}, "rows": rows,
        }
    )  # fmt: skip
    return result


def _row(name: str, ranks: Any) -> list[str]:
    counts = " ".join(str(count) for count in rank_counts(ranks))
    return [name, f"{100 * coverage(np.asarray(ranks)):.0f} %", counts]
