"""Where the scatter of simulated figures comes from: patients or parameters, and how sure the computation is.

In: comparison dicts with an ``uncertainty``. Out: a matplotlib Figure, and its numbers in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.core import DASH, axis_of
from engager.report.plots.style import COLORS, MUTED, WIDE, is_narrow, new_figure, note, quiet
from engager.report.words import what

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
_PATIENTS, _PARAMETERS = COLORS[0], COLORS[1]
# Where words stand right of the bars, in units of their axis.
_COLUMNS = (1.02, 1.19)


def figure_uncertainty(groups: Mapping[str, Sequence[Row]], width: float = WIDE) -> Figure:
    """Bars: share of the variance between virtual trials from patients and from parameters; words: Monte Carlo error.

    Parameters
    ----------
    groups : comparison dicts of docs/architecture.md with an ``uncertainty``, by title of their panel (a study; an
        empty title for a single one).
    width : inches.
    """
    shown = {title: [one for one in rows if one.get("uncertainty")] for title, rows in groups.items()}
    shown = {title: rows for title, rows in shown.items() if rows}
    narrow = is_narrow(width)
    with quiet():
        if not shown:
            figure = new_figure(width, 1.2)
            note(figure.subplots(), "nothing to tell apart")
            return figure
        row_height = 0.4 if narrow else 0.25
        heights = [row_height * len(rows) + (0.3 if title else 0.15) for title, rows in shown.items()]
        # browsers set the words of the right column a little wider than they are measured here
        figure = new_figure(width, sum(heights) + (0.95 if narrow else 0.75), right=0.04)
        stacked = figure.subplots(len(shown), 1, height_ratios=heights, squeeze=False, sharex=True)[:, 0]
        for axes, (title, rows) in zip(stacked, shown.items(), strict=True):
            _panel(axes, title, rows, narrow)
        for x, words in zip(_COLUMNS, ["Monte Carlo"] if narrow else ["SD of all", "Monte Carlo"], strict=False):
            stacked[0].text(x, 1.0, words, fontsize=6.8, color=MUTED, va="bottom",
                            transform=stacked[0].transAxes, clip_on=False)  # fmt: skip
        stacked[-1].tick_params(axis="x", labelbottom=True)
        stacked[-1].set_xlabel("share of the variance between virtual trials")
        _legend(figure, narrow)
    return figure


def figure_parameter_shares(groups: Mapping[str, Sequence[Row]], width: float = WIDE) -> Figure:
    """Share of the variance that the parameters account for: one row a study, one mark a figure.

    Parameters
    ----------
    groups : as for `figure_uncertainty`, for so many figures that each has no bar of its own.
    """
    narrow = is_narrow(width)
    shares = {
        title: [found for one in rows if one.get("uncertainty") and (found := _share(one)) is not None]
        for title, rows in groups.items()
    }
    shares = {title: found for title, found in shares.items() if found}
    with quiet():
        figure = new_figure(width, (0.42 if narrow else 0.25) * len(shares) + 1.0)
        axes = figure.subplots()
        if not shares:
            note(axes, "nothing to tell apart")
            return figure
        for y, (title, places) in enumerate(reversed(shares.items())):
            shifts = [(-0.14, 0.0, 0.14)[k % 3] for k in range(len(places))]
            axes.plot(sorted(places), [y + shift for shift in shifts], "o", color=_PARAMETERS, alpha=0.55,
                      markersize=4.4, markeredgewidth=0)  # fmt: skip
            axes.plot([median(places)] * 2, [y - 0.3, y + 0.3], color="#22303C", linewidth=1.4)
            if narrow:
                axes.text(0.0, y + 0.3, title, fontsize=7.2, va="bottom")
        axes.set_yticks(range(len(shares)), ["" if narrow else title for title in reversed(shares)], fontsize=7.4)
        axes.set_ylim(-0.5, len(shares) - (0.2 if narrow else 0.5))
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0: all patients", "25 %", "50 %", "75 %", "100 %"])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(
            "share of the variance from parameters;" + ("\n" if narrow else " ") + "line: median of the study"
        )
    return figure


def _share(row: Row) -> float | None:
    share: float | None = row["uncertainty"]["parameter_share"]
    return share


def spread_words(value: float | None, scale: str) -> str:
    """A standard deviation, in points of a percentage, or per cent of the figure where it is a logarithm."""
    if value is None:
        return DASH
    return f"{100 * value:.1f} points" if scale == "share" else f"{100 * value:.0f} %"


def monte_carlo_words(row: Row) -> str:
    """Standard error of the median that is printed, in its own unit, e.g. ``± 0.8 points``."""
    error = row["uncertainty"]["monte_carlo"]["median"]
    if error is None:
        return DASH
    axis = axis_of(row["statistic"])
    if axis == "%":
        return f"± {100 * error:.1f} points"
    return f"± {error:.1f} mo" if axis == "months" else f"± {error:.2f}"


def _panel(axes: Axes, title: str, rows: Sequence[Row], narrow: bool) -> None:
    shares = {y: row["uncertainty"]["parameter_share"] for y, row in enumerate(reversed(rows))}
    told = [y for y, share in shares.items() if share is not None]
    if told:
        parts = np.array([shares[y] for y in told])
        look: dict[str, Any] = {"height": 0.34 if narrow else 0.6, "alpha": 0.75, "linewidth": 0, "zorder": 2}
        axes.barh(told, 1 - parts, color=_PATIENTS, **look)
        axes.barh(told, parts, left=1 - parts, color=_PARAMETERS, **look)
    for y, row in enumerate(reversed(rows)):
        if shares[y] is None:
            words = "no scatter" if row["uncertainty"]["total"] == 0 else "too few trials reached it"
            axes.text(0.01, y, words, fontsize=7, color=MUTED, va="center")
        columns = [monte_carlo_words(row)] if narrow else [_total_words(row), monte_carlo_words(row)]
        for x, words in zip(_COLUMNS, columns, strict=False):
            axes.text(x, y, words, fontsize=7, color="#22303C", va="center", clip_on=False)
        if narrow:
            axes.text(0.0, y + 0.2, _label(row), fontsize=6.9, va="bottom")
    axes.set_yticks(range(len(rows)), ["" if narrow else _label(row) for row in reversed(rows)], fontsize=7.4)
    axes.set_ylim(-0.5, len(rows) - (0.1 if narrow else 0.5))
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    if title:
        axes.set_title(title)


def _total_words(row: Row) -> str:
    return spread_words(row["uncertainty"]["total"], row["uncertainty"]["scale"])


def _label(row: Row) -> str:
    arm = "between arms" if " vs " in str(row["arm"]) else str(row["arm"])
    return f"{what(row)} · {arm}"


def _legend(figure: Figure, narrow: bool) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=color, alpha=0.75) for color in (_PATIENTS, _PARAMETERS)]
    labels = ["patients: a trial is a sample", "parameters: what the fit left unsure, and what trials differ in"]
    figure.legend(
        handles, labels, loc="outside lower center", ncols=1 if narrow else 2, fontsize=7 if narrow else 7.6,
        handlelength=1.4, columnspacing=1.2,
    )  # fmt: skip
