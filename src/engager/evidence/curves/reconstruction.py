"""A survival curve from what a paper prints: median, landmarks, their intervals, n.

Nobody's death is invented: the result is a curve through every printed figure, the limits that any curve
through them must keep, and a band for what is uncertain. The band has two parts: the sampling error that
the printed intervals tell (or, where none was printed, that n tells), and how the curve runs between the
printed points, which nobody printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betaincinv, ndtri

from engager.core import FloatArray, InputError, Problem
from engager.evidence.records import vocabulary as words
from engager.evidence.records.intervals import exact_interval

if TYPE_CHECKING:
    from engager.evidence.records.outcome import Outcome
    from engager.evidence.records.record import Record


# How freely cumulative hazard may run between two printed points: the share that has accrued at a fraction
# f of the way is Beta(c f, c (1 - f)). Assumed; with 12 the middle of a segment is uncertain by 0.14 of its
# drop (1 sd).
_STIFFNESS = 12.0
# Beyond the last printed point the hazard goes on as a power of time whose exponent is uncertain by this
# (sd of log).
_TAIL_SPREAD = 0.4
_N_QUANTILES = 61
# Figures are printed to two digits: contradictions smaller than this are rounding.
_ROUNDING = 0.01


@dataclass(frozen=True)
class Anchor:
    """A printed point of the curve.

    Attributes
    ----------
    time_months, survival : the point; for a median the survival is 0.5.
    low, high : its interval; of survival for a landmark, of time [months] for a median (`is_median`); None:
        open.
    is_from_n : no interval was printed, the sampling error is that of n patients without censoring. Where all or none
        of them are alive it has the exact interval of n patients, as no variance is to be seen there.
    """

    time_months: float
    survival: float
    low: float | None
    high: float | None
    is_median: bool
    is_from_n: bool
    n: int | None
    level: float = 0.95


@dataclass(frozen=True)
class RebuiltCurve:
    """A survival curve rebuilt from printed figures.

    Attributes
    ----------
    time_months : array (time,).
    survival : array (time,); passes through every anchor.
    low, high : array (time,); band at `level`; at an anchor with a printed interval, that interval.
    limit_low, limit_high : array (time,); no curve that honors the printed points can leave these.
    last_printed_months : beyond it everything is extrapolated.
    assumptions : what was assumed and why, in words.
    """

    record: str
    arm: str
    endpoint: str
    time_months: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray
    limit_low: FloatArray
    limit_high: FloatArray
    anchors: tuple[Anchor, ...]
    last_printed_months: float
    level: float
    assumptions: tuple[str, ...]

    def at(self, time_months: float) -> tuple[float, float, float]:
        """Survival and band at one time, interpolated between the curve's times."""
        found = [float(np.interp(time_months, self.time_months, y)) for y in (self.survival, self.low, self.high)]
        return found[0], found[1], found[2]

    def as_dict(self) -> dict[str, Any]:
        """The curve as a JSON-like mapping."""
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        listed = {name: value.tolist() for name, value in content.items() if isinstance(value, np.ndarray)}
        anchors = [{key: getattr(a, key) for key in Anchor.__dataclass_fields__} for a in self.anchors]
        return {**content, **listed, "anchors": anchors, "assumptions": list(self.assumptions)}


def rebuild_curve(
    record: Record, arm: str, endpoint: str = "OS", until_months: float | None = None, level: float = 0.95
) -> RebuiltCurve:
    """The curve of one arm of a record.

    Parameters
    ----------
    record, arm, endpoint : whose curve; any spelling of a time-to-event endpoint.
    until_months : end of the curve; omitted: half as far again as the last printed point, or twice the median
        follow-up when that is later.

    Raises
    ------
    InputError
        When no point was printed, printed points contradict each other, or `until_months` is no month after the start.
    """
    wanted = words.known_endpoint(endpoint, "--endpoint")
    if until_months is not None and not 0 < until_months < np.inf:
        raise InputError(
            Problem("--until", until_months, "must be a month above 0", "Leave it out, or e.g. --until 24.")
        )
    record.arm(arm)
    figures = [o for o in record.outcomes if o.arm == arm and o.endpoint == wanted.name and o.subgroup is None]
    anchors = anchors_of(figures, level)
    if not anchors:
        rule = "has no printed median or landmark"
        raise InputError(Problem(f"{record.id}/{arm}", wanted.name, rule, "Try `engager evidence show`."))
    follow_up = [o.value for o in figures if o.statistic == "follow_up_median" and o.value is not None]
    if until_months is None:
        until_months = max(1.5 * anchors[-1].time_months, 2 * max(follow_up, default=0.0))
    return curve_through(anchors, until_months, level, (record.id, arm, wanted.name))


def anchors_of(figures: Sequence[Outcome], level: float = 0.95) -> tuple[Anchor, ...]:
    """The printed points among an arm's figures, by time; of several at one place the one with an
    interval. A landmark printed with a standard error has the interval that follows on log(-log S).
    """
    found: dict[tuple[bool, float], Anchor] = {}
    for outcome in figures:
        is_median = outcome.statistic == "median"
        if outcome.value is None or not (is_median or outcome.statistic == "survival_at"):
            continue
        time = outcome.value if is_median else outcome.time_months
        if time is None or time <= 0:
            continue
        low, high = outcome.low, outcome.high
        if low is None and high is None and outcome.se and not is_median and 0 < outcome.value < 1:
            low, high = _interval_of(outcome.value, outcome.se, outcome.level)
        has_interval = low is not None or high is not None
        anchor = Anchor(
            time_months=time,
            survival=0.5 if is_median else outcome.value,
            low=low,
            high=high,
            is_median=is_median,
            is_from_n=not has_interval,
            n=outcome.n,
            level=outcome.level if has_interval else level,
        )
        place = (is_median, 0.0 if is_median else round(time, 2))
        if place not in found or (found[place].is_from_n and has_interval):
            found[place] = anchor
    return tuple(sorted(found.values(), key=lambda anchor: anchor.time_months))


def _interval_of(survival: float, se: float, level: float) -> tuple[float, float]:
    """Limits of survival on log(-log S) from its standard error."""
    half = float(ndtri(0.5 + level / 2)) * se / (survival * -np.log(survival))
    return float(survival ** np.exp(half)), float(survival ** np.exp(-half))


def curve_through(
    anchors: Sequence[Anchor],
    until_months: float,
    level: float = 0.95,
    name: tuple[str, str, str] = ("", "", ""),
    n_times: int = 241,
) -> RebuiltCurve:
    """The curve through printed points; see the module's first lines for what its band means.

    Notes
    -----
    Between two points the cumulative hazard is a power of time (a Weibull piece); from the start to the
    first point its hazard is constant. Sampling error moves all points together by one standard normal
    deviate on the scale of the printed interval: log(-log S) for a landmark, log t for a median.
    """
    _check_order(anchors)
    anchors = [_with_exact_interval(anchor, level) for anchor in anchors]
    grid = np.linspace(0, until_months, n_times)
    edges = [bound for a in anchors if a.is_median for bound in (a.low, a.high) if bound is not None]
    times = np.unique(np.concatenate([grid, [a.time_months for a in anchors], edges]))
    times = times[times <= max(until_months, anchors[-1].time_months)]
    center = np.exp(-_hazards(times, _points(anchors, 0.0), np.array([0.5])))[:, 0]
    # Numerically exact at the printed points.
    for anchor in anchors:
        center[np.searchsorted(times, anchor.time_months)] = anchor.survival
    p = (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES
    curves = [np.exp(-_hazards(times, _points(anchors, float(ndtri(q))), p)) for q in p]
    everything = np.concatenate(curves, axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(everything, [tail, 1 - tail], axis=1, method="hazen")
    low, high = np.minimum(low, center), np.maximum(high, center)
    low, high = _honor_intervals(times, low, high, anchors, level)
    limit_low, limit_high = _limits(times, anchors)
    return RebuiltCurve(
        record=name[0],
        arm=name[1],
        endpoint=name[2],
        time_months=times,
        survival=center,
        low=low,
        high=high,
        limit_low=limit_low,
        limit_high=limit_high,
        anchors=tuple(anchors),
        last_printed_months=anchors[-1].time_months,
        level=level,
        assumptions=_assumptions(anchors),
    )


def _with_exact_interval(anchor: Anchor, level: float) -> Anchor:
    """An anchor at which all or none are alive, of n patients, with their exact interval; others unchanged."""
    if (
        not anchor.is_from_n
        or anchor.n is None
        or anchor.is_median
        or 0.5 < anchor.survival * anchor.n < anchor.n - 0.5
    ):
        return anchor
    low, high = exact_interval(round(anchor.survival * anchor.n), anchor.n, level)
    return replace(anchor, low=min(low, anchor.survival), high=max(high, anchor.survival), level=level)


def _points(anchors: Sequence[Anchor], z: float) -> tuple[FloatArray, FloatArray]:
    """Times and cumulative hazards of the printed points, moved by sampling error z; hazards never fall."""
    moved = [_moved(anchor, z) for anchor in anchors]
    order = sorted(moved)
    times = np.array([time for time, _ in order])
    hazards = np.maximum.accumulate(np.array([hazard for _, hazard in order]))
    return times, hazards


def _moved(anchor: Anchor, z: float) -> tuple[float, float]:
    """A printed point as (time, cumulative hazard) when the sampling error is z; z > 0 is better survival."""
    hazard = -np.log(min(max(anchor.survival, 1e-6), 1 - 1e-6))
    critical = float(ndtri(0.5 + anchor.level / 2))
    bound = anchor.high if z > 0 else anchor.low
    if bound is not None and anchor.is_median:
        step = abs(np.log(bound / anchor.time_months)) / critical
        return float(anchor.time_months * np.exp(z * step)), float(hazard)
    if bound is not None:
        edge = -np.log(min(max(bound, 1e-6), 1 - 1e-6))
        step = abs(np.log(edge / hazard)) / critical
        return anchor.time_months, float(hazard * np.exp(-z * step))
    if anchor.n is None:
        return anchor.time_months, float(hazard)
    s = min(max(anchor.survival, 0.5 / anchor.n), 1 - 0.5 / anchor.n)
    step = np.sqrt((1 - s) / (anchor.n * s)) / -np.log(s)
    return anchor.time_months, float(hazard * np.exp(-z * step))


def _hazards(times: FloatArray, points: tuple[FloatArray, FloatArray], p: FloatArray) -> FloatArray:
    """Cumulative hazard (time, quantile): how it may run between points at each quantile p of that
    freedom.
    """
    at, hazard = points
    t0, h0 = np.concatenate([[0.0], at]), np.concatenate([[0.0], hazard])
    found = np.zeros((times.size, p.size))
    for index in range(at.size):
        inside = (times > t0[index]) & (times <= t0[index + 1])
        if not inside.any() or t0[index + 1] <= t0[index]:
            continue
        fraction = _fraction(times[inside], t0[index : index + 2], h0[index : index + 2])
        accrued = fraction[:, None] * np.ones(p.size)
        free = (fraction > 1e-9) & (fraction < 1 - 1e-9)
        if p.size > 1 and free.any():
            accrued[free] = _accrued(fraction[free], p)
        found[inside] = h0[index] + (h0[index + 1] - h0[index]) * accrued
    beyond = times > at[-1]
    if beyond.any():
        shape = _last_shape(at, hazard) * np.exp(_TAIL_SPREAD * ndtri(p))
        found[beyond] = hazard[-1] * (times[beyond, None] / at[-1]) ** shape[None, :]
    return found


def _accrued(fraction: FloatArray, p: FloatArray) -> FloatArray:
    """Share of a segment's hazard accrued at each fraction of the way and quantile, array (time, quantile).

    Interpolated from a table of beta quantiles, which are slow to compute one by one.
    """
    grid, table = _beta_table(tuple(p))
    place = fraction * (grid.size - 1)
    left = np.minimum(place.astype(int), grid.size - 2)
    part = (place - left)[:, None]
    return np.asarray((1 - part) * table[left] + part * table[left + 1])


@cache
def _beta_table(p: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    grid = np.linspace(0, 1, 201)
    inner = grid[1:-1, None]
    table = np.zeros((grid.size, len(p)))
    table[1:-1] = betaincinv(_STIFFNESS * inner, _STIFFNESS * (1 - inner), np.array(p)[None, :])
    table[-1] = 1.0
    return grid, table


def _fraction(times: FloatArray, ends: FloatArray, hazards: FloatArray) -> FloatArray:
    """How much of a segment's hazard has accrued, if it is a Weibull piece (constant hazard from the
    start).
    """
    if ends[0] == 0.0:
        return np.asarray(times / ends[1])
    if hazards[1] <= hazards[0]:
        return np.asarray((times - ends[0]) / (ends[1] - ends[0]))
    shape = np.log(hazards[1] / hazards[0]) / np.log(ends[1] / ends[0])
    value = hazards[0] * (times / ends[0]) ** shape
    return np.asarray((value - hazards[0]) / (hazards[1] - hazards[0]))


def _last_shape(at: FloatArray, hazard: FloatArray) -> float:
    """The exponent of time after the last point: that of the last piece, kept between 0.3 and 1.5."""
    if at.size < 2 or hazard[-1] <= hazard[-2] or at[-1] <= at[-2]:
        return 1.0
    return float(np.clip(np.log(hazard[-1] / hazard[-2]) / np.log(at[-1] / at[-2]), 0.3, 1.5))


def _honor_intervals(
    times: FloatArray, low: FloatArray, high: FloatArray, anchors: Sequence[Anchor], level: float
) -> tuple[FloatArray, FloatArray]:
    """Where an interval of the same level was printed, the band is that interval.

    At a landmark that is plain; a median's interval ends where the band's lower and upper edges cross one
    half.
    """
    low, high = low.copy(), high.copy()
    for anchor in anchors:
        if (anchor.low is anchor.high is None) or abs(anchor.level - level) > 1e-9:
            continue
        if anchor.is_median:
            if anchor.low is not None:
                low = np.where(times < anchor.low, np.maximum(low, 0.5), np.minimum(low, 0.5))
            if anchor.high is not None:
                high = np.where(times <= anchor.high, np.maximum(high, 0.5), np.minimum(high, 0.5))
            continue
        # A survival curve falls: earlier edges may not lie below a printed bound, nor later ones above it.
        at = anchor.time_months
        if anchor.low is not None:
            low = np.where(times < at, np.maximum(low, anchor.low), np.minimum(low, anchor.low))
            low[times == at] = anchor.low
        if anchor.high is not None:
            high = np.where(times <= at, np.maximum(high, anchor.high), np.minimum(high, anchor.high))
            high[times == at] = anchor.high
    return np.minimum.accumulate(low), np.maximum.accumulate(high[::-1])[::-1]


def _limits(times: FloatArray, anchors: Sequence[Anchor]) -> tuple[FloatArray, FloatArray]:
    """Survival cannot exceed the last printed value before, nor fall below the next one after."""
    at = np.array([anchor.time_months for anchor in anchors])
    value = np.array([anchor.survival for anchor in anchors])
    high = np.concatenate([[1.0], value])[np.searchsorted(at, times, side="right")]
    low = np.concatenate([value, [0.0]])[np.searchsorted(at, times, side="left")]
    return low, high


def _assumptions(anchors: Sequence[Anchor]) -> tuple[str, ...]:
    said = ["assumed: a constant hazard up to the first printed point, and a power of time between points"]
    if any(anchor.is_from_n and anchor.n for anchor in anchors):
        said.append("where no interval was printed, the sampling error is that of n patients without censoring")
    if any(anchor.is_from_n and anchor.n is None for anchor in anchors):
        said.append("a point printed with neither interval nor n carries no sampling error: the band is too narrow")
    said.append(f"beyond {anchors[-1].time_months:g} months the curve is extrapolated")
    return tuple(said)


def _check_order(anchors: Sequence[Anchor]) -> None:
    problems = []
    for first, second in pairwise(anchors):
        if second.survival > first.survival + _ROUNDING:
            rule = f"survival cannot rise from {first.survival:g} at {first.time_months:g} months"
            problems.append(Problem(f"curve at {second.time_months:g} months", second.survival, rule))
        elif first.time_months == second.time_months and first.survival > second.survival + _ROUNDING:
            rule = f"survival cannot be {first.survival:g} as well at this time"
            problems.append(Problem(f"curve at {second.time_months:g} months", second.survival, rule))
    if problems:
        raise InputError(problems)
