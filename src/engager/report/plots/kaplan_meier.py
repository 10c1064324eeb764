"""The Kaplan-Meier figure: simulated curves with their prediction band, published marks and curve, number at risk."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.report.plots.style import GUIDE, MUTED, PUBLISHED, WIDE, color_of, is_narrow, new_figure, note, quiet
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
    one_trial: pl.DataFrame | None = None,
    rebuilt: pl.DataFrame | None = None,
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
    one_trial : frame ``arm, endpoint, month, survival, n_censored`` of ``engager.analysis.trial_curves``: drawn thin,
        with a tick where patients were censored.
    rebuilt : frame ``arm, endpoint, month, survival`` of curves rebuilt from printed figures, drawn dotted in black.

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
        row = 0.33 if is_narrow(width) else 0.2
        figure = new_figure(width, 3.0 + row * len(shown))
        axes, risk = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, row * max(len(shown), 1) + 0.05])
        if not shown:
            note(axes, "no simulated curve")
        for name in shown:
            _draw_arm(axes, table.filter(table["arm"] == name), color_of(name, names), name)
            if one_trial is not None:
                _draw_one_trial(axes, _of(one_trial, name, endpoint), color_of(name, names), _latest(table))
            if rebuilt is not None:
                _draw_rebuilt(axes, _of(rebuilt, name, endpoint), _latest(table))
            own = [one for one in marks if one["arm"] == name]
            _draw_published(axes, own, color_of(name, names), _latest(table))
        _finish(axes, table, endpoint, title)
        _legend(axes, marks, shown, width, one_trial is not None, rebuilt is not None and rebuilt.height > 0)
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


def _of(table: pl.DataFrame, arm: str, endpoint: str) -> pl.DataFrame:
    return table.filter((table["arm"] == arm) & (table["endpoint"] == endpoint))


def _draw_one_trial(axes: Axes, curve: pl.DataFrame, color: str, latest: float) -> None:
    """One trial as a paper would print it, up to where the curves of all end."""
    month, survival = curve["month"].to_numpy(), 100 * curve["survival"].to_numpy()
    axes.step(month[month <= latest], survival[month <= latest], where="post", color=color, linewidth=0.7, alpha=0.6)
    censored = (curve["n_censored"].to_numpy() > 0) & (month <= latest)
    axes.plot(month[censored], survival[censored], "|", color=color, markersize=4.5, markeredgewidth=0.7, alpha=0.8)


def _draw_rebuilt(axes: Axes, curve: pl.DataFrame, latest: float) -> None:
    month = curve["month"].to_numpy()
    near = month <= latest
    axes.plot(month[near], 100 * curve["survival"].to_numpy()[near], ":", color=PUBLISHED, linewidth=1.2, zorder=4)


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
    axes.axhline(50, color=GUIDE, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("months from randomization")
    if title:
        axes.set_title(title)


def month_ticks(latest: float) -> np.ndarray:
    """Ticks of a months axis, at steps a reader counts in."""
    step = next((one for one in (1, 2, 3, 6, 12, 24) if latest / one <= 8.5), 36)
    return np.arange(0, latest + 1e-9, step)


def _legend(
    axes: Axes,
    marks: Sequence[Mapping[str, Any]],
    shown: Sequence[str],
    width: float,
    has_trial: bool,
    is_rebuilt: bool,
) -> None:
    if not shown:
        return
    from matplotlib.lines import Line2D

    handles, labels = axes.get_legend_handles_labels()
    labels = [f"{label}, simulated" for label in labels]
    if has_trial:
        tick = Line2D([], [], color=MUTED, linewidth=0.7, marker="|", markersize=5, markeredgewidth=0.7)
        handles, labels = [*handles, tick], [*labels, "first virtual trial, tick: censored"]
    if any(one["statistic"] in ("median", "survival_at", "curve") for one in marks):
        look: dict[str, Any] = {"marker": "D", "markerfacecolor": "white", "markersize": 6}
        diamond = Line2D([], [], color=PUBLISHED, linewidth=1.1, **look)
        handles, labels = [*handles, diamond], [*labels, "published, 95 % CI"]
    if is_rebuilt:
        dotted = Line2D([], [], color=PUBLISHED, linestyle=":", linewidth=1.2)
        handles, labels = [*handles, dotted], [*labels, "published, curve through printed figures"]
    size = 6.5 if is_narrow(width) else 8
    axes.legend(handles, labels, loc="upper right", handlelength=1.6, fontsize=size, labelspacing=0.3)


def _number_at_risk(risk: Axes, table: pl.DataFrame, shown: Sequence[str], names: Sequence[str], width: float) -> None:
    """Median number under observation below each tick: one row an arm, its name beside it or, on a phone, above it."""
    risk.set_axis_off()
    risk.set_ylim(-0.6, max(len(shown), 1) - 0.3)
    if not shown:
        return
    narrow = is_narrow(width)
    size = 7 if narrow else 8
    heading: dict[str, Any] = {"fontsize": size - 0.5, "color": MUTED, "va": "bottom"}
    risk.text(0, 1.0, "number at risk (median)", transform=risk.transAxes, **heading)
    ticks = month_ticks(_latest(table))
    for row, name in enumerate(reversed(shown)):
        arm = table.filter(table["arm"] == name)
        months = arm["month"].to_numpy()
        look: dict[str, Any] = {"fontsize": size, "color": color_of(name, names)}
        for tick in ticks:
            at = arm["at_risk"][int(np.argmin(np.abs(months - tick)))]
            risk.text(tick, row - (0.2 if narrow else 0.0), f"{at:.0f}", ha="center", va="center", **look)
        if narrow:
            risk.text(0, row + 0.25, name, transform=risk.get_yaxis_transform(), va="center", **look)
        else:
            words = textwrap.shorten(name, 26, placeholder=" …")
            risk.text(-0.04, row, words, transform=risk.get_yaxis_transform(), ha="right", va="center", **look)
