"""What the printed points of a survival curve tell together: values, and how their errors hang together.

A rebuilt curve can be read anywhere, but only its printed points are data; between them it is assumption. So
the curve enters a fit through its printed points alone, with the covariance that Kaplan-Meier estimates of one
group of patients have: the estimate of cumulative hazard has independent increments, so later points contain
the error of earlier ones. Nothing may be surer than the patients allow: the error that grows between two points
is never less than that of all patients, followed without loss.

References
----------
Greenwood 1926 (variance); Andersen, Borgan, Gill, Keiding 1993, "Statistical models based on counting processes",
chapter IV.3 (independent increments of the estimated cumulative hazard).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import ndtri

from engager.core import FloatArray, InputError, Problem, nearest
from engager.evidence.curves.reconstruction import Anchor, anchors_of, curve_through
from engager.evidence.records import vocabulary as words
from engager.evidence.records.library import record as library_record

# Survival is printed to one percent, a median to a tenth of a month; a uniform error within that.
_ROUNDING_OF_SURVIVAL = 0.01 / np.sqrt(12)
_ROUNDING_OF_MONTHS = 0.1 / np.sqrt(12)
# A stretch without a printed drop still may have had a death soon: half of one.
_HALF_DEATH = 0.5
# Exponent of time in the cumulative hazard before the first printed point (constant hazard).
_FIRST_SHAPE = 1.0


@dataclass(frozen=True)
class CurveInformation:
    """The printed points of one curve as data.

    Attributes
    ----------
    n : patients behind the curve.
    time_months, survival : array (point,), increasing in time; a printed median is a survival of 0.5 at its time.
    is_median : whether each point was printed as a median.
    covariance : array (point, point) of the errors of log(-log survival).
    assumptions : what was assumed for the errors, in words.
    """

    record: str
    arm: str
    endpoint: str
    n: float
    time_months: FloatArray
    survival: FloatArray
    is_median: tuple[bool, ...]
    covariance: FloatArray
    assumptions: tuple[str, ...]

    @property
    def limits(self) -> tuple[FloatArray, FloatArray]:
        """95 % limits of survival at each point, array (point,) each."""
        half = float(ndtri(0.975)) * np.sqrt(np.diag(self.covariance))
        hazard = -np.log(self.survival)
        return np.exp(-hazard * np.exp(half)), np.exp(-hazard * np.exp(-half))

    @property
    def whitening(self) -> FloatArray:
        """Array (component, point): makes the errors independent with variance 1.

        Component j reads the points up to j: what the j-th tells beyond the earlier ones.
        """
        return np.linalg.inv(np.linalg.cholesky(self.covariance))

    @property
    def events(self) -> float:
        """What the points weigh: their information on a common log hazard ratio, as a number of events."""
        ones = np.ones(self.survival.size)
        return float(ones @ np.linalg.solve(self.covariance, ones))

    def loosened(self, sd: float) -> CurveInformation:
        """The same points when all may be shifted together on log(-log S), with this standard deviation."""
        return replace(self, covariance=self.covariance + sd**2)

    def until(self, months: float) -> CurveInformation:
        """The points printed up to a time [months]."""
        seen = self.time_months <= months
        return replace(
            self,
            time_months=self.time_months[seen],
            survival=self.survival[seen],
            is_median=tuple(flag for flag, kept in zip(self.is_median, seen, strict=True) if kept),
            covariance=self.covariance[np.ix_(seen, seen)],
        )

    def as_dict(self) -> dict[str, Any]:
        """The points as a JSON-like mapping."""
        low, high = self.limits
        rows = zip(self.time_months, self.survival, low, high, self.is_median, strict=True)
        keys = ("time_months", "survival", "low", "high", "is_median")
        return {
            "n": self.n,
            "points": [dict(zip(keys, map(_plain, row), strict=True)) for row in rows],
            "covariance_log_minus_log": self.covariance.tolist(),
            "events": self.events,
            "assumptions": list(self.assumptions),
        }


@cache
def curve_information(record: str, arm: str, endpoint: str = "OS", n: int | None = None) -> CurveInformation:
    """The printed points of one arm of a record, with the covariance of their errors.

    Parameters
    ----------
    record, arm, endpoint : whose curve; any spelling of a time-to-event endpoint.
    n : patients behind the curve, where the record prints none.

    Raises
    ------
    InputError
        When record or arm are unknown, no point was printed, points contradict each other, or neither an interval
        nor n was printed for a point and none is given.
    """
    found = library_record(record)
    place = f"{record}/{arm}"
    if arm not in (arms := [one.id for one in found.arms]):
        hint = nearest(arm, arms) or f"Its arms: {', '.join(arms)}."
        raise InputError(Problem(place, arm, "must be an arm of the record", hint))
    wanted = words.known_endpoint(endpoint, "endpoint").name
    figures = [o for o in found.outcomes if o.arm == arm and o.endpoint == wanted and o.subgroup is None]
    anchors = anchors_of(figures)
    if not anchors:
        hint = "Try `engager evidence show`."
        raise InputError(Problem(place, wanted, "has no printed median or landmark", hint))
    curve_through(anchors, anchors[-1].time_months, name=(record, arm, wanted), n_times=2)
    printed = [a.n for a in anchors if a.n is not None]
    if n is not None and printed and n > max(printed):
        raise InputError(Problem(f"{place}: n", n, f"must not exceed the {max(printed)} of the record"))
    if n is None and not printed and all(a.is_from_n for a in anchors):
        rule = "has neither an interval nor n in the record"
        raise InputError(Problem(place, wanted, rule, "Give n: the patients behind the curve."))
    follow_up = [o.value for o in figures if o.statistic == "follow_up_median" and o.value is not None]
    patients = float(n or max(printed, default=0))
    return information_of(anchors, patients, max(follow_up, default=None), (record, arm, wanted))


def information_of(
    anchors: Sequence[Anchor],
    n: float = 0.0,
    follow_up_months: float | None = None,
    name: tuple[str, str, str] = ("", "", ""),
) -> CurveInformation:
    """Printed points as data.

    Parameters
    ----------
    anchors : by time.
    n : patients behind the curve; 0: unknown, then as many as the surest printed interval needs at least.
    follow_up_months : median; tells how many were still watched where no interval was printed.

    Notes
    -----
    With V the variance of log S, Cov(log S(s), log S(t)) = V(s) for s <= t. V grows between points as the printed
    interval says, or where none was printed as n patients under exponential loss with that median follow-up say
    (no loss when it was not printed); never by less than n patients without any loss:
    (1/S(t) - 1/S(s)) / n, and never by less than half a death among those left.
    A median's interval in time is read as one of survival through the slope of the curve there.
    """
    times = np.array([a.time_months for a in anchors])
    survival = np.array([min(max(a.survival, 1e-4), 1 - 1e-4) for a in anchors])
    hazard = -np.log(survival)
    slopes = _slopes(times, hazard)
    printed = [_printed_variance(a, h, k) for a, h, k in zip(anchors, hazard, slopes, strict=True)]
    if not n:
        n = max((1 - s) / (s * v) for s, v in zip(survival, printed, strict=True) if v)
    variance = np.zeros(times.size)
    before = (0.0, 1.0, 0.0)
    for j, (t, s) in enumerate(zip(times, survival, strict=True)):
        variance[j] = before[2] + _least_growth(before[:2], (t, s), n)
        interval = printed[j]
        if interval is None and follow_up_months and t > before[0]:
            variance[j] = max(variance[j], before[2] + _growth_under_loss(before[:2], (t, s), n, follow_up_months))
        elif interval is not None:
            variance[j] = max(variance[j], interval)
        before = (t, s, variance[j])
    shared = np.minimum.outer(variance, variance)
    covariance = shared / np.outer(hazard, hazard) + np.diag(_rounding(anchors, survival, slopes) ** 2)
    return CurveInformation(
        *name, n, times, survival, tuple(a.is_median for a in anchors), covariance,
        _assumptions(anchors, printed, follow_up_months),
    )  # fmt: skip


def _slopes(times: FloatArray, hazard: FloatArray) -> FloatArray:
    """Exponent of time in the cumulative hazard around each point; the steeper side, which tells less."""
    pieces = [_FIRST_SHAPE]
    for (t0, h0), (t1, h1) in pairwise(zip(times, hazard, strict=True)):
        pieces.append(float(np.log(max(h1 / h0, 1.0)) / np.log(t1 / t0)) if t1 > t0 else 0.0)
    return np.maximum(pieces, [*pieces[1:], pieces[-1]])


def _printed_variance(anchor: Anchor, hazard: float, slope: float) -> float | None:
    """Variance of log S from a printed interval; of two sides their mean width, of one side that one."""
    center = np.log(anchor.time_months) if anchor.is_median else np.log(hazard)
    steps = []
    for bound in (anchor.low, anchor.high):
        if bound is None or bound <= 0 or (not anchor.is_median and bound >= 1):
            continue
        edge = np.log(bound) if anchor.is_median else np.log(-np.log(bound))
        steps.append(abs(edge - center) * (slope if anchor.is_median else 1.0))
    if anchor.is_from_n or not steps:
        return None
    critical = float(ndtri(0.5 + anchor.level / 2))
    return float((np.mean(steps) / critical * hazard) ** 2)


def _least_growth(before: tuple[float, float], point: tuple[float, float], n: float) -> float:
    """Growth of the variance of log S over a stretch when all n patients are followed without loss."""
    return float(max((1 / point[1] - 1 / before[1]) / n, _HALF_DEATH / (n * before[1]) ** 2))


def _growth_under_loss(
    before: tuple[float, float], point: tuple[float, float], n: float, follow_up_months: float
) -> float:
    """The same when patients leave at a constant rate, half of them by the median follow-up.

    The hazard is taken as constant within the stretch; the integral of hazard / (n S G) is then closed.
    """
    (t0, s0), (t1, s1) = before, point
    rate, loss = np.log(s0 / s1) / (t1 - t0), np.log(2) / follow_up_months
    grown = np.expm1((rate + loss) * (t1 - t0)) * rate / (rate + loss)
    return float(grown * np.exp(loss * t0) / (n * s0))


def _rounding(anchors: Sequence[Anchor], survival: FloatArray, slopes: FloatArray) -> FloatArray:
    """Standard deviation of log(-log S) from the rounding of print, array (point,)."""
    of_survival = _ROUNDING_OF_SURVIVAL / np.abs(survival * np.log(survival))
    of_time = slopes * _ROUNDING_OF_MONTHS / np.array([a.time_months for a in anchors])
    found: FloatArray = np.where([a.is_median for a in anchors], of_time, of_survival)
    return found


def _assumptions(
    anchors: Sequence[Anchor], printed: Sequence[float | None], follow_up_months: float | None
) -> tuple[str, ...]:
    said = ["errors of the printed points as those of one Kaplan-Meier curve: later points hold the earlier error"]
    if any(a.is_median and v is not None for a, v in zip(anchors, printed, strict=True)):
        said.append("a median's interval is read as one of survival through the slope of the rebuilt curve")
    if any(v is None for v in printed):
        loss = f"loss with a median follow-up of {follow_up_months:g} months" if follow_up_months else "no loss"
        said.append(f"where no interval was printed, the error is that of n patients with {loss} to follow-up")
    return tuple(said)


def _plain(value: Any) -> Any:
    return bool(value) if isinstance(value, bool | np.bool_) else float(value)
