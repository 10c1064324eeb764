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

_MODEL = "b-all"
# The statement of docs/credibility.md (question of interest, context of use), in the words of a page.
STATEMENT = (
    ("Question", "What would a trial of a CD19-directed T-cell engager, with this dose and schedule, show in these"
     " patients with B-cell precursor acute lymphoblastic leukemia, beside this comparator?"),
    ("Used for", "Planning and teaching: likely ranges of response, MRD, survival, transplant and toxicity of a trial"
     " that is described in a study file; comparing doses, schedules and eligibility within what was fitted."),
    ("Patients", "Adults with relapsed or refractory disease, and in remission with measurable residual disease."),
    ("Drug", "Blinatumomab by continuous infusion, near the doses that were given in trials (5 to 28 µg/day, 5 to 15"
     " µg/m²/day)."),
    ("Not used for", "A decision on a patient; a claim of effect or safety in place of data; other engagers without"
     " their own evidence."),
)  # fmt: skip


@cache
def shipped_review() -> Review:
    """The review with the figures that ship."""
    summary = shipped_review_summary()
    return review_of(summary["comparisons"], summary["made"], warnings_of(summary))


def trust_content() -> dict[str, Any]:
    """The statement, counts of fitted and checked figures, misses, what drives the outcomes, assumptions, versions."""
    summary = shipped_review_summary()
    figures = summary["comparisons"]
    counts = []
    for use, words in (("fit", "fitted"), ("check", "only checked")):
        judged = [one["inside"] for one in figures if one["use"] == use and one["inside"] is not None]
        counts.append({"use": words, "inside": sum(judged), "judged": len(judged)})
    parameters = load_model(_MODEL).parameters
    return {
        "n_parameters": len(parameters),
        "statement": STATEMENT,
        "made": made_words(shipped_review()),
        "drivers": _drivers(),
        "warnings": warnings_of(summary),
        "counts": counts,
        "figures": [figure_cells(one) for one in figures],
        "misses": [figure_cells(one) for one in figures if one["inside"] is False],
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
