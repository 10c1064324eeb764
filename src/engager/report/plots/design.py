"""Pictures of a design: power over size, where trials stop, a historical prior, and exact power over true shares.

In: plain dicts. Out: matplotlib Figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engager.report.plots.style import COLORS, LINES, MUTED, OUTSIDE, WIDE, is_narrow, new_figure, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Row = Mapping[str, Any]
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Stopping for success from early to late, without success from early to late.
_SUCCESS = ("#0B5A8A", "#2F86BD", "#7DB8DC", "#B9DAEE", "#D9ECF7")
# Words on a bar keep their color on a dark page, as the bar does; so neither is one that a page repaints.
_ON_DARK, _ON_LIGHT = "#FEFEFE", "#23313D"
_FAILURE = ("#7F3300", "#C2631F", "#E3A06B", "#F2CDB0", "#F8E5D6")


def figure_power(rows: Sequence[Row], alpha: float | None, success: str, width: float = WIDE) -> Figure:
    """Chance of success over the number of patients, treatment as modeled above, no better than control below.

    Parameters
    ----------
    rows : ``scenario, patients, world, setting, value, low, high``; world ``alternative`` or ``null``, setting
        ``posterior`` (band: Monte Carlo 95 %) or ``posterior_median`` (dashed).
    alpha : drawn as a line in the null panel; None: none.
    success : what the vertical axis calls success.
    """
    from matplotlib.lines import Line2D

    worlds = [one for one in ("alternative", "null") if any(row["world"] == one for row in rows)]
    names = list(dict.fromkeys(row["scenario"] for row in rows))
    narrow = is_narrow(width)
    with quiet():
        figure = new_figure(width, (2.7 if narrow else 2.9) * len(worlds) + 0.25 * len(names) + 0.3)
        panels = figure.subplots(len(worlds), 1, sharex=True, squeeze=False)[:, 0]
        for axes, world in zip(panels, worlds, strict=True):
            for k, name in enumerate(names):
                for setting in ("posterior", "posterior_median"):
                    chosen = [r for r in rows if (r["scenario"], r["world"], r["setting"]) == (name, world, setting)]
                    _line(axes, sorted(chosen, key=lambda row: row["patients"]), k, len(names), setting == "posterior")
            _power_axis(axes, world, alpha, rows, success)
        panels[-1].set_xlabel("patients, all arms")
        sizes = sorted({row["patients"] for row in rows})
        panels[-1].set_xticks(sizes, [str(size) for size in sizes])
        lines = [Line2D([], [], color=OUTSIDE, linewidth=0.9, label=f"alpha {alpha:g}")] if alpha is not None else []
        if any(row["setting"] == "posterior_median" for row in rows):
            label = "at the posterior median"
            lines.insert(0, Line2D([], [], color=MUTED, linestyle=LINES[1], linewidth=1.2, label=label))
        _power_legend(figure, names, lines, narrow)
    return figure


def _line(axes: Axes, rows: Sequence[Row], k: int, n: int, is_averaged: bool) -> None:
    if not rows:
        return
    # Scenarios of the same size stand side by side, so that their bars do not hide each other.
    span = max(row["patients"] for row in rows) - min(row["patients"] for row in rows)
    shift = (k - (n - 1) / 2) * (0.012 * span if span else 0.6)
    x, y = [row["patients"] + shift for row in rows], [row["value"] for row in rows]
    color = COLORS[k % len(COLORS)]
    if is_averaged:
        axes.plot(x, y, color=color, marker=_MARKERS[k % len(_MARKERS)], markersize=4.5, zorder=3)
        if n == 1 and len(rows) > 1:
            axes.fill_between(x, [r["low"] for r in rows], [r["high"] for r in rows], color=color, alpha=0.16, lw=0)
        else:
            axes.vlines(x, [r["low"] for r in rows], [r["high"] for r in rows], color=color, lw=1.0, alpha=0.7)
    else:
        axes.plot(x, y, color=color, linestyle=LINES[1], linewidth=1.2, zorder=2)


def _power_axis(axes: Axes, world: str, alpha: float | None, rows: Sequence[Row], success: str) -> None:
    from matplotlib.ticker import PercentFormatter

    if world == "alternative":
        axes.set_title("Treatment as modeled")
        axes.set_ylim(0, 1.03)
        axes.set_ylabel(success)
        for level in (0.8, 0.9):
            axes.axhline(level, color=MUTED, linewidth=0.7, linestyle=":", zorder=1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        return
    axes.set_title("Treatment no better than the control")
    highest = max([row["high"] for row in rows if row["world"] == "null"] + [2 * (alpha or 0.02)])
    axes.set_ylim(0, min(1.03, 1.08 * highest))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1 if highest < 0.3 else 0, symbol=" %"))
    axes.set_ylabel("type I error")
    if alpha is not None:
        axes.axhline(alpha, color=OUTSIDE, linewidth=0.9, zorder=1)


def _power_legend(figure: Figure, names: Sequence[str], lines: Sequence[Line2D], narrow: bool) -> None:
    from matplotlib.lines import Line2D

    entries = [
        Line2D([], [], color=COLORS[k % len(COLORS)], marker=_MARKERS[k % len(_MARKERS)], markersize=4.5, label=name)
        for k, name in enumerate(names)
    ]
    entries += lines
    figure.legend(handles=entries, loc="outside upper left", ncols=1 if narrow else min(4, len(entries)))


def figure_stopping(rows: Sequence[Row], width: float = WIDE) -> Figure:
    """Where trials stop: one bar a size and scenario, from success at the first look to the end without success.

    Parameters
    ----------
    rows : ``label, world, success, failure``: the last two by look, shares that sum to 1.
    """
    worlds = [one for one in ("alternative", "null") if any(row["world"] == one for row in rows)]
    narrow = is_narrow(width)
    n_bars = len([row for row in rows if row["world"] == worlds[0]])
    n_looks = len(rows[0]["success"])
    titles = {"alternative": "Treatment as modeled", "null": "Treatment no better than the control"}
    with quiet():
        height = 0.28 * n_bars + 0.75
        figure = new_figure(width, height * len(worlds) + (0.24 * n_looks + 0.4 if narrow else 0.7))
        panels = figure.subplots(len(worlds), 1, sharex=True, squeeze=False)[:, 0]
        for axes, world in zip(panels, worlds, strict=True):
            chosen = [row for row in rows if row["world"] == world]
            for y, row in enumerate(chosen):
                left = 0.0
                parts = [*zip(row["success"], _SUCCESS, strict=False)]
                parts += [*zip(reversed(row["failure"]), reversed(_FAILURE[:n_looks]), strict=False)]
                for share, color in parts:
                    axes.barh(y, share, left=left, height=0.68, color=color, linewidth=0)
                    if share > (0.11 if narrow else 0.06):
                        ink = _ON_DARK if color in (*_SUCCESS[:2], *_FAILURE[:2]) else _ON_LIGHT
                        words = f"{100 * share:.0f}"
                        axes.text(left + share / 2, y, words, ha="center", va="center", color=ink, fontsize=7)
                    left += share
            axes.set_yticks(range(len(chosen)), [row["label"] for row in chosen])
            axes.set_ylim(len(chosen) - 0.4, -0.6)
            axes.set_xlim(0, 1)
            axes.grid(visible=False)
            axes.set_title(titles[world])
        panels[-1].set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        panels[-1].set_xlabel("share of the simulated trials")
        _stopping_legend(figure, n_looks, narrow)
    return figure


def _stopping_legend(figure: Figure, n_looks: int, narrow: bool) -> None:
    from matplotlib.patches import Patch

    def words(k: int) -> str:
        return "at the end" if k == n_looks - 1 else f"at look {k + 1}"

    won = [Patch(color=_SUCCESS[k], label=f"success {words(k)}") for k in range(n_looks)]
    lost = [
        Patch(color=_FAILURE[k], label="no success" if k == n_looks - 1 else f"futility {words(k)}")
        for k in reversed(range(n_looks))
    ]
    entries = won + lost
    if not narrow:
        # Legends fill column by column: successes above, the rest below.
        entries = [one for pair in zip(won, lost, strict=True) for one in pair]
    figure.legend(handles=entries, loc="outside lower left", ncols=2 if narrow else n_looks)


def figure_prior(curves: Sequence[Row], unit: str, marks: Sequence[Row], width: float = WIDE) -> Figure:
    """Densities of a historical prior and of posteriors.

    Parameters
    ----------
    curves : ``label, x, density, kind``; kind ``prior``, ``predictive``, ``control`` or ``treatment``.
    unit : of the horizontal axis.
    marks : ``label, value``: single figures, e.g. earlier trials, below the curves.
    """
    looks = {
        "prior": (COLORS[1], "-", 0.14),
        "predictive": (MUTED, ":", 0.0),
        "control": (COLORS[1], "--", 0.0),
        "treatment": (COLORS[0], "-", 0.14),
    }
    narrow = is_narrow(width)
    with quiet():
        figure = new_figure(width, 3.1 + (0.2 * len(curves) if narrow else 0.0))
        axes = figure.subplots()
        for one in curves:
            color, line, fill = looks[one["kind"]]
            axes.plot(one["x"], one["density"], color=color, linestyle=line, label=one["label"])
            if fill:
                axes.fill_between(one["x"], one["density"], color=color, alpha=fill, lw=0)
        top = max(max(one["density"]) for one in curves)
        axes.set_ylim(-0.09 * top if marks else 0, 1.06 * top)
        for one in marks:
            axes.plot([one["value"]], [-0.045 * top], marker="D", markersize=4, color="#111111", clip_on=False)
        axes.set_xlabel(unit)
        axes.set_ylabel("density")
        axes.set_yticks([])
        if narrow:
            figure.legend(loc="outside upper left")
        else:
            axes.legend(loc="upper right")
    return figure


def figure_exact(curves: Sequence[Row], marks: Sequence[Row], width: float = WIDE) -> Figure:
    """Chance of success over the true share, worked out exactly; one line a size.

    Parameters
    ----------
    curves : ``label, share, success``. marks : ``label, value``: shares to be marked.
    """
    from matplotlib.ticker import PercentFormatter

    with quiet():
        figure = new_figure(width, 2.9)
        axes = figure.subplots()
        for k, one in enumerate(curves):
            axes.plot(one["share"], one["success"], color=COLORS[k % len(COLORS)], label=one["label"])
        for k, one in enumerate(marks):
            axes.axvline(one["value"], color=MUTED, linewidth=0.9, linestyle=LINES[1 + k % 3], label=one["label"])
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        axes.set_xlabel("true share among the treated")
        axes.set_ylabel("chance of success")
        axes.legend(loc="lower right")
    return figure
