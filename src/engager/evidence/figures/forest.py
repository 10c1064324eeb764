"""Forest plot: every study's figure with its interval, the pooled mean, and a simulated trial as its own
row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engager.core import interval, number
from engager.evidence.figures.file import INK, PUBLISHED, QUIET, SIMULATED, SMALL, TEXT, new_figure, quiet_style
from engager.evidence.records.vocabulary import endpoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from engager.evidence.synthesis.pooled import Pooled

_SHARES = ("proportion", "survival_at")
_ROW = 0.40  # inches for a study: its words above, its interval below
_LEGEND = 0.17  # inches for a line below the axis
_TITLE = 42  # characters of a title at full size
_LINE = 60  # characters that fit beside each other above an interval
_OUTSIDE = "* "


def draw_forest(pooled: Pooled, simulated: Sequence[Mapping[str, Any]] = ()) -> Figure:
    """The forest plot of a meta-analysis.

    Parameters
    ----------
    pooled : from `pool_proportions`, `pool_survival`, `pool_medians` or `pool_hazard_ratios`.
    simulated : rows with ``label``, ``value``, ``low``, ``high`` (a 95 % prediction interval), drawn apart; those with
        a true ``is_outside`` are marked as extrapolations.

    Notes
    -----
    Squares are published figures, their area the study's weight; an open square has an interval computed here
    because the record has none; the diamond is the pooled mean, the thin line below it where the true value
    of a new study would lie; orange circles are simulated.
    """
    rows = [row for row in pooled.rows if row["value"] is not None]
    n_lines = len(rows) + 1 + len(simulated)
    is_ratio = pooled.statistic in ("hazard_ratio", "odds_ratio")
    with quiet_style():
        legend = _legend(pooled, simulated)
        below = 0.62 + _LEGEND * len(legend)
        height = 0.83 + below + _ROW * n_lines
        figure = new_figure(height)
        axes = figure.add_axes((0.05, below / height, 0.90, 1 - (0.6 + below) / height))
        words = {"median": ", median", "hazard_ratio": ", hazard ratio"}
        what = words.get(pooled.statistic, "" if pooled.time_months is None else f", {pooled.time_months:g} months")
        label = endpoint(pooled.endpoint).label
        title = f"{label[0].upper()}{label[1:]} ({pooled.endpoint}){what}"
        size = (TEXT + 1) * min(1.0, _TITLE / len(title))
        figure.text(0.05, 1 - 0.2 / height, title, fontsize=size, fontweight="bold", va="center")
        places = [n_lines - 1 - index for index in range(n_lines)]
        heaviest = max((row["weight"] or 0.0 for row in rows), default=1.0) or 1.0
        for place, row in zip(places, rows, strict=False):
            _draw_study(axes, place, row, heaviest, pooled)
        _draw_pooled(axes, places[len(rows)], pooled)
        for place, shown in zip(places[len(rows) + 1 :], simulated, strict=True):
            _draw_simulated(axes, place, shown, pooled)
        if simulated:
            axes.axhline(places[len(rows)] - 0.38, color=QUIET, linewidth=0.6, linestyle=(0, (2, 2)))
        axes.axhline(places[len(rows)] + 0.72, color=QUIET, linewidth=0.6)
        axes.set_ylim(-0.6, n_lines - 0.25)
        _finish(axes, pooled, is_ratio)
        axes.set_xlabel("\n".join([axes.get_xlabel(), *legend]), fontsize=SMALL)
    return figure


def forest_table(pooled: Pooled, simulated: Sequence[Mapping[str, Any]] = ()) -> list[list[str]]:
    """The plot's numbers as rows, the header first."""
    computed = "from n, computed" if pooled.statistic == "survival_at" else "exact, computed"
    table = [["study", "reference", "events/n", "value", "interval", "weight"]]
    for row in pooled.rows:
        limits = interval(row["low"], row["high"], pooled.statistic) + (f" ({computed})" if row["is_exact"] else "")
        if row["level"] != pooled.level:
            limits += f" ({100 * row['level']:g} % interval)"
        weight = "" if row["weight"] is None else f"{100 * row['weight']:.1f} %"
        reference = "" if row["reference"] is None else str(row["reference"])
        table.append([row["label"], reference, _counts(row), number(row["value"], pooled.statistic), limits, weight])
    estimate = pooled.estimate
    if estimate.value is not None:
        mean = [f"pooled ({estimate.method})", "", f"n = {pooled.n_patients}", number(estimate.value, pooled.statistic)]
        table.append([*mean, interval(estimate.low, estimate.high, pooled.statistic), ""])
        if estimate.prediction_low is not None:
            spread = interval(estimate.prediction_low, estimate.prediction_high, pooled.statistic)
            table.append(["a new study", "", "", "", spread, ""])
    for shown in simulated:
        limits = interval(shown["low"], shown["high"], pooled.statistic)
        table.append([_simulated_label(shown), "", "", number(shown["value"], pooled.statistic), limits, ""])
    return table


def _draw_study(axes: Axes, place: float, row: Mapping[str, Any], heaviest: float, pooled: Pooled) -> None:
    low, high = row["low"], row["high"]
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=PUBLISHED, linewidth=1.4, solid_capstyle="butt")
        # Ends stay visible where the square is wider than the interval.
        axes.plot([low, high], [place, place], "|", color=PUBLISHED, markersize=9, markeredgewidth=1.4, clip_on=False)
    size = 3.0 + 4.5 * ((row["weight"] or 0.0) / heaviest) ** 0.5
    face = "white" if row["is_exact"] else PUBLISHED
    axes.plot([row["value"]], [place], "s", color=PUBLISHED, markersize=size, markerfacecolor=face, clip_on=False)
    reference = "" if row["reference"] is None else f" [{row['reference']}]"
    if row["level"] != pooled.level:
        reference += f", {100 * row['level']:g} %"
    numbers = number(row["value"], pooled.statistic) + (
        "" if low is None else f" ({interval(low, high, pooled.statistic)})"
    )
    counts = "" if pooled.statistic == "hazard_ratio" else _counts(row)
    right = f"{counts}: {numbers}" if counts else numbers
    _words(axes, place, _short(row["label"], _LINE - len(right) - len(reference)) + reference, right, INK)


def _draw_pooled(axes: Axes, place: float, pooled: Pooled) -> None:
    from matplotlib.patches import Polygon

    estimate = pooled.estimate
    if estimate.value is None or estimate.low is None or estimate.high is None:
        _words(axes, place, "no pooled value", "", INK, bold=True)
        return
    corners = [
        (estimate.low, place),
        (estimate.value, place + 0.16),
        (estimate.high, place),
        (estimate.value, place - 0.16),
    ]
    axes.add_patch(Polygon(corners, closed=True, facecolor=INK, edgecolor=INK))
    if estimate.prediction_low is not None and estimate.prediction_high is not None:
        axes.plot([estimate.prediction_low, estimate.prediction_high], [place - 0.26] * 2, color=INK, linewidth=1)
    numbers = f"{number(estimate.value, pooled.statistic)} ({interval(estimate.low, estimate.high, pooled.statistic)})"
    n = "" if pooled.n_patients is None else f", n = {pooled.n_patients}"
    _words(axes, place, f"pooled ({estimate.method}{n})", numbers, INK, bold=True)


def _draw_simulated(axes: Axes, place: float, row: Mapping[str, Any], pooled: Pooled) -> None:
    axes.plot([row["low"], row["high"]], [place, place], color=SIMULATED, linewidth=1.4, linestyle=(0, (3, 1.5)))
    axes.plot([row["value"]], [place], "o", color=SIMULATED, markersize=6)
    numbers = f"{number(row['value'], pooled.statistic)} ({interval(row['low'], row['high'], pooled.statistic)})"
    _words(axes, place, _short(_simulated_label(row), _LINE - len(numbers)), numbers, SIMULATED)


def _simulated_label(row: Mapping[str, Any]) -> str:
    return f"{_OUTSIDE if row.get('is_outside') else ''}{row['label']}"


def _legend(pooled: Pooled, simulated: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader cannot guess: the line below the diamond, and the mark of an extrapolation."""
    is_predicted = pooled.estimate.value is not None and pooled.estimate.prediction_low is not None
    said = ["line below the diamond: where a new study would lie"] if is_predicted else []
    if any(row.get("is_outside") for row in simulated):
        said.append(f"{_OUTSIDE.strip()} outside what the model was fitted to: an extrapolation")
    return said


def _words(axes: Axes, place: float, left: str, right: str, color: str, bold: bool = False) -> None:
    style: dict[str, Any] = {"fontsize": SMALL, "color": color, "fontweight": "bold" if bold else "normal"}
    # White behind the words, so that the line of no effect does not run through them.
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    across = axes.get_yaxis_transform()
    for x, side, text in ((0, "left", left), (1, "right", right)):
        if text:
            axes.text(x, place + 0.40, text, transform=across, va="center", ha=side, bbox=box, **style)


def _finish(axes: Axes, pooled: Pooled, is_ratio: bool) -> None:
    for side in ("left", "right"):
        axes.spines[side].set_visible(False)
    axes.set_yticks([])
    # The axis stands at both ends: rows far from it could not be read otherwise.
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axes.tick_params(axis="x", labelsize=SMALL, top=True, labeltop=True)
    if pooled.statistic in _SHARES:
        # All of the axis is wanted for a share of patients with an event; late survival is low everywhere.
        widest = axes.dataLim.x1 if pooled.statistic == "survival_at" else 1.0
        axes.set_xlim(0, next(end for end in (0.25, 0.4, 0.6, 1.0) if end >= min(widest, 1.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        said = "patients with the event" if pooled.statistic == "proportion" else "patients without the event by then"
        axes.set_xlabel(said, fontsize=SMALL)
        return
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    marks = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 3, 5, 8, 12, 20, 40, 80, 120)
    axes.set_xticks([mark for mark in marks if low <= mark <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(
        "ratio (below 1: fewer events with treatment)" if is_ratio else "months (log scale)", fontsize=SMALL
    )
    if is_ratio:
        axes.axvline(1, color=QUIET, linewidth=0.8, zorder=0)


def _counts(row: Mapping[str, Any]) -> str:
    if row["events"] is not None:
        return f"{row['events']}/{row['n']}"
    return "" if row["n"] is None else f"n = {row['n']}"


def _short(label: str, room: int) -> str:
    return label if len(label) <= room else label[: max(room - 3, 8)].rstrip(", -") + "..."
