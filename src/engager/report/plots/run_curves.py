"""Survival curves of several runs over each other: color tells the run, line style the arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engager.report.plots.kaplan_meier import month_ticks
from engager.report.plots.style import LINES, MUTED, WIDE, color_of, is_narrow, new_figure, note, quiet
from engager.report.words import endpoint_words

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

_MOST_BANDS = 3  # more bands than these hide each other


def figure_run_curves(curves: pl.DataFrame, endpoint: str, runs: Sequence[str], width: float = WIDE) -> Figure:
    """Median simulated curves of one endpoint in every run.

    Parameters
    ----------
    curves : frame ``run, arm, endpoint, month, survival, low, high, at_risk``.
    endpoint : which to draw. runs : all runs in order, which fixes colors. width : inches.

    Returns
    -------
    A matplotlib Figure, in no window. Bands (over replicates) are drawn while there are at most three curves.
    """
    table = curves.filter(curves["endpoint"] == endpoint)
    arms = table["arm"].unique(maintain_order=True).to_list()
    pairs = list(table.select("run", "arm").unique(maintain_order=True).iter_rows())
    with quiet():
        figure = new_figure(width, 3.3)
        axes = figure.subplots()
        if not pairs:
            note(axes, "no simulated curve")
        for run, arm in pairs:
            one = table.filter((table["run"] == run) & (table["arm"] == arm))
            month, survival = one["month"].to_numpy(), one["survival"].to_numpy()
            seen = (one["at_risk"].to_numpy() >= 1) | (survival <= 0)
            color, line = color_of(run, runs), LINES[arms.index(arm) % len(LINES)]
            label = f"{run}: {arm}" if len(arms) > 1 else run
            axes.step(month[seen], 100 * survival[seen], where="post", color=color, linestyle=line, label=label)
            if len(pairs) <= _MOST_BANDS:
                low, high = one["low"].to_numpy()[seen], one["high"].to_numpy()[seen]
                axes.fill_between(month[seen], 100 * low, 100 * high, step="post", color=color, alpha=0.13, linewidth=0)
        drawn = table.filter(table["survival"].is_not_nan())["month"].to_numpy()
        latest = float(np.max(drawn)) if drawn.size else 24.0
        axes.set(ylim=(0, 102), xlim=(0, latest), ylabel=f"{endpoint_words(endpoint)}, % of patients")
        axes.set_xticks(month_ticks(latest))
        axes.set_xlabel("months")
        axes.axhline(50, color="#C3CAD1", linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
        axes.legend(loc="upper right", fontsize=7 if is_narrow(width) else 8, labelcolor=MUTED)
    return figure
