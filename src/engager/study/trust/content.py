"""How far to trust the simulations, as plain rows: what was fitted, what only checked, what missed, what is assumed,
what the model is for and what drives it."""

from __future__ import annotations

from functools import cache
from typing import Any

from engager.core import versions
from engager.model import load_model
from engager.study.parameters import population_parameters
from engager.study.review.result import Review
from engager.study.review.rows import review_of
from engager.study.review.summary import shipped_review_summary, warnings_of
from engager.study.review.words import figure_cells, made_words
from engager.study.sensitivity.drivers import drivers_section
from engager.study.trust.left_out import studies_left_out
from engager.study.trust.statement import credibility_statement

_MODEL = "b-all"


@cache
def shipped_review() -> Review:
    """The review with the figures that ship."""
    summary = shipped_review_summary()
    return review_of(summary["comparisons"], summary["made"], warnings_of(summary))


def trust_content() -> dict[str, Any]:
    """The statement, counts of fitted and checked figures, misses, studies left out, what drives the outcomes,
    assumptions, versions."""
    summary = shipped_review_summary()
    figures = summary["comparisons"]
    counts = []
    for use, words in (("fit", "fitted"), ("check", "only checked")):
        judged = [one["inside"] for one in figures if one["use"] == use and one["inside"] is not None]
        counts.append({"use": words, "inside": sum(judged), "judged": len(judged)})
    parameters = load_model(_MODEL).parameters
    return {
        "n_parameters": len(parameters),
        "statement": credibility_statement(),
        "made": made_words(shipped_review()),
        "drivers": _drivers(),
        "warnings": warnings_of(summary),
        "counts": counts,
        "figures": [figure_cells(one) for one in figures],
        "misses": [figure_cells(one) for one in figures if one["inside"] is False],
        "left_out": studies_left_out(),
        "n_assumed": sum(row.is_assumed for row in parameters.values()),
        "versions": versions(),
    }


def _drivers() -> list[str]:
    """What the shipped sensitivity analysis says, in sentences: of what study, then the factors, then a warning."""
    section = drivers_section(_MODEL, population_parameters(_MODEL, seed=1))
    if section is None:
        return []
    levels = [level.sentences for level in (section.patient, section.trial) if level is not None]
    return [
        section.sentences[0],
        *(sentence for level in levels for sentence in level),
        *filter(None, [section.warning]),
    ]
