"""Visual predictive checks: observed percentiles over bands of simulated cohorts, small multiples in one figure.

In: checks of the calibration layer. Out: a matplotlib Figure. A percentile outside its band is red.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.report.plots.style import COLORS, MUTED, OUTSIDE, PUBLISHED, WIDE, is_narrow, note, power_of_ten, quiet
from engager.report.words import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from engager.calibration import LevelCheck, PredictiveCheck

_BANDS = (COLORS[5], COLORS[1], COLORS[2])
_PANEL = 2.6
_NAMES = {
    "cd8_per_uL": "CD8 T cells",
    "b_per_uL": "B cells",
    "il6_pg_per_mL": "IL-6",
}
_FLOOR_WORDS = {True: "not read at or below", False: "read as at most"}


def figure_predictive_check(
    checks: Sequence[PredictiveCheck], levels: Sequence[LevelCheck] = (), width: float = WIDE, has_legend: bool = True
) -> Figure:
    """One panel per observation, and one of the drug's levels by dose.

    Parameters
    ----------
    checks : of `calibration.predictive_check`. levels : of `calibration.level_check`.
    width : inches; a narrow figure has one column.
    has_legend : say what marks and colors mean; several figures need it once.
    """
    from matplotlib.figure import Figure

    narrow = is_narrow(width)
    n_panels = len(checks) + bool(levels)
    n_columns = 1 if narrow else 2
    n_rows = max(-(-n_panels // n_columns), 1)
    with quiet():
        below = 0.0 if n_columns * n_rows > n_panels or not has_legend else 1.5 if narrow else 0.8
        height = _PANEL * n_rows + below
        # Panels of one size need no search for a layout, which would take as long as drawing them.
        figure = Figure(figsize=(width, height))
        figure.subplots_adjust(
            left=0.58 / width, right=1 - 0.13 / width, top=1 - 0.36 / height, bottom=(0.36 + below) / height,
            wspace=0.2, hspace=0.8 / (_PANEL - 0.75),
        )  # fmt: skip
        panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        if not n_panels:
            note(panels[0], "nothing observed to compare with")
        for axes, check in zip(panels, checks, strict=False):
            _course_panel(axes, check)
        if levels:
            _level_panel(panels[len(checks)], levels)
        empty = panels[max(n_panels, 1) :]
        for axes in empty:
            axes.set_axis_off()
        if has_legend:
            _legend(empty[0] if len(empty) else figure, narrow, bool(levels))
    return figure


def check_words(check: PredictiveCheck) -> str:
    """What was measured under which doses, e.g. ``IL-6, 5 then 15 µg/m²/day``."""
    rates = " then ".join(f"{dose:g}" for dose in check.doses)
    return f"{_NAMES.get(check.quantity, check.quantity)}, {rates} {_rate_unit(check.per_m2)}"


def _rate_unit(per_m2: bool) -> str:
    return "µg/m²/day" if per_m2 else "µg/day"


def _course_panel(axes: Axes, check: PredictiveCheck) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    # Readings are spaced evenly: minutes and weeks would not fit on one scale.
    places = np.arange(check.days.size, dtype=float)
    inside = check.inside
    for j, color in enumerate(_BANDS):
        axes.fill_between(places, check.low[j], check.high[j], color=color, alpha=0.32, linewidth=0, zorder=1)
        axes.plot(places, check.middle[j], color=color, linewidth=1.2, linestyle="--", zorder=2)
        axes.plot(places, check.observed[j], color=PUBLISHED, linewidth=0.9, zorder=4)
        for wanted, face in ((True, "white"), (False, OUTSIDE)):
            shown = np.flatnonzero(inside[j] == wanted)
            axes.plot(
                places[shown], check.observed[j, shown], "D", color=face, markeredgecolor=PUBLISHED,
                markeredgewidth=0.8, markersize=3.8, zorder=5,
            )  # fmt: skip
    days, values = check.points
    if days.size:
        at = dict(zip(check.days.tolist(), places.tolist(), strict=True))
        axes.plot([at[float(day)] for day in days], values, ".", color=MUTED, alpha=0.55, markersize=2.6, zorder=3)
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    _floor(axes, check)
    _no_band(axes, check, places)
    axes.set_xlim(-0.4, places.size - 0.6)
    every = 1 if np.unique(check.n).size > 1 else 0
    ticks = [f"{_day(day)}\nn {n}" if every else _day(day) for day, n in zip(check.days, check.n, strict=True)]
    axes.set_xticks(places, ticks, fontsize=6.6)
    axes.set_ylabel(unit_words(check.unit.replace("1/", "per ")))
    _title(axes, check_words(check), check.id, check.use)


def _floor(axes: Axes, check: PredictiveCheck) -> None:
    """Shade what could not be read, with room for the words."""
    if check.floor is None:
        return
    top = axes.get_ylim()[1]
    bottom = check.floor / (top / check.floor) ** 0.13
    axes.set_ylim(bottom, top)
    axes.axhspan(bottom, check.floor, color="#EDF0F2", zorder=0)
    axes.axhline(check.floor, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
    text = f"{_FLOOR_WORDS[check.is_dropped]} {check.floor:g} {unit_words(check.unit.replace('1/', 'per '))}"
    middle = float(np.sqrt(bottom * check.floor))
    axes.text(0.01, middle, text, transform=axes.get_yaxis_transform(), fontsize=6.2, color=MUTED, va="center")


def _no_band(axes: Axes, check: PredictiveCheck, places: Any) -> None:
    """Say where the model has no reading to compare with."""
    empty = np.flatnonzero(~np.isfinite(check.low[0]))
    if empty.size:
        axes.axvspan(empty[0] - 0.5, empty[-1] + 0.5, facecolor="none", edgecolor="#D5DAE0", hatch="///", linewidth=0)
        axes.text(
            float(places[empty].mean()), 0.97, "no simulated\nreading above\nthe floor",
            transform=axes.get_xaxis_transform(), ha="center", va="top", fontsize=6.4, color=OUTSIDE,
        )  # fmt: skip


def _level_panel(axes: Axes, levels: Sequence[LevelCheck]) -> None:
    color = COLORS[0]
    for place, one in enumerate(levels):
        axes.fill_between([place - 0.3, place + 0.05], one.low, one.high, color=color, alpha=0.25, linewidth=0)
        axes.plot([place - 0.125] * 2, [max(one.mean - one.sd, 0), one.mean + one.sd], color=color, linewidth=2.2)
        axes.plot([place - 0.3, place + 0.05], [one.mean] * 2, color=color, linewidth=2.0)
        axes.plot([place + 0.2] * 2, [max(one.observed - one.observed_sd, 0), one.observed + one.observed_sd],
                  color=PUBLISHED, linewidth=1.1)  # fmt: skip
        face = "white" if one.low <= one.observed <= one.high else OUTSIDE
        axes.plot([place + 0.2], [one.observed], "D", color=face, markeredgecolor=PUBLISHED, markersize=5)
    doses = [f"{one.dose:g} {_rate_unit(one.per_m2)}" for one in levels]
    axes.set_xticks(range(len(levels)), doses)
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.set_ylim(bottom=0)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(levels[0].unit)
    names = "OBS-PK1" if all(one.id.startswith("OBS-PK1") for one in levels) else levels[0].id
    _title(axes, "Drug, mean steady level by dose", names, levels[0].use)


def _day(day: float) -> str:
    if day == 0:
        return "start"
    return f"{24 * day:.0f} h" if day < 1 else f"{day:.3g} d"


def _title(axes: Axes, words: str, observation: str, use: str) -> None:
    told = "fitted" if use == "fit" else "predicted, not fitted"
    axes.set_title(f"{words}\n{observation}: {told}", fontsize=7.8)


def _legend(place: Figure | Axes, narrow: bool, with_levels: bool) -> None:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    words = ("25th percentile (IL-6: lowest)", "median", "75th percentile (IL-6: highest)")
    entries: list[tuple[Any, str]] = [
        (Patch(facecolor=color, alpha=0.45), f"95 % band, {text}") for color, text in zip(_BANDS, words, strict=True)
    ]
    face: dict[str, Any] = {"marker": "D", "markeredgecolor": PUBLISHED, "markersize": 4}
    entries += [
        (Line2D([], [], color=PUBLISHED, linewidth=0.9, markerfacecolor="white", **face), "published"),
        (Line2D([], [], linestyle="", color=OUTSIDE, **face), "published, outside its band"),
        (Line2D([], [], linestyle="", marker=".", color=MUTED, markersize=4), "published single readings"),
    ]
    if with_levels:
        entries.append((Patch(facecolor=COLORS[0], alpha=0.3), "levels: 95 % of patients, mean ± SD"))
    handles, labels = [handle for handle, _ in entries], [text for _, text in entries]
    if not isinstance(place, Figure):
        place.legend(handles, labels, loc="center left", fontsize=7.5, handlelength=1.6, labelspacing=0.7)
    else:
        place.legend(
            handles, labels, loc="lower center", ncols=1 if narrow else 3, fontsize=7, handlelength=1.6,
            columnspacing=1.4,
        )  # fmt: skip
