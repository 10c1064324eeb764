"""Published beside simulated, one row a figure of the paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engager.core import axis_of
from engager.report.plots.style import (
    GUIDE,
    INK,
    MUTED,
    NEAR_EDGE,
    OUTSIDE,
    PUBLISHED,
    WIDE,
    color_of,
    is_narrow,
    new_figure,
    note,
    quiet,
)
from engager.report.verdict import is_near_edge, use_words
from engager.report.words import what

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RATIOS = ("hazard ratio", "odds ratio")
_AXES = ("%", "months", *_RATIOS)
# Rows that are seen with the axis below them at one glance.
_SHORT = 6


def figure_comparisons(
    comparisons: Sequence[Mapping[str, Any]],
    arms: Sequence[str] = (),
    width: float = WIDE,
    title: str | None = None,
) -> Figure:
    """Prediction interval of the simulated trial (color) and published value with its interval (black).

    Parameters
    ----------
    comparisons : dicts of docs/architecture.md; shares, times, hazard ratios and odds ratios get an axis each.
    arms : all arms of the study in order, which fixes colors.
    width : inches.
    """
    groups = [(axis, [one for one in comparisons if axis_of(one["statistic"]) == axis]) for axis in _AXES]
    groups = [(axis, rows) for axis, rows in groups if rows]
    names = list(arms) or list(dict.fromkeys(str(one["arm"]) for one in comparisons))
    with quiet():
        if not groups:
            figure = new_figure(width, 1.2)
            note(figure.subplots(), "nothing published to compare with")
            return figure
        # On a narrow figure the words stand above their bar, which then needs more room.
        row = 0.4 if is_narrow(width) else 0.27
        heights = [row * len(rows) + 0.55 for _, rows in groups]
        figure = new_figure(width, sum(heights) + 0.35)
        stacked = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
        for axes, (axis, rows) in zip(stacked, groups, strict=True):
            _panel(axes, axis, rows, names, width)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=9, fontweight="bold")
        _legend(figure, width)
    return figure


def _panel(axes: Axes, axis: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str], width: float) -> None:
    scale = 100.0 if axis == "%" else 1.0
    limits = _range(rows, scale, axis)
    if axis in _RATIOS:
        axes.set_xscale("log")
        axes.axvline(1.0, color=GUIDE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        _plain_log_ticks(axes, limits)
    axes.set_xlim(*limits)
    _marks(axes, list(reversed(rows)), names, scale, limits)
    _labels(axes, rows, limits[0], width)
    axes.set_ylim(-0.6, len(rows) - (0.2 if is_narrow(width) else 0.4))
    axes.tick_params(axis="y", length=0)
    # A long list is read from both ends.
    axes.tick_params(axis="x", top=len(rows) > _SHORT, labeltop=len(rows) > _SHORT)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{axis} (log scale)" if axis in _RATIOS else {"%": "% of patients"}.get(axis, axis))


def _marks(
    axes: Axes, rows: Sequence[Mapping[str, Any]], names: Sequence[str], scale: float, limits: tuple[float, float]
) -> None:
    """Bar, tick, line and diamond of every row, from below; those that look alike in one go, which is far faster."""
    bars: dict[str, list[tuple[float, float, float, float]]] = {}
    diamonds: dict[str, list[tuple[float, float]]] = {}
    lines: list[tuple[float, float, float]] = []
    for y, row in enumerate(rows):
        median, low, high = (_number(row["simulated"].get(key)) * scale for key in ("median", "low", "high"))
        # "Not reached" runs off the axis.
        end = limits[1] * 1.05 if math.isnan(high) or math.isinf(high) else high
        color = color_of(str(row["arm"]), names) if row["arm"] in names else "#4D4D4D"
        bars.setdefault(color, []).append((y, median, low, end))
        value, start, stop = (_number(row["published"].get(key)) * scale for key in ("value", "low", "high"))
        lines.append((y, start, stop))
        face = OUTSIDE if row.get("inside") is False else NEAR_EDGE if is_near_edge(row) else "white"
        diamonds.setdefault(face, []).append((value, y))
    for color, own in bars.items():
        ys, medians, lows, ends = zip(*own, strict=True)
        axes.plot(*_apart(ys, lows, ends), color=color, linewidth=6.5, alpha=0.35, solid_capstyle="butt", zorder=2)
        axes.plot(medians, ys, "|", color=color, markersize=10, markeredgewidth=2.2, zorder=3)
    axes.plot(*_apart(*zip(*lines, strict=True)), color=PUBLISHED, linewidth=1.1, zorder=4)
    for face, points in diamonds.items():
        axes.plot(*zip(*points, strict=True), "D", color=face, markeredgecolor=PUBLISHED, markersize=5.5, zorder=5)


def _apart(ys: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> tuple[list[float], list[float]]:
    """Points of level lines, with a gap after each."""
    gap = float("nan")
    x = [one for low, high in zip(lows, highs, strict=True) for one in (low, high, gap)]
    return x, [one for y in ys for one in (y, y, gap)]


def _labels(axes: Axes, rows: Sequence[Mapping[str, Any]], left: float, width: float) -> None:
    """What each row is: beside it, or above it where the figure is narrow."""
    narrow = is_narrow(width)
    axes.set_yticks(range(len(rows)), ["" if narrow else _label(row) for row in reversed(rows)])
    for position, (tick, row) in enumerate(zip(axes.get_yticklabels(), reversed(rows), strict=True)):
        color = OUTSIDE if row.get("inside") is False else INK
        tick.set_color(color)
        tick.set_fontsize(8)
        if narrow:
            axes.text(left, position + 0.24, _label(row), fontsize=7.5, color=color, va="bottom")


def _label(row: Mapping[str, Any]) -> str:
    mark = " ✗" if row.get("inside") is False else " ~" if is_near_edge(row) else ""
    arm = "between arms" if " vs " in str(row["arm"]) else str(row["arm"])
    return f"{what(row)} · {arm} · {use_words(row)}{mark}"


def _range(rows: Sequence[Mapping[str, Any]], scale: float, axis: str) -> tuple[float, float]:
    values = [
        scale * _number(part.get(key))
        for row in rows
        for part in (row["simulated"], row["published"])
        for key in ("median", "value", "low", "high")
    ]
    known = [value for value in values if math.isfinite(value)] or [1.0]
    if axis in _RATIOS:
        return min(0.5, *(value for value in known if value > 0), 0.95) * 0.9, max(1.25, *known) * 1.1
    top = max(known) * 1.08 or 1.0
    bottom = min(0.0, min(known) * 1.08)
    # A little room, so that a mark at 0 is whole.
    return bottom - 0.012 * (top - bottom), min(top, 101.5) if axis == "%" else top


def _plain_log_ticks(axes: Axes, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

    usual = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
    ticks = [one for one in usual if limits[0] <= one <= limits[1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _legend(figure: Figure, width: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=MUTED, alpha=0.4),
        Line2D([], [], marker="|", color=MUTED, linestyle="", markersize=10, markeredgewidth=2.2),
        Line2D([], [], marker="D", color=PUBLISHED, markerfacecolor="white", markersize=5.5, linewidth=1.1),
        Line2D([], [], marker="D", color=NEAR_EDGE, markeredgecolor=PUBLISHED, linestyle="", markersize=5.5),
        Line2D([], [], marker="D", color=OUTSIDE, markeredgecolor=PUBLISHED, linestyle="", markersize=5.5),
    ]
    labels = [
        "simulated, prediction interval",
        "median",
        "published, 95 % CI",
        "inside, near the edge (~)",
        "outside (✗)",
    ]
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2 if is_narrow(width) else 5,
        fontsize=7 if is_narrow(width) else 8,
        handlelength=1.4,
        columnspacing=1.2,
    )
