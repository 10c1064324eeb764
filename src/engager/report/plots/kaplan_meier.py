"""The Kaplan-Meier figure: simulated curves with their prediction band, published marks, number at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.report.plots.style import MUTED, PUBLISHED, WIDE, color_of, is_narrow, new_figure, note, quiet
from engager.report.words import endpoint_words

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Months past the curves' last tenth of a month that still count as their end.
_AT_THE_END = 0.2


def figure_kaplan_meier(
    bands: pl.DataFrame,
    published: Sequence[Mapping[str, Any]] = (),
    endpoint: str = "OS",
    arms: Sequence[str] | None = None,
    width: float = WIDE,
    title: str | None = None,
) -> Figure:
    """Simulated survival with published landmarks and medians.

    Parameters
    ----------
    bands : frame ``arm, endpoint, month, survival, low, high, at_risk, n_replicates``, as
        ``engager.analysis.survival_bands`` gives it.
    published : comparisons (docs/architecture.md); those of `endpoint` with ``median``, ``survival_at``
        or ``curve`` (all printed points) are marked with their interval.
    endpoint : which endpoint of `bands` to draw.
    arms : all arms of the study in order, which fixes colors; those of `bands` when None.
    width : inches.

    Returns
    -------
    A matplotlib Figure, in no window.
    """
    table = bands.filter(bands["endpoint"] == endpoint)
    present = table["arm"].unique(maintain_order=True).to_list()
    names = list(arms) if arms else present
    shown = [name for name in names if name in present]
    marks = [one for one in published if one["endpoint"] == endpoint and not one.get("subgroup")]
    with quiet():
        height = 3.3 + 0.2 * len(shown)
        figure = new_figure(width, height)
        rows = max(len(shown), 1)
        axes, risk = figure.subplots(2, 1, sharex=True, height_ratios=[2.9, 0.2 * rows + 0.05])
        if not shown:
            note(axes, "no simulated curve")
        for name in shown:
            _draw_arm(axes, table.filter(table["arm"] == name), color_of(name, names), name)
            own = [one for one in marks if one["arm"] == name]
            _draw_published(axes, own, color_of(name, names), _latest(table))
        _finish(axes, table, endpoint, title)
        _legend(axes, marks, shown, width)
        _number_at_risk(risk, table, shown, names, width)
    return figure


def _latest(table: pl.DataFrame) -> float:
    """The last month with a curve."""
    months = table.filter(table["survival"].is_not_nan())["month"]
    return float(months.max()) if months.len() else 24.0  # type: ignore[arg-type]


def _draw_arm(axes: Axes, arm: pl.DataFrame, color: str, name: str) -> None:
    month, low, high = (arm[column].to_numpy() for column in ("month", "low", "high"))
    # The last months of a curve rest on nobody; there is nothing to draw unless all have had the event.
    seen = (arm["at_risk"].to_numpy() >= 1) | (arm["survival"].to_numpy() <= 0)
    month, low, high = month[seen], low[seen], high[seen]
    axes.fill_between(month, 100 * low, 100 * high, step="post", color=color, alpha=0.16, linewidth=0)
    axes.step(month, 100 * arm["survival"].to_numpy()[seen], where="post", color=color, label=name)


def _draw_published(axes: Axes, marks: Sequence[Mapping[str, Any]], color: str, latest: float) -> None:
    """Diamonds with their intervals; one at the very end of the curves is drawn whole."""
    for mark in _points(marks):
        figure = mark["published"]
        value, low, high = (_number(figure.get(key)) for key in ("value", "low", "high"))
        if mark["statistic"] == "median":
            x, y = value, 50.0
            axes.plot([low, high], [50.0, 50.0], color=PUBLISHED, linewidth=1.1, zorder=4)
        elif mark["statistic"] == "survival_at":
            x, y = _number(mark["time_months"]), 100 * value
            ends = [100 * low, 100 * high]
            axes.plot([x, x], ends, color=PUBLISHED, linewidth=1.1, zorder=4, clip_on=x > latest + _AT_THE_END)
        else:
            continue
        look: dict[str, Any] = {"markersize": 6, "markeredgecolor": PUBLISHED, "markeredgewidth": 1.1, "zorder": 5}
        axes.plot([x], [y], "D", color=color, clip_on=not x <= latest + _AT_THE_END, **look)


def _points(marks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Marks with every curve spelled out as the landmarks it was printed at."""
    found: list[Mapping[str, Any]] = []
    for mark in marks:
        if mark["statistic"] != "curve":
            found.append(mark)
        for point in mark.get("points", ()):
            found.append({"statistic": "survival_at", "time_months": point["time_months"], "published": point})
    return found


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _finish(axes: Axes, table: pl.DataFrame, endpoint: str, title: str | None) -> None:
    latest = _latest(table)
    axes.set(ylim=(0, 102), ylabel=f"{endpoint_words(endpoint)}, % of patients")
    axes.set_xlim(0, latest)
    axes.set_xticks(month_ticks(latest))
    axes.axhline(50, color="#C3CAD1", linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("months from randomization")
    if title:
        axes.set_title(title)


def month_ticks(latest: float) -> np.ndarray:
    """Ticks of a months axis, at steps a reader counts in."""
    step = next((one for one in (1, 2, 3, 6, 12, 24) if latest / one <= 8.5), 36)
    return np.arange(0, latest + 1e-9, step)


def _legend(axes: Axes, marks: Sequence[Mapping[str, Any]], shown: Sequence[str], width: float) -> None:
    if not shown:
        return
    from matplotlib.lines import Line2D

    handles, labels = axes.get_legend_handles_labels()
    labels = [f"{label}, simulated" for label in labels]
    if any(one["statistic"] in ("median", "survival_at", "curve") for one in marks):
        look: dict[str, Any] = {"marker": "D", "markerfacecolor": "white", "markersize": 6}
        diamond = Line2D([], [], color=PUBLISHED, linewidth=1.1, **look)
        handles, labels = [*handles, diamond], [*labels, "published, 95 % CI"]
    size = 7 if is_narrow(width) else 8
    axes.legend(handles, labels, loc="upper right", handlelength=1.6, fontsize=size)


def _number_at_risk(risk: Axes, table: pl.DataFrame, shown: Sequence[str], names: Sequence[str], width: float) -> None:
    """Median number under observation below each tick, one row an arm."""
    risk.set_axis_off()
    risk.set_ylim(-0.6, max(len(shown), 1) - 0.3)
    if not shown:
        return
    size = 7 if is_narrow(width) else 8
    heading: dict[str, Any] = {"fontsize": size - 0.5, "color": MUTED, "va": "bottom"}
    risk.text(0, 1.0, "number at risk (median)", transform=risk.transAxes, **heading)
    ticks = month_ticks(_latest(table))
    for row, name in enumerate(reversed(shown)):
        arm = table.filter(table["arm"] == name)
        months = arm["month"].to_numpy()
        for tick in ticks:
            at = arm["at_risk"][int(np.argmin(np.abs(months - tick)))]
            text_look: dict[str, Any] = {"fontsize": size, "color": color_of(name, names)}
            risk.text(tick, row, f"{at:.0f}", ha="center", va="center", **text_look)
