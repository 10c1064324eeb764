"""Network graph: treatments as nodes, randomized comparisons as lines, the ranking beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engager.evidence.figures.file import INK, PUBLISHED, QUIET, SMALL, TEXT, new_figure, quiet_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from engager.evidence.synthesis.network import NetworkFit, NetworkStudy


def draw_network(fit: NetworkFit, endpoint: str, scale: str, small_is_good: bool) -> Figure:
    """The network of a fit.

    Parameters
    ----------
    fit : from `fit_network`.
    scale : ``hazard_ratio`` or ``odds_ratio``; effects are shown as such against the reference.
    small_is_good : whether a low value is better, for the ranking.

    Notes
    -----
    A line's width and number are its studies. Below, each treatment's ratio against the reference with its
    interval and its P-score (1: surely the best).
    """
    scores = fit.p_scores(small_is_good)
    names = list(scores)
    n = len(names)
    with quiet_style():
        height = 3.9 + 0.42 * n
        figure = new_figure(height)
        title = f"Randomized comparisons: {endpoint}"
        figure.text(0.05, 1 - 0.2 / height, title, fontsize=TEXT + 1, fontweight="bold", va="center")
        axes = figure.add_axes((0.05, (0.42 * n + 0.65) / height, 0.90, 2.75 / height))
        axes.set_axis_off()
        axes.set_xlim(-1.75, 1.75)
        axes.set_ylim(-1.0 if n == 3 else -1.35, 1.35)
        angle = np.pi / 2 + 2 * np.pi * np.arange(n) / n
        place = dict(zip(fit.treatments, zip(np.cos(angle), np.sin(angle), strict=True), strict=True))
        for i, first in enumerate(fit.treatments):
            for j, second in enumerate(fit.treatments[:i]):
                if fit.n_direct[i, j]:
                    (x0, y0), (x1, y1) = place[first], place[second]
                    axes.plot([x0, x1], [y0, y1], color=PUBLISHED, linewidth=1 + 1.5 * fit.n_direct[i, j], zorder=1)
                    axes.text(
                        (x0 + x1) / 2,
                        (y0 + y1) / 2,
                        f"{fit.n_direct[i, j]} trial{'' if fit.n_direct[i, j] == 1 else 's'}",
                        fontsize=SMALL,
                        ha="center",
                        va="center",
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                    )
        for name, (x, y) in place.items():
            axes.plot([x], [y], "o", color=INK, markersize=13, zorder=2)
            below = y <= 0.3
            axes.text(
                x,
                y - 0.17 if below else y + 0.17,
                name,
                fontsize=TEXT,
                ha="center",
                va="top" if below else "bottom",
            )
        _ranking(figure, fit, scores, scale, height)
    return figure


def network_table(fit: NetworkFit, scale: str, small_is_good: bool) -> list[list[str]]:
    """Every comparison as a ratio with its interval, direct studies, and the P-scores; the header first."""
    scores = fit.p_scores(small_is_good)
    table = [
        [
            "treatment",
            "control",
            scale.replace("_", " "),
            "interval",
            "direct studies",
            "P-score of treatment",
        ]
    ]
    for i, first in enumerate(fit.treatments):
        for j, second in enumerate(fit.treatments):
            if first == second:
                continue
            mean, low, high = (float(np.exp(value)) for value in fit.comparison(first, second))
            direct = str(int(fit.n_direct[i, j])) if fit.n_direct[i, j] else "0 (indirect only)"
            table.append([first, second, f"{mean:.2f}", f"{low:.2f} to {high:.2f}", direct, f"{scores[first]:.2f}"])
    return table


def _ranking(figure: Figure, fit: NetworkFit, scores: dict[str, float], scale: str, height: float) -> None:
    reference = fit.treatments[0]
    top = 0.42 * len(scores) + 0.55
    head = f"{scale.replace('_', ' ')} against {reference}"
    figure.text(0.05, top / height, head, fontsize=SMALL, color=QUIET)
    figure.text(0.95, top / height, "P-score", fontsize=SMALL, color=QUIET, ha="right")
    for index, (name, score) in enumerate(scores.items()):
        y = (top - 0.30 - 0.42 * index) / height
        figure.text(0.05, y, name, fontsize=SMALL, fontweight="bold")
        if name != reference:
            mean, low, high = (float(np.exp(value)) for value in fit.comparison(name, reference))
            told = f"{mean:.2f} ({low:.2f} to {high:.2f})"
        else:
            told = "reference"
        figure.text(0.05, y - 0.16 / height, told, fontsize=SMALL)
        figure.text(0.95, y, f"{score:.2f}", fontsize=SMALL, ha="right")


def network_remarks(fit: NetworkFit, studies: Sequence[NetworkStudy] = ()) -> Sequence[str]:
    """What limits the network's answer."""
    said = ["Similar comparators count as one treatment here, although they were not the same."]
    if fit.tau2 is None:
        said.append(
            "No comparison was made by more than one study, so differences between studies cannot be estimated; the "
            "intervals assume that there are none, and are too narrow if there are any."
        )
    said += [
        f"{study.label}: half a patient was added to every count, because one of them is 0"
        for study in studies
        if study.is_corrected and not study.tells_nothing
    ]
    said += [f"{reason}; such a study tells nothing of an odds ratio and is left out" for reason in fit.left_out]
    return said
