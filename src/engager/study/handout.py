"""What fits on one printed page of a run: a hundred patients, survival, the first figures, how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass

from engager.report import figure_kaplan_meier, to_svg
from engager.study.compare.runs import curves_of
from engager.study.patients.hundred import FATES, Hundred, hundred_of
from engager.study.review.words import figure_cells
from engager.study.run.folder import RunFolder

_MOST_FIGURES = 9
_FIGURE_WIDTH = 6.4  # inches on the page


@dataclass(frozen=True)
class Handout:
    """The parts of the page.

    Attributes
    ----------
    title, size : of the run, in words.
    hundred : patients by fate, of each arm. fates : words for each fate.
    survival : SVG text; empty when the study has no survival endpoint.
    figures : rows in words, the first of the study. n_more : figures that found no room.
    trust : sentences.
    """

    title: str
    size: str
    hundred: tuple[Hundred, ...]
    fates: dict[str, str]
    survival: str
    figures: tuple[dict[str, str], ...]
    n_more: int
    trust: tuple[str, ...]


def handout_of(run: RunFolder) -> Handout:
    """The page of a finished run."""
    protocol, manifest = run.protocol, run.manifest
    curves = curves_of([run])
    survival = ""
    if "survival" in curves.columns:
        endpoint = curves["endpoint"][0]
        figure = figure_kaplan_meier(curves, run.comparisons, endpoint, width=_FIGURE_WIDTH)
        survival = to_svg(figure, "handout", f"Simulated survival ({endpoint}) by arm", is_themed=True)
    rows = [figure_cells({**one, "trial": protocol.study, "use": one.get("use")}) for one in run.comparisons]
    verdict = run.verdict
    trust = [f"Published figures inside their prediction interval: {verdict.headline}."] if verdict.headline else []
    trust += [verdict.remark] if verdict.remark else []
    trust += [f"Outside what was fitted: {one}" for one in run.outside_fit]
    trust.append("A virtual patient knows only what the model holds; supportive care and sites are not in it.")
    return Handout(
        protocol.title or protocol.study,
        f"{manifest['replicates']} virtual trials of {manifest['patients_per_replicate']} patients, "
        f"seed {manifest['seed']}",
        hundred_of(run),
        dict(FATES),
        survival,
        tuple(rows[:_MOST_FIGURES]),
        max(0, len(rows) - _MOST_FIGURES),
        tuple(trust),
    )
