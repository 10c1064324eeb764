"""Survival curves of several runs over each other: color tells the run, line style or panel the arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.report.plots.kaplan_meier import month_ticks
from engager.report.plots.style import LINES, MUTED, WIDE, color_of, is_narrow, new_figure, note, quiet
from engager.report.words import endpoint_words

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_BANDS = 3  # more bands than these in a panel hide each other


def figure_run_curves(curves: pl.DataFrame, endpoint: str, runs: Sequence[str], width: float = WIDE) -> Figure:
    """Median simulated curves of one endpoint in every run.

    Parameters
    ----------
    curves : frame ``run, arm, endpoint, month, survival, low, high, at_risk``.
    endpoint : which to draw. runs : all runs in order, which fixes colors. width : inches.

    Returns
    -------
    A matplotlib Figure, in no window. All curves are in one panel while there are at most three, else each arm has
    its own, so that bands (over replicates) can be told apart; more than three runs are drawn without bands.
    """
    table = curves.filter(curves["endpoint"] == endpoint)
    arms = table["arm"].unique(maintain_order=True).to_list()
    pairs = list(table.select("run", "arm").unique(maintain_order=True).iter_rows())
    with quiet():
        is_split = len(pairs) > _MOST_BANDS and len(arms) > 1
        panels = [[pair for pair in pairs if pair[1] == arm] for arm in arms] if is_split else [pairs]
        figure = new_figure(width, 2.6 * len(panels) + 0.7)
        stacked = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
        drawn = table.filter(table["survival"].is_not_nan())["month"].to_numpy()
        latest = float(np.max(drawn)) if drawn.size else 24.0
        for axes, shown in zip(stacked, panels, strict=True):
            for run, arm in shown:
                one = table.filter((table["run"] == run) & (table["arm"] == arm))
                line = "-" if is_split else LINES[arms.index(arm) % len(LINES)]
                label = run if is_split or len(arms) == 1 else f"{run}: {arm}"
                _curve(axes, one, color_of(run, runs), line, label, has_band=len(shown) <= _MOST_BANDS)
            if is_split:
                axes.set_title(shown[0][1])
            axes.set(ylim=(0, 102), xlim=(0, latest), ylabel=f"{endpoint_words(endpoint)}, % of patients")
            axes.set_xticks(month_ticks(latest))
            axes.axhline(50, color="#C3CAD1", linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
            if shown:
                axes.legend(loc="upper right", fontsize=7 if is_narrow(width) else 8, labelcolor=MUTED)
            else:
                note(axes, "no simulated curve")
        stacked[-1].set_xlabel("months")
    return figure


def _curve(axes: Axes, one: pl.DataFrame, color: str, line: Any, label: str, *, has_band: bool) -> None:
    month, survival = one["month"].to_numpy(), one["survival"].to_numpy()
    seen = (one["at_risk"].to_numpy() >= 1) | (survival <= 0)
    axes.step(month[seen], 100 * survival[seen], where="post", color=color, linestyle=line, label=label)
    if has_band:
        low, high = one["low"].to_numpy()[seen], one["high"].to_numpy()[seen]
        axes.fill_between(month[seen], 100 * low, 100 * high, step="post", color=color, alpha=0.13, linewidth=0)
