"""Every published figure of several studies by where it falls in its prediction interval: one row a study.

In: comparison dicts. Out: a matplotlib Figure. 0 is the simulated median, -1 and 1 are the ends of the interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engager.report.plots.style import COLORS, MUTED, OUTSIDE, PUBLISHED, WIDE, is_narrow, new_figure, note, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
_LIMIT = 2.5
_MARKERS = {"fit": "o", "check": "D", None: "s"}
_WORDS = {"fit": "fitted", "check": "only checked", None: "neither"}


def position(row: Row) -> float | None:
    """Where the published figure lies between the simulated median (0) and an end of its interval (-1 or 1).

    Times and ratios are placed by their logarithm. None where it cannot be placed: nothing was simulated, the median
    or that end was not reached, or an interval has no width on that side.
    """
    seen, value = row["simulated"], row["published"]["value"]
    median = seen.get("median")
    end = seen.get("low" if median is not None and value < median else "high")
    if median is None or end is None:
        return None
    if row["statistic"] in ("median", "hazard_ratio", "odds_ratio", "follow_up_median"):
        if min(value, median, end) <= 0:
            return None
        value, median, end = math.log(value), math.log(median), math.log(end)
    width = abs(end - median)
    if width == 0:
        return 0.0 if value == median else None
    return float((value - median) / width)


def figure_positions(groups: Mapping[str, Sequence[Row]], width: float = WIDE) -> Figure:
    """Marks of published figures over the shared interval; those outside are red.

    Parameters
    ----------
    groups : comparison dicts of docs/architecture.md by study.
    width : inches.
    """
    narrow = is_narrow(width)
    shown = {study: rows for study, rows in groups.items() if rows}
    with quiet():
        if not shown:
            figure = new_figure(width, 1.2)
            note(figure.subplots(), "nothing published to compare with")
            return figure
        figure = new_figure(width, (0.45 if narrow else 0.3) * len(shown) + 1.2)
        axes = figure.subplots()
        axes.axvspan(-1, 1, color=COLORS[0], alpha=0.13, linewidth=0, zorder=0)
        axes.axvline(0, color=COLORS[0], linewidth=1.2, zorder=1)
        for y, (study, rows) in enumerate(reversed(shown.items())):
            _study_row(axes, y, study, rows, narrow)
        axes.set_yticks(range(len(shown)), ["" if narrow else study for study in reversed(shown)], fontsize=7.4)
        axes.set_ylim(-0.6, len(shown) - (0.3 if narrow else 0.4))
        axes.set_xlim(-_LIMIT - 0.2, _LIMIT + 0.2)
        axes.set_xticks([-2, -1, 0, 1, 2], ["", "lower end", "median", "upper end", ""])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        words = "published figure within the prediction interval"
        axes.set_xlabel(words if narrow else f"{words} of a trial of its size")
        _legend(figure, narrow, {one.get("use") for rows in shown.values() for one in rows})
    return figure


def _study_row(axes: Axes, y: int, study: str, rows: Sequence[Row], narrow: bool) -> None:
    placed = [(place, one) for one in rows if (place := position(one)) is not None]
    places = [(max(-_LIMIT, min(_LIMIT, place)), one) for place, one in placed]
    if narrow:
        axes.text(-_LIMIT - 0.15, y + 0.34, study, fontsize=7.2, va="center")
    for k, (x, one) in enumerate(sorted(places, key=lambda place: place[0])):
        # Neighbors step aside, in a fixed order.
        shift = (-0.16, 0.0, 0.16)[k % 3]
        is_out = one.get("inside") is False
        axes.plot(
            [x], [y + shift], _MARKERS.get(one.get("use"), "s"), color=OUTSIDE if is_out else "white",
            markeredgecolor=PUBLISHED, markeredgewidth=0.9, markersize=4.6, zorder=5 if is_out else 4,
        )  # fmt: skip
    judged = [one for one in rows if one.get("inside") is not None]
    inside = f"{sum(bool(one['inside']) for one in judged)} of {len(judged)} inside"
    axes.text(_LIMIT + 0.3, y, inside, fontsize=7, color="#22303C", va="center", clip_on=False)


def _legend(figure: Figure, narrow: bool, uses: set[str | None]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    usual: dict[str, Any] = {"linestyle": "", "markeredgecolor": PUBLISHED, "markersize": 4.6}
    handles: list[Any] = [Patch(facecolor=COLORS[0], alpha=0.2)]
    labels = ["inside the interval"]
    for use in (use for use in _MARKERS if use in uses):
        handles.append(Line2D([], [], marker=_MARKERS[use], color="white", **usual))
        labels.append(_WORDS[use])
    handles.append(Line2D([], [], marker="s", color=OUTSIDE, linestyle="", markeredgecolor=MUTED, markersize=4.6))
    labels.append("outside")
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2 if narrow else len(handles), fontsize=7.6,
        handlelength=1.4, columnspacing=1.4,
    )  # fmt: skip
