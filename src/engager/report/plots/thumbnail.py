"""Pictures the size of a stamp: one course, or published beside simulated shares; their words stand beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.core import FloatArray
from engager.report.plots.style import COLORS, EDGE, PUBLISHED, RULE, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 2.6, 1.0  # inches


def figure_small_courses(
    courses: Sequence[tuple[FloatArray, FloatArray]], level: float | None = None, floor: float = 1e-4
) -> Figure:
    """Courses on a logarithmic axis.

    Parameters
    ----------
    courses : days and values of each; array (time,) both.
    level : drawn as a thin line. floor : lowest value drawn.
    """
    with quiet():
        figure, axes = _empty()
        for place, (days, values) in enumerate(courses):
            axes.semilogy(days, np.maximum(values, floor), color=COLORS[place], linewidth=2)
        if level is not None:
            axes.axhline(level, color=EDGE, linewidth=0.8, linestyle=(0, (3, 2)))
    return figure


def figure_small_comparison(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Published shares as diamonds over the simulated intervals.

    Parameters
    ----------
    rows : with ``published`` (value) and ``low``, ``median``, ``high`` of the simulated, all 0 to 1.
    """
    with quiet():
        figure, axes = _empty()
        for place, row in enumerate(rows):
            axes.plot([place] * 2, [row["low"], row["high"]], color=COLORS[0], linewidth=5, alpha=0.45)
            axes.plot([place - 0.18, place + 0.18], [row["median"]] * 2, color=COLORS[0], linewidth=2)
            axes.plot([place], [row["published"]], "D", color=PUBLISHED, markersize=4.5)
        axes.set_xlim(-0.6, max(len(rows), 1) - 0.4)
        axes.set_ylim(-0.03, 1.03)
    return figure


def _empty() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), facecolor="none")
    axes = figure.add_axes((0.02, 0.04, 0.96, 0.92), facecolor="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.minorticks_off()
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(RULE)
    return figure, axes
