"""What a course in time is, and how a stack of them is drawn over days and cycles.

In: named courses with units and dose segments; nothing here knows a model. Used for the sampled patients of
a trial (`figure_courses`) and for one virtual patient (`patient_figure`).
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engager.report.plots.style import LINES, MUTED, WIDE, color_of, is_narrow, note, power_of_ten, quiet
from engager.report.words import unit_words

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


# The median of one or two patients is no median: of fewer than three only the thin lines are drawn.
_FEWEST = 3
# Inches that a digit of an amount takes in the strip of doses.
_DIGIT = 0.065


@dataclass(frozen=True)
class DoseSegment:
    """Drug given at a steady rate, or at one instant.

    Attributes
    ----------
    start_day, stop_day : equal for a single injection.
    amount : in `unit`.
    unit : e.g. ``ug/day``; ``ug`` for a single injection.
    drug : name, shown when there are several.
    """

    start_day: float
    stop_day: float
    amount: float
    unit: str = "ug/day"
    drug: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel of a stack: observables that share an axis.

    Attributes
    ----------
    title : of the panel.
    columns : label by column of the trajectories table.
    unit : of all of them.
    log : draw on a logarithmic axis; values below `floor` are drawn at `floor`.
    floor : where the axis starts; None: a logarithmic axis at the data, another at 0 unless data are lower.
    limits : label by value, drawn as thin lines, e.g. ``{1e-4: "MRD limit"}``.
    scale : what columns are multiplied by to be in `unit`, e.g. 0.01 from percent to a share.
    from_floor : only patients at `floor` or above count on a day, e.g. those with drug in serum.
    """

    title: str
    columns: Mapping[str, str]
    unit: str
    log: bool = True
    floor: float | None = None
    limits: Mapping[float, str] = field(default_factory=dict)
    scale: float = 1.0
    from_floor: bool = False


def figure_courses(
    trajectories: pl.DataFrame,
    panels: Sequence[Panel],
    doses: Mapping[str, Sequence[DoseSegment]] | None = None,
    arms: Sequence[str] | None = None,
    width: float = WIDE,
    last_day: float | None = None,
    n_thin: int = 6,
) -> Figure:
    """Drug and cells of the sampled patients: median, middle half, and a few patients as thin lines.

    Parameters
    ----------
    trajectories : frame ``arm, patient, day`` and one column per observable; replicates other than the first
        are not told apart.
    panels : one a row.
    doses : planned doses by arm; drawn on top.
    arms : all arms of the study in order, which fixes colors.
    width : inches.
    last_day : where the axis ends; the last day of the table when None.
    n_thin : patients per arm drawn as thin lines.

    Notes
    -----
    At each day the median is over patients still followed: those who died or left no longer count. Where fewer than
    three count (in a panel with `Panel.from_floor`: reach its floor), the median has a gap.
    """
    present = trajectories["arm"].unique(maintain_order=True).to_list()
    names = list(arms) if arms else present
    end = last_day if last_day is not None else float(trajectories["day"].max() or 1.0)  # type: ignore[arg-type]
    # What lies beyond the axis would only make the picture large.
    trajectories = trajectories.filter(trajectories["day"] <= end)
    given = {name: list(segments) for name, segments in (doses or {}).items() if segments}
    with quiet():
        figure, strip, rows = stacked_axes(len(panels), width, bool(given))
        if strip is not None:
            draw_doses(strip, given, names, end, width)
        for axes, panel in zip(rows, panels, strict=True):
            for name in (one for one in names if one in present):
                arm = trajectories.filter(trajectories["arm"] == name)
                _draw_sample(axes, arm, panel, name, color_of(name, names), n_thin)
            _columns_legend(axes, panel, width)
            finish_panel(axes, panel, end)
        _arms_legend(figure, [one for one in names if one in present], names)
        rows[-1].set_xlabel("days from randomization")
    return figure


def _draw_sample(axes: Axes, arm: pl.DataFrame, panel: Panel, name: str, color: str, n_thin: int) -> None:
    import polars as pl
    from matplotlib.collections import LineCollection

    absent = [column for column in panel.columns if column not in arm.columns]
    for column in absent:
        note(axes, f"{column}: not recorded")
    shown = [column for column in panel.columns if column not in absent]
    if not shown or not arm.height:
        return
    read = {column: pl.col(column).fill_nan(None) * panel.scale for column in shown}
    least = panel.floor if panel.from_floor and panel.floor is not None else -math.inf
    values = [pl.when(value >= least).then(value).alias(column) for column, value in read.items()]
    table = arm.select("patient", "day", *values)
    summaries = [
        expression.alias(f"{column} {part}")
        for column in shown
        for part, expression in (
            ("middle", _of_several(column, pl.col(column).median())),
            ("low", _of_several(column, pl.col(column).quantile(0.25))),
            ("high", _of_several(column, pl.col(column).quantile(0.75))),
        )
    ]
    by_day = table.group_by("day").agg(summaries).sort("day")
    some = table["patient"].unique(maintain_order=True).to_list()[:n_thin]
    single = [one.sort("day") for one in (table.filter(pl.col("patient") == patient) for patient in some)]
    day = by_day["day"].to_numpy()
    for column in shown:
        style = LINES[list(panel.columns).index(column) % len(LINES)]
        thin = [
            np.column_stack([one["day"].to_numpy(), floored(one[column].cast(pl.Float64).to_numpy(), panel)])
            for one in single
        ]
        axes.add_collection(LineCollection(thin, colors=color, linewidths=0.5, alpha=0.3, linestyles=style))
        middle, low, high = (
            floored(by_day[f"{column} {part}"].cast(pl.Float64).to_numpy(), panel) for part in ("middle", "low", "high")
        )
        axes.fill_between(day, low, high, color=color, alpha=0.15, linewidth=0)
        axes.plot(day, middle, color=color, linestyle=style)


def _of_several(column: str, summary: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.when(pl.col(column).count() >= _FEWEST).then(summary)


def stacked_axes(
    n_panels: int, width: float, has_doses: bool, head: float = 0.1
) -> tuple[Figure, Axes | None, list[Axes]]:
    """A figure with a dose strip on top and panels below, all over the same days; `head` inches are free above.

    Notes
    -----
    Places are worked out here [inches]: panels of known size need no search for a layout, which would take longer than
    drawing them.
    """
    from matplotlib.figure import Figure

    left, right = (0.72, 0.5) if is_narrow(width) else (0.85, 0.75)
    strip, panel, gap, below = 0.5, 1.12, 0.36, 0.72
    height = head + (strip if has_doses else 0.0) + n_panels * (panel + gap) + below
    figure = Figure(figsize=(width, height))
    top = height - head
    rows: list[Axes] = []
    for place in range(-1 if has_doses else 0, n_panels):
        size, before = (strip, 0.0) if place < 0 else (panel, gap)
        top -= size + before
        box = (left / width, top / height, (width - left - right) / width, size / height)
        rows.append(figure.add_axes(box, sharex=rows[0] if rows else None))
    for axes in rows[:-1]:
        axes.tick_params(axis="x", labelbottom=False)
    return (figure, rows[0], rows[1:]) if has_doses else (figure, None, rows)


def floored(values: ArrayLike, panel: Panel) -> NDArray[np.float64]:
    """Values for the axis of a panel: on a log axis nothing falls below its floor."""
    array = np.asarray(values, dtype=float)
    if not panel.log:
        return array
    positive = array[array > 0]
    floor = panel.floor if panel.floor is not None else (positive.min() if positive.size else 1.0)
    return np.where(np.isnan(array), np.nan, np.maximum(array, floor))


def finish_panel(axes: Axes, panel: Panel, end: float) -> None:
    """Title with unit, limits, scale."""
    axes.set_title(panel.title)
    axes.set_ylabel("\n".join(textwrap.wrap(unit_words(panel.unit), 16)))
    axes.set_xlim(0, end)
    if panel.log:
        from matplotlib.ticker import FuncFormatter, LogLocator

        axes.set_yscale("log")
        axes.minorticks_off()
        if panel.floor is not None:
            axes.set_ylim(bottom=panel.floor * 0.8)
        low, high = axes.get_ylim()
        # Two powers of ten are no scale to read from: 3, 30 and 300 stand between them.
        between = (1.0, 3.0) if high < 200 * low and high < 3000 else (1.0,)
        axes.yaxis.set_major_locator(LogLocator(subs=between, numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    elif panel.floor is not None or axes.dataLim.y0 >= 0:
        axes.set_ylim(bottom=panel.floor or 0.0)
    for value, label in panel.limits.items():
        axes.axhline(value, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "ha": "left", "va": "center"}
        axes.annotate(label, (1.01, value), fontsize=7, color=MUTED, annotation_clip=False, **place)


def draw_doses(
    strip: Axes, doses: Mapping[str, Sequence[DoseSegment]], names: Sequence[str], end: float, width: float
) -> None:
    """Bars for infusions, arrows for injections; one row an arm or regimen, amounts where they fit."""
    strip.set_ylim(-0.1, len(doses))
    strip.set_yticks([])
    for side in strip.spines.values():
        side.set_visible(False)
    strip.grid(visible=False)
    strip.tick_params(length=0, labelbottom=False)
    # a course of chemotherapy is a bar without an amount
    units = sorted({segment.unit for segments in doses.values() for segment in segments} - {"course"})
    words = textwrap.wrap(" and ".join(unit_words(unit) for unit in units), 10)
    strip.set_ylabel("\n".join(["dose", *words]), rotation=0, ha="right", va="center")
    strip.set_xlim(0, end)
    for row, (name, segments) in enumerate(reversed(list(doses.items()))):
        color = color_of(name, names) if name in names else MUTED
        highest = max((segment.amount for segment in segments), default=1.0) or 1.0
        for segment in segments:
            _draw_segment(strip, segment, row, color, highest, end, width)


def _draw_segment(
    strip: Axes, segment: DoseSegment, row: int, color: str, highest: float, end: float, width: float
) -> None:
    if segment.start_day >= end:
        return
    height = 0.4 + 0.45 * segment.amount / highest
    if segment.stop_day <= segment.start_day:
        strip.plot([segment.start_day], [row + 0.15], "^", color=color, markersize=5)
        return
    stop = min(segment.stop_day, end)
    strip.bar(segment.start_day, height, stop - segment.start_day, row, align="edge", color=color, alpha=0.75)
    text = f"{segment.amount:g}"
    if segment.unit != "course" and (
        stop - segment.start_day
    ) / end * strip.get_position().width * width > _DIGIT * len(text):
        place = (0.5 * (segment.start_day + stop), row + height / 2)
        strip.text(*place, text, ha="center", va="center", fontsize=7, color="white")


def _columns_legend(axes: Axes, panel: Panel, width: float) -> None:
    """Which line style is which observable, where a panel holds several."""
    from matplotlib.lines import Line2D

    if len(panel.columns) < 2:
        return
    styles = [LINES[index % len(LINES)] for index in range(len(panel.columns))]
    handles = [Line2D([], [], color=MUTED, linestyle=style) for style in styles]
    courses_legend(axes, handles, list(panel.columns.values()), width)


def courses_legend(axes: Axes, handles: Sequence[Line2D], labels: Sequence[str], width: float) -> None:
    """Names of the courses of a panel: above it, where no line runs; inside where the figure is narrow."""
    if is_narrow(width):
        look: dict[str, Any] = {"frameon": True, "framealpha": 0.8, "edgecolor": "none", "fontsize": 6.5}
        axes.legend(handles, labels, loc="best", borderpad=0.2, labelspacing=0.2, **look)
        return
    above: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.97), "borderaxespad": 0.2}
    axes.legend(handles, labels, ncols=len(labels), **above)


def _arms_legend(figure: Figure, shown: Sequence[str], names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=color_of(name, names)) for name in shown]
    figure.legend(handles, shown, loc="lower center", ncols=min(len(shown), 3))


def cycle_label(day: float, cycle_starts: Sequence[float]) -> str:
    """Where a day lies in the cycles, e.g. ``C1D8``; empty before the first.

    Parameters
    ----------
    day : days from randomization (or from the first dose).
    cycle_starts : first day of each cycle on the same clock, increasing.
    """
    begun = [start for start in cycle_starts if start <= day + 1e-9]
    if not begun:
        return ""
    return f"C{len(begun)}D{int(np.floor(day - begun[-1] + 1e-9)) + 1}"


def fits(width: float) -> int:
    """How many cycle labels stand beside each other without touching."""
    return 6 if is_narrow(width) else 16
