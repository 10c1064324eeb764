"""A rebuilt survival curve with its band, limits and printed points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter

from engager.evidence.figures.file import PUBLISHED, QUIET, SIMULATED, SMALL, TEXT, new_figure, quiet_style
from engager.evidence.records.vocabulary import endpoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from engager.evidence.curves.reconstruction import RebuiltCurve


def draw_curve(curve: RebuiltCurve, simulated: Sequence[Mapping[str, Any]] = ()) -> Figure:
    """The curve of one arm.

    Parameters
    ----------
    curve : from `rebuild_curve`.
    simulated : curves with ``label``, ``time_months`` and ``survival`` arrays, and ``low`` and ``high``
        where there is a prediction band, drawn beside it.
    """
    with quiet_style():
        figure = new_figure(3.9)
        axes = figure.add_axes((0.14, 0.24, 0.82, 0.62))
        title = f"{endpoint(curve.endpoint).label.capitalize()} rebuilt from print"
        figure.text(0.05, 0.955, title, fontsize=TEXT + 1, fontweight="bold", va="center")
        figure.text(0.05, 0.905, f"{curve.record}, {curve.arm}", fontsize=SMALL, color=QUIET, va="center")
        t = curve.time_months
        _draw_limits(axes, curve)
        axes.fill_between(t, curve.low, curve.high, color=PUBLISHED, alpha=0.22, linewidth=0)
        seen = t <= curve.last_printed_months
        axes.plot(t[seen], curve.survival[seen], color=PUBLISHED, linewidth=1.6)
        axes.plot(t[~seen], curve.survival[~seen], color=PUBLISHED, linewidth=1.2, linestyle=(0, (3, 2)))
        for anchor in curve.anchors:
            if anchor.is_median:
                ends = [anchor.low if anchor.low is not None else anchor.time_months]
                ends.append(anchor.high if anchor.high is not None else float(t[-1]))
                if not anchor.is_from_n:
                    axes.plot(ends, [0.5, 0.5], color=PUBLISHED, linewidth=1)
            elif not anchor.is_from_n:
                bounds = [anchor.low or 0.0, anchor.high if anchor.high is not None else 1.0]
                axes.plot([anchor.time_months] * 2, bounds, color=PUBLISHED, linewidth=1)
            axes.plot([anchor.time_months], [anchor.survival], "D", color=PUBLISHED, markersize=5)
        for index, row in enumerate(simulated):
            _draw_simulated(axes, row, float(t[-1]), index)
        axes.set_ylim(0, 1)
        axes.set_xlim(0, float(t[-1]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        axes.tick_params(labelsize=SMALL)
        axes.set_xlabel("months", fontsize=SMALL)
        for side in ("right", "top"):
            axes.spines[side].set_visible(False)
        words = "Diamonds: printed. Band: uncertainty. Gray: limits of any\ncurve through them. Dashed: extrapolated."
        figure.text(0.05, 0.055, words, fontsize=SMALL, color=QUIET, va="center")
    return figure


def _draw_limits(axes: Axes, curve: RebuiltCurve) -> None:
    """A box between each two printed points: a falling curve through both stays in it."""
    times = [0.0, *(anchor.time_months for anchor in curve.anchors), float(curve.time_months[-1])]
    survival = [1.0, *(anchor.survival for anchor in curve.anchors), 0.0]
    for (start, end), (high, low) in zip(pairwise(times), pairwise(survival), strict=True):
        axes.fill_between([start, end], low, high, color=QUIET, alpha=0.10, linewidth=0)


def _draw_simulated(axes: Axes, row: Mapping[str, Any], until: float, index: int) -> None:
    months = np.asarray(row["time_months"], dtype=float)
    shown = months <= until
    line = np.asarray(row["survival"], dtype=float)[shown]
    if "low" in row and "high" in row:
        low, high = (np.asarray(row[key], dtype=float)[shown] for key in ("low", "high"))
        axes.fill_between(months[shown], low, high, color=SIMULATED, alpha=0.18, linewidth=0)
    axes.plot(months[shown], line, color=SIMULATED, linewidth=1.4, linestyle=(0, (3, 1.5)))
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": SMALL}
    axes.text(1, 1 - 0.07 * index, str(row["label"]), color=SIMULATED, **place)
