"""What drives an output: bars of Sobol indices, tornadoes, and what a fit learned about its unknowns.

In: plain dicts. Out: matplotlib Figures. One panel per output, its strongest factors from the top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from textwrap import fill, shorten
from typing import TYPE_CHECKING, Any

from engager.report.plots.style import COLORS, NARROW, OUTSIDE, WIDE, is_narrow, new_figure, note, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
Draw = Callable[["Axes", int, Row], None]

_LOW, _HIGH = COLORS[0], COLORS[1]
_ALONE = COLORS[0]
_ROWS = 6
# Characters of a label: beside the bar, and above it.
_LABEL, _LABEL_NARROW = 42, 74
# Above the bar, longer labels are set smaller.
_LONG = 60
# An index below this has no bar worth a row.
_SMALLEST_INDEX = 0.01


def figure_sobol(
    indices: Sequence[Row],
    outputs: Mapping[str, str],
    labels: Mapping[str, str],
    width: float = WIDE,
    n_rows: int = _ROWS,
) -> Figure:
    """Sobol indices: the solid bar is a factor alone, the pale bar adds its interactions, the line its 95 % limits.

    Parameters
    ----------
    indices : ``output, factor, first, first_low, first_high, total, total_low, total_high``.
    outputs : title by output, in order. labels : words by factor.
    width : inches. n_rows : most factors shown for an output.
    """
    panels = []
    for output, title in outputs.items():
        rows = [one for one in indices if one["output"] == output and one["total"] > _SMALLEST_INDEX]
        panels.append((title, sorted(rows, key=lambda one: -one["total"])[:n_rows]))

    def bar(axes: Axes, y: int, row: Row) -> None:
        axes.barh(y, max(row["total"], 0), height=0.62, color=_ALONE, alpha=0.3, linewidth=0, zorder=2)
        axes.barh(y, max(row["first"], 0), height=0.62, color=_ALONE, linewidth=0, zorder=3)
        ends = [max(row["total_low"], 0), row["total_high"]]
        axes.plot(ends, [y, y], color="#22303C", linewidth=1.1, zorder=4)

    figure = _panels(panels, labels, width, bar, lambda axes, rows: _index_axis(axes), "no share found")
    with quiet():
        entries = [("patch", _ALONE, 1.0, "alone"), ("patch", _ALONE, 0.3, "with interactions")]
        _legend(figure, width, [*entries, ("line", "#22303C", 1.0, "95 % limits of the whole")])
    return figure


def figure_tornado(
    swings: Sequence[Row],
    outputs: Mapping[str, str],
    labels: Mapping[str, str],
    width: float = WIDE,
    n_rows: int = _ROWS,
) -> Figure:
    """A tornado for each output: one factor at its 5 % and its 95 % value, all others in the middle.

    Parameters
    ----------
    swings : ``output, factor, at_low, at_center, at_high``.
    outputs, labels, width, n_rows : as in `figure_sobol`.
    """
    panels = []
    for output, title in outputs.items():
        rows = [one for one in swings if one["output"] == output and _moves(one)]
        panels.append((title, sorted(rows, key=_reach, reverse=True)[:n_rows]))

    def bar(axes: Axes, y: int, row: Row) -> None:
        center = row["at_center"]
        # Ends on the same side of the middle would hide each other: each gets half of the row.
        apart = 0.155 if (row["at_low"] - center) * (row["at_high"] - center) > 0 else 0.0
        for key, color, shift in (("at_low", _LOW, apart), ("at_high", _HIGH, -apart)):
            if math.isfinite(row[key]):
                axes.barh(
                    y + shift, row[key] - center, left=center, height=0.31 if apart else 0.62, color=color,
                    alpha=0.85, linewidth=0, zorder=2,
                )  # fmt: skip

    def finish(axes: Axes, rows: Sequence[Row]) -> None:
        if rows:
            axes.axvline(rows[0]["at_center"], color="#22303C", linewidth=0.9, zorder=3)
        axes.use_sticky_edges = False
        axes.margins(x=0.06)

    figure = _panels(panels, labels, width, bar, finish, "nothing moves it")
    with quiet():
        entries = [("patch", _LOW, 0.85, "factor at its 5 % value"), ("patch", _HIGH, 0.85, "at its 95 % value")]
        _legend(figure, width, [*entries, ("line", "#22303C", 1.0, "all in the middle")])
    return figure


def figure_contraction(unknowns: Sequence[Row], width: float = WIDE) -> Figure:
    """What a fit learned: posterior over prior spread of each unknown, the best known at the top.

    Parameters
    ----------
    unknowns : ``name, contraction, low, high``.
    """
    rows = sorted(unknowns, key=lambda one: -one["contraction"])
    narrow = is_narrow(width)
    with quiet():
        figure = new_figure(width, 0.9 + (0.155 if narrow else 0.165) * max(len(rows), 4))
        axes = figure.subplots()
        if not rows:
            note(axes, "no unknowns")
            return figure
        axes.axvline(1.0, color="#C3CAD1", linewidth=0.9, zorder=1)
        for y, row in enumerate(rows):
            is_open = row["high"] >= 1.0
            color = OUTSIDE if is_open else _ALONE
            axes.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.2, zorder=2)
            face = "white" if is_open else color
            axes.plot([row["contraction"]], [y], "o", color=color, markerfacecolor=face, markersize=4, zorder=3)
        axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=6.2 if narrow else 7)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_xlim(0, max(1.12, *(row["high"] for row in rows)))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("spread after the fit / before it")
        entries = [("dot", _ALONE, 1.0, "informed by the data"), ("ring", OUTSIDE, 1.0, "no more than chance")]
        _legend(figure, width, entries)
    return figure


def figure_correlations(names: Sequence[str], correlations: Sequence[Sequence[float]], width: float = WIDE) -> Figure:
    """Heatmap of correlations between unknowns after the fit; a narrow one shows the most correlated ones.

    Parameters
    ----------
    correlations : square, in the order of `names`.
    """
    narrow = is_narrow(width)
    order = _most_correlated(correlations, 14) if narrow else list(range(len(names)))
    shown = [names[k] for k in order]
    table = [[float(correlations[i][j]) for j in order] for i in order]
    with quiet():
        figure = new_figure(width, width * 0.98 + (0.2 if narrow else 0.0))
        axes = figure.subplots()
        if not shown:
            note(axes, "no unknowns")
            return figure
        image = axes.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        size = 6.4 if narrow else max(4.2, min(7.5, 250 / max(len(shown), 1)))
        axes.set_xticks(range(len(shown)), shown, rotation=90, fontsize=size)
        axes.set_yticks(range(len(shown)), shown, fontsize=size)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(False)
        bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.6, aspect=30, pad=0.02)
        bar.set_label("correlation of draws", fontsize=7.5)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)
    return figure


def _most_correlated(correlations: Sequence[Sequence[float]], most: int) -> list[int]:
    n = len(correlations)
    strongest = [max((abs(correlations[i][j]) for j in range(n) if j != i), default=0.0) for i in range(n)]
    return sorted(sorted(range(n), key=lambda i: -strongest[i])[:most])


def _panels(
    panels: Sequence[tuple[str, Sequence[Row]]],
    labels: Mapping[str, str],
    width: float,
    bar: Draw,
    finish: Callable[[Axes, Sequence[Row]], None],
    empty: str,
) -> Figure:
    """Panels under each other, labels beside the bars or, where the figure is narrow, above them."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    narrow = is_narrow(width)
    row_height = 0.44 if narrow else 0.27
    heights = [row_height * max(len(rows), 1) + 0.6 for _, rows in panels]
    with quiet():
        figure = new_figure(width, sum(heights) + 0.4)
        engine = figure.get_layout_engine()
        if isinstance(engine, ConstrainedLayoutEngine):
            # The title of a panel belongs to what is below it, not to the ticks above.
            engine.set(h_pad=0.08)
        stacked = figure.subplots(len(panels), 1, height_ratios=heights, squeeze=False)[:, 0]
        for axes, (title, rows) in zip(stacked, panels, strict=True):
            axes.set_title(title)
            axes.grid(axis="y", visible=False)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            if not rows:
                axes.set_yticks([])
                axes.set_xticks([])
                axes.spines["bottom"].set_visible(False)
                note(axes, empty)
                continue
            for y, row in enumerate(reversed(rows)):
                bar(axes, y, row)
            finish(axes, rows)
            _name_rows(axes, [str(row["factor"]) for row in reversed(rows)], labels, narrow)
    return figure


def _name_rows(axes: Axes, factors: Sequence[str], labels: Mapping[str, str], narrow: bool) -> None:
    meanings = [labels.get(factor, factor) for factor in factors]
    axes.set_ylim(-0.5, len(factors) - (0.2 if narrow else 0.5))
    if not narrow:
        # Two lines beside the bar, whatever is more is cut.
        words = [fill(shorten(text, 2 * _LABEL - 8, placeholder=" …"), _LABEL) for text in meanings]
        axes.set_yticks(range(len(factors)), words, fontsize=7.2)
        return
    axes.set_yticks([])
    for y, text in enumerate(shorten(text, _LABEL_NARROW, placeholder=" …") for text in meanings):
        # White behind the words: the line through the middle would run across them.
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        place = axes.get_yaxis_transform()
        axes.text(
            0.0,
            y + 0.37,
            text,
            transform=place,
            fontsize=6.8 if len(text) <= _LONG else 6.2,
            va="bottom",
            bbox=behind,
            zorder=5,
        )


def _index_axis(axes: Axes) -> None:
    axes.set_xlim(0, 1.0)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])


def _moves(row: Row) -> bool:
    found: bool = _reach(row) > 1e-9 * max(1.0, abs(row["at_center"]))
    return found


def _reach(row: Row) -> float:
    """The farthest that either end takes the output from the middle, or the ends from each other."""
    ends = [value for value in (row["at_low"], row["at_center"], row["at_high"]) if math.isfinite(value)]
    return max(ends) - min(ends) if ends else 0.0


def _legend(figure: Figure, width: float, entries: Sequence[tuple[str, str, float, str]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for kind, color, alpha, _ in entries:
        if kind == "patch":
            handles.append(Patch(facecolor=color, alpha=alpha))
        elif kind == "line":
            handles.append(Line2D([], [], color=color, linewidth=1.1))
        else:
            face = "white" if kind == "ring" else color
            handles.append(Line2D([], [], color=color, marker="o", markerfacecolor=face, markersize=4, linewidth=1.2))
    narrow = width <= NARROW
    figure.legend(
        handles,
        [text for *_, text in entries],
        loc="outside lower center",
        ncols=1 if narrow else len(entries),
        fontsize=7 if narrow else 8,
        handlelength=1.4,
        columnspacing=1.4,
    )
