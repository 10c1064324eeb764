"""Visual predictive check: observed percentiles over what cohorts of the same size would show.

In: a within-patient fit. Out: numbers per quantity and time, and a figure. Simulated cohorts have the published
number of patients and reading errors; the bands are 95 % intervals of their percentiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engager.calibration.observation_settings import observe
from engager.calibration.observations import Binned, Courses, load_observations
from engager.calibration.time_courses import load_time_course_fit
from engager.calibration.time_courses_cohort import RESOLUTION_PER_UL
from engager.calibration.time_courses_cytokines import READING_ERROR
from engager.core import Stream
from engager.model import Model, load_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

PERCENTILES = (25.0, 50.0, 75.0)
_LEVELS = (2.5, 97.5)
# Colors that stay apart for color-blind readers: one per percentile.
_COLORS = {25.0: "#0072B2", 50.0: "#D55E00", 75.0: "#009E73"}
_TITLES = {"cd8_per_uL": "CD8 T cells in blood", "b_per_uL": "B cells in blood", "IL6": "IL-6 in blood"}


@dataclass(frozen=True)
class Check:
    """One observation beside simulated cohorts.

    Attributes
    ----------
    days : array (time,).
    observed : array (percentile, time); NaN where a percentile was not published.
    low, middle, high : array (percentile, time) of simulated cohorts: 2.5th, 50th and 97.5th percentile.
    points : (days, values) of every published reading, for drawing; ranges as (days, low, high) for bins.
    n : readings per time. n_simulated : virtual patients behind the bands; n_failed of them failed.
    """

    id: str
    use: str
    quantity: str
    unit: str
    days: FloatArray
    percentiles: tuple[float, ...]
    observed: FloatArray
    low: FloatArray
    middle: FloatArray
    high: FloatArray
    points: tuple[FloatArray, FloatArray]
    ranges: tuple[FloatArray, FloatArray, FloatArray]
    floor: float | None
    n: NDArray[np.int64]
    n_simulated: int
    n_failed: int


def predictive_check(
    seed: int = 1,
    *,
    n_patients: int = 1000,
    population: Mapping[str, float] | None = None,
    model: Model | None = None,
) -> list[Check]:
    """Checks of the T-cell, B-cell and IL-6 observations, those held out included.

    Parameters
    ----------
    seed : fixes every draw.
    n_patients : virtual patients per setting.
    population : None: the within-patient calibration that ships.
    """
    data = load_observations()
    chosen = model or load_model("b-all")
    settings = load_time_course_fit().population if population is None else population
    stream = Stream(seed, "observations")
    numbers = np.arange(n_patients, dtype=np.int64)
    checks = [_of_courses(one, chosen, settings, stream, numbers) for one in data.courses.values()]
    return checks + [_of_bins(one, chosen, settings, stream, numbers) for one in data.binned.values()]


def _of_courses(
    one: Courses, model: Model, settings: Mapping[str, float], stream: Stream, numbers: NDArray[np.int64]
) -> Check:
    seen = observe(model, one.setting, one.time_days, [one.quantity], stream, numbers, settings)
    errors = load_time_course_fit().errors
    z = stream.of(f"reading/{one.id}").normal(numbers, one.time_days.size)
    true = np.maximum(seen[one.quantity], 0)
    if one.floor is None:
        read = np.exp(np.log(true + RESOLUTION_PER_UL) + errors["cd8_log"] * z) - RESOLUTION_PER_UL
        read = np.maximum(read, 0)
    else:
        read = np.maximum(true * np.exp(errors["b_log"] * z), one.floor)
    bands = [_bands(read[:, k], len(one.patients), stream, f"{one.id}/{k}") for k in range(one.time_days.size)]
    low, middle, high = (np.stack([band[i] for band in bands], axis=1) for i in range(3))
    times = np.tile(one.time_days, len(one.patients))
    return Check(
        id=one.id,
        use=one.use,
        quantity=one.quantity,
        unit=one.unit,
        days=one.time_days,
        percentiles=PERCENTILES,
        observed=np.percentile(one.values, PERCENTILES, axis=0),
        low=low,
        middle=middle,
        high=high,
        points=(times, one.values.ravel()),
        ranges=(np.zeros(0), np.zeros(0), np.zeros(0)),
        floor=one.floor,
        n=np.full(one.time_days.size, len(one.patients)),
        n_simulated=numbers.size,
        n_failed=seen.n_failed,
    )


def _of_bins(
    one: Binned, model: Model, settings: Mapping[str, float], stream: Stream, numbers: NDArray[np.int64]
) -> Check:
    times = [np.linspace(bin.from_day, bin.to_day, 9) for bin in one.bins]
    days = np.unique(np.concatenate([[0.0], *times]))
    seen = observe(model, one.setting, days, [one.quantity], stream, numbers, settings)
    size = (len(PERCENTILES), len(one.bins))
    observed, low, middle, high = (np.full(size, np.nan) for _ in range(4))
    for k, (bin, when) in enumerate(zip(one.bins, times, strict=True)):
        true = np.maximum(seen[one.quantity][:, np.searchsorted(days, when)], 1e-9)
        z = stream.of(f"reading/{one.id}/{k}").normal(numbers, when.size)
        read = (true * np.exp(READING_ERROR * z)).ravel()
        kept = read[read > one.floor]
        observed[1, k] = bin.median
        if kept.size >= bin.n:
            low[:, k], middle[:, k], high[:, k] = _bands(kept, bin.n, stream, f"{one.id}/{k}")
    return Check(
        id=one.id,
        use=one.use,
        quantity=one.quantity,
        unit=one.unit,
        days=np.array([bin.day for bin in one.bins]),
        percentiles=PERCENTILES,
        observed=observed,
        low=low,
        middle=middle,
        high=high,
        points=(np.zeros(0), np.zeros(0)),
        ranges=(
            np.array([bin.day for bin in one.bins]),
            np.array([bin.lowest for bin in one.bins]),
            np.array([bin.highest for bin in one.bins]),
        ),
        floor=one.floor,
        n=np.array([bin.n for bin in one.bins]),
        n_simulated=numbers.size,
        n_failed=seen.n_failed,
    )


def _bands(
    values: FloatArray, n: int, stream: Stream, purpose: str, n_cohorts: int = 400
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Percentiles that cohorts of n show: low, middle, high, each array (percentile,)."""
    finite = values[np.isfinite(values)]
    u = stream.of(f"cohort/{purpose}").uniform(np.arange(n_cohorts, dtype=np.int64), n).reshape(n_cohorts, n)
    drawn = finite[np.minimum((u * finite.size).astype(np.int64), finite.size - 1)]
    shown = np.percentile(drawn, PERCENTILES, axis=1)
    low, middle, high = np.percentile(shown, (_LEVELS[0], 50.0, _LEVELS[1]), axis=1)
    return low, middle, high


def draw_predictive_check(checks: list[Check], path: str | Path | None = None) -> Figure:
    """One panel per observation: published points and percentiles over simulated bands.

    Parameters
    ----------
    path : where to write the figure (the ending says the format); None: only return it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_columns = 2
    n_rows = -(-len(checks) // n_columns)
    figure = Figure(figsize=(11, 4.2 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for panel, check in zip(panels, checks, strict=False):
        _draw_panel(panel, check)
    for panel in panels[len(checks) :]:
        panel.set_visible(False)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _draw_panel(panel: Any, check: Check) -> None:
    # Days on a scale that shows hours and weeks alike: evenly spaced readings.
    places = np.arange(check.days.size, dtype=float)
    at = {float(day): place for day, place in zip(check.days, places, strict=True)}
    p = panel
    for j, percentile in enumerate(check.percentiles):
        color = _COLORS[percentile]
        p.fill_between(places, check.low[j], check.high[j], color=color, alpha=0.18, linewidth=0)
        p.plot(places, check.middle[j], color=color, linewidth=1, linestyle="--",
               label=f"simulated {percentile:g}th percentile, 95 % band of cohorts")  # fmt: skip
        if np.isfinite(check.observed[j]).any():
            p.plot(places, check.observed[j], color=color, linewidth=1.8, marker="o", markersize=4,
                   label=f"published {percentile:g}th percentile")  # fmt: skip
    days, values = check.points
    if days.size:
        p.plot([at[float(day)] for day in days], values, ".", color="0.55", markersize=3, zorder=0,
               label="published readings")  # fmt: skip
    when, lowest, highest = check.ranges
    if when.size:
        p.vlines([at[float(day)] for day in when], lowest, highest, color="0.55", linewidth=1, zorder=0,
                 label="published range")  # fmt: skip
    if check.floor is not None:
        p.axhline(check.floor, color="0.3", linewidth=0.8, linestyle=":")
    p.set_yscale("log")
    p.set_xticks(places, [f"{day:.3g}\nn {n}" for day, n in zip(check.days, check.n, strict=True)], fontsize=7)
    p.set_xlabel("day after start (not to scale); n readings")
    p.set_ylabel(f"{_TITLES.get(check.quantity, check.quantity)} [{check.unit}]")
    use = "fitted" if check.use == "fit" else "predicted, not fitted"
    p.set_title(f"{check.id}: {use}; {check.n_simulated} virtual patients", fontsize=10)
    p.legend(fontsize=6, frameon=False)
