"""What a recovery study found: coverage of intervals and where truths rank among draws.

In: `Recovered` of several truths. Out: rows for a table, JSON, a document. Not here: the fits (`calibration.recover`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from engager.calibration import FitPlan, Recovered, coverage, rank_counts
from engager.core import RESEARCH_USE
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


def recovery_text(plan: FitPlan, found: Sequence[Recovered], command: str) -> str:
    """The same as a document in Markdown, which begins with what was run.

    Parameters
    ----------
    command : the line that made it, so that anyone can make it again.
    """
    studies = ", ".join(f"{study.study} ({study.n_patients})" for study in plan.studies)
    rows = [f"| {name} | {inside} | {counts} |" for name, inside, counts in recovery_rows(plan, found)]
    lines = [
        "# Recovery",
        f"Made by `{command}`. {RESEARCH_USE}",
        f"Does the fit find what made its data? {len(found)} truths were drawn from the prior, and the figures of"
        f" {len(plan.studies)} studies were simulated from each, at their published sizes. A fit smaller than the one"
        f" that ships was run on each: {plan.members} draws, {plan.rounds} rounds, patients a draw in parentheses:"
        f" {studies}. Where a fit is right, nine in ten truths lie in its 90 % intervals, and the ranks of truths among"
        " its draws fill the fifths evenly.",
        f"The first two rows count everything together. A row of one unknown or figure holds {len(found)} truths:"
        f" {_usual(len(found))} in its interval are what chance allows.",
        "| of | in 90 % intervals | ranks in fifths |\n| --- | --- | --- |\n" + "\n".join(rows),
    ]
    return "\n\n".join(lines) + "\n"


def _usual(n: int) -> str:
    """How many of n truths a 90 % interval holds in 95 of 100 recovery studies."""
    low, high = (int(one) for one in binom.interval(0.95, n, 0.9))
    return f"{low} to {high}"


def _row(name: str, ranks: Any) -> list[str]:
    counts = " ".join(str(count) for count in rank_counts(ranks))
    return [name, f"{100 * coverage(np.asarray(ranks)):.0f} %", counts]
