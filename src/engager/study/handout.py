"""What fits on one printed page of a run: a hundred patients, survival, the first figures, how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass

from engager.report import NARROW, figure_kaplan_meier, to_svg, without_repeats
from engager.study.compare.runs import curves_of
from engager.study.gallery import ALONE
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
    survival : SVG text for a page and for a phone; none when the study has no survival endpoint.
    figures : rows in words, the first of the study. n_more : figures that found no room.
    trust : sentences.
    """

    title: str
    size: str
    hundred: tuple[Hundred, ...]
    fates: dict[str, str]
    survival: dict[str, str]
    figures: tuple[dict[str, str], ...]
    n_more: int
    trust: tuple[str, ...]


def handout_of(run: RunFolder) -> Handout:
    """The page of a finished run."""
    protocol, manifest = run.protocol, run.manifest
    told = without_repeats(run.comparisons)
    rows = [figure_cells({**one, "trial": protocol.study, "use": one.get("use")}) for one in told]
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
        survival_svgs(run),
        tuple(rows[:_MOST_FIGURES]),
        max(0, len(rows) - _MOST_FIGURES),
        tuple(trust),
    )


def survival_svgs(run: RunFolder) -> dict[str, str]:
    """Simulated survival of a run with what was published, for a page and for a phone; none without such endpoints."""
    curves = curves_of([run])
    if "survival" not in curves.columns:
        return {}
    endpoint = curves["endpoint"][0]
    words = f"Simulated survival ({endpoint}) by arm"
    drawn = {
        name: figure_kaplan_meier(curves, run.comparisons, endpoint, width=width)
        for name, width in (("wide", _FIGURE_WIDTH), ("narrow", NARROW))
    }
    return {name: to_svg(figure, f"survival-{name}", words, is_themed=True) for name, figure in drawn.items()}


def survival_pictures(run: RunFolder) -> dict[str, str]:
    """The same as pictures that stand alone; their colors follow the reader's own setting."""
    return {name: drawn.replace(">", f">{ALONE}", 1) for name, drawn in survival_svgs(run).items()}
