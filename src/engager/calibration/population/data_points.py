"""Published figures as data for calibration: values on scales with even scatter, errors independent, nothing twice.

- Remissions of one arm that hold one another (CR, CR/CRh, CR/CRh/CRi) are counts of the same patients. They enter as
  one multinomial: the widest among all patients, then each among those of the next wider one.
- Medians and landmarks of one endpoint and arm are points of one curve. They enter through the covariance of one
  Kaplan-Meier estimate: what each point tells beyond the earlier ones. A median is a survival of one half at its time,
  so that it needs no median of the virtual trial, which may not be reached.
- Everything else is a share with the error of its n, or a ratio with its printed interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engager.analysis import SCALE_BY_STATISTIC, EndpointRequest, estimate_endpoints
from engager.calibration.comparison.compare import request_of
from engager.calibration.comparison.curves import watched_curve
from engager.core import FloatArray
from engager.protocol import Protocol, Target
from engager.trial import TrialData

if TYPE_CHECKING:
    from engager.evidence import CurveInformation

# A share of 0 or 1 has no logit: half an event is added to either side.
_HALF_EVENT = 0.5
# Patients behind a figure that was printed without its n.
_N_UNKNOWN = 60
_Z = 1.959964
_TIMED = ("median", "survival_at", "curve")
_REMISSION = frozenset({"CR", "CRh", "CRi"})


@dataclass(frozen=True)
class DataPoint:
    """One datum of a fit.

    Attributes
    ----------
    label : trial, arm, endpoint, statistic. target : as in the study file.
    value : on the scale of the statistic. variance : of its sampling error on that scale.
    n : patients behind it.
    among : of a remission within a wider one, the target of the wider.
    months, weights : of one component of a curve, the printed points up to it and what each weighs; empty for any
        other figure.
    """

    label: str
    target: Target
    value: float
    variance: float
    n: float
    among: Target | None = None
    months: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()


class SimulatedPoints(NamedTuple):
    """What virtual trials say.

    Attributes
    ----------
    values : array (replicate, datum), on the data's scale; NaN: not estimable. n : array (replicate, datum), patients
        behind each.
    """

    values: FloatArray
    n: FloatArray


def data_points(protocol: Protocol) -> list[DataPoint]:
    """The targets of a study that are marked for fitting, in the order in which each kind is first named."""
    fitted = [one for one in protocol.targets if one.use == "fit" and one.is_simulated]
    found: list[DataPoint] = []
    done: list[Target] = []
    for target in fitted:
        if any(target is one for one in done):
            continue
        own = [one for one in fitted if _tells_of_the_same(target, one, protocol)]
        done += own
        if _is_timed(target):
            found += _curve_points(protocol, own)
        elif _classes(target):
            found += _multinomial(protocol, own)
        else:
            found.append(_alone(protocol, target))
    return found


def simulated_points(data: TrialData, points: Sequence[DataPoint]) -> SimulatedPoints:
    """What virtual trials say to each data point."""
    import polars as pl

    protocol = data.protocol
    requests: list[EndpointRequest] = []
    read = []
    for point in points:
        wanted = _requests(point, protocol)
        requests += [request for request in wanted if request not in requests]
        read.append([requests.index(request) for request in wanted])
    estimates = estimate_endpoints(data, requests, protocol.population.setting)
    rows = [estimates.filter(pl.col("request") == k).sort("replicate") for k in range(len(requests))]
    value = [one["value"].to_numpy().astype(float) for one in rows]
    n = [one["n"].to_numpy().astype(float) for one in rows]
    columns, sizes = [], []
    for point, places in zip(points, read, strict=True):
        first = places[0]
        if point.among is not None:
            inner, outer = (value[k] * n[k] for k in places)
            # nobody in the wider remission: nothing to tell of the narrower
            columns.append(np.where(outer > 0, _logit(inner, outer), np.nan))
            sizes.append(outer)
        elif point.months:
            curve = np.stack([to_scale(value[k], "curve", n[k]) for k in places], axis=1)
            columns.append(curve @ np.array(point.weights))
            sizes.append(n[first])
        else:
            columns.append(to_scale(value[first], point.target.statistic, n[first]))
            sizes.append(n[first])
    return SimulatedPoints(np.stack(columns, axis=1), np.stack(sizes, axis=1))


def simulation_variance(points: Sequence[DataPoint], n: FloatArray) -> FloatArray:
    """Variance that each simulated datum has because its trial is finite: array (datum,).

    Parameters
    ----------
    n : array (replicate, datum), patients behind the simulated figures.
    """
    published = np.array([point.n for point in points])
    variance = np.array([point.variance for point in points])
    return np.asarray(variance * published / np.maximum(np.nanmedian(n, axis=0), 1.0))


def to_scale(values: FloatArray, statistic: str, n: float | FloatArray) -> FloatArray:
    """Values on the scale where the statistic scatters evenly: logit, log(-log), log or as it is."""
    scale = SCALE_BY_STATISTIC.get(statistic, "identity")
    if scale == "logit":
        return _logit(values * n, n)
    if scale == "cloglog":
        share = (values * n + _HALF_EVENT) / (n + 2 * _HALF_EVENT)
        return np.asarray(np.log(-np.log(share)))
    if scale == "log":
        return np.asarray(np.log(np.maximum(values, 1e-3)))
    return values


def _logit(events: FloatArray | float, n: FloatArray | float) -> FloatArray:
    return np.asarray(np.log((events + _HALF_EVENT) / (n - events + _HALF_EVENT)))


def _tells_of_the_same(a: Target, b: Target, protocol: Protocol) -> bool:
    """Whether two figures are of the same patients and one multinomial or curve."""
    if a is b:
        return True
    if protocol.arm_of(a) != protocol.arm_of(b) or a.subgroup != b.subgroup or a.among != b.among:
        return False
    if _is_timed(a):
        return _is_timed(b) and a.endpoint == b.endpoint
    return bool(_classes(a) and _classes(b)) and (a.n or 0) == (b.n or 0)


def _is_timed(target: Target) -> bool:
    return target.statistic in _TIMED and not target.measure


def _classes(target: Target) -> frozenset[str]:
    """Classes of remission that a share counts; empty for anything else."""
    classes = frozenset(target.endpoint.split("/"))
    is_share = target.statistic == "proportion" and not target.measure
    return classes if is_share and classes <= _REMISSION else frozenset()


def _alone(protocol: Protocol, target: Target) -> DataPoint:
    n = float(target.n or _N_UNKNOWN)
    value = float(to_scale(np.array([target.published]), target.statistic, n)[0])
    return DataPoint(_label(protocol, target), target, value, _variance(target, n), n)


def _multinomial(protocol: Protocol, targets: Sequence[Target]) -> list[DataPoint]:
    """The widest remission among all, each narrower one among the next wider that holds it."""
    found = []
    ordered = sorted(targets, key=lambda one: -len(_classes(one)))
    for i, target in enumerate(ordered):
        wider = next((one for one in reversed(ordered[:i]) if _classes(target) < _classes(one)), None)
        if wider is None:
            found.append(_alone(protocol, target))
            continue
        events, n = (one.published * float(one.n or _N_UNKNOWN) for one in (target, wider))
        if n <= 0:
            continue  # nobody reached the wider one: there is nothing to tell of the narrower
        events = min(events, n)
        share = (events + _HALF_EVENT) / (n + 2 * _HALF_EVENT)
        label = f"{_label(protocol, target)} among {wider.endpoint}"
        value, variance = float(_logit(events, n)), 1.0 / (n * share * (1.0 - share))
        found.append(DataPoint(label, target, value, variance, n, among=wider))
    return found


def _curve_points(protocol: Protocol, targets: Sequence[Target]) -> list[DataPoint]:
    """Printed points of one curve as independent data of variance 1."""
    curve = _curve_of(protocol, targets)
    on_scale = to_scale(curve.survival, "curve", curve.n)
    whitening = curve.whitening
    months = tuple(float(month) for month in curve.time_months)
    found = []
    for j, month in enumerate(months):
        weights = tuple(float(weight) for weight in whitening[j, : j + 1])
        label = f"{_label(protocol, targets[0], with_statistic=False)} curve at {month:.3g} months"
        value = float(np.dot(weights, on_scale[: j + 1]))
        found.append(DataPoint(label, targets[0], value, 1.0, float(curve.n), months=months[: j + 1], weights=weights))
    return found


def _curve_of(protocol: Protocol, targets: Sequence[Target]) -> CurveInformation:
    """One curve through medians and landmarks, or the one that a record prints."""
    from engager.evidence import Anchor, information_of

    if targets[0].is_curve:
        return watched_curve(targets[0], protocol)
    anchors = []
    for one in targets:
        low, high = one.interval
        is_median = one.statistic == "median"
        time = one.published if is_median else float(one.at_months or 0.0)
        survival = 0.5 if is_median else one.published
        has_interval = low is not None or high is not None
        anchors.append(Anchor(time, survival, low, high, is_median, not has_interval, one.n))
    anchors.sort(key=lambda anchor: anchor.time_months)
    n = max((float(one.n or 0) for one in targets), default=0.0) or float(_N_UNKNOWN)
    name = (protocol.record or protocol.study, protocol.arm_of(targets[0]), targets[0].endpoint)
    return information_of(anchors, n, None, name)


def _requests(point: DataPoint, protocol: Protocol) -> list[EndpointRequest]:
    asked = request_of(point.target.estimand, protocol)
    if point.months:
        return [replace(asked, statistic="survival_at", time_months=month) for month in point.months]
    return [asked] if point.among is None else [asked, request_of(point.among.estimand, protocol)]


def _label(protocol: Protocol, target: Target, with_statistic: bool = True) -> str:
    group = f" [{target.subgroup}]" if target.subgroup else ""
    statistic = f" {target.statistic}" if with_statistic else ""
    return f"{protocol.study} {protocol.arm_of(target)} {target.endpoint}{group}{statistic}"


def _variance(target: Target, n: float) -> float:
    """Sampling variance on the scale, from the printed interval where there is one, else from n."""
    scale = SCALE_BY_STATISTIC.get(target.statistic, "identity")
    low, high = target.interval
    if scale in ("logit", "cloglog"):
        share = (target.published * n + _HALF_EVENT) / (n + 2 * _HALF_EVENT)
        of_share = share * (1.0 - share) / n
        slope = 1.0 / (share * (1.0 - share)) if scale == "logit" else 1.0 / (share * np.log(share))
        return float(of_share * slope**2)
    if scale == "log" and low and high:
        return float(((np.log(high) - np.log(low)) / (2 * _Z)) ** 2)
    if scale == "log":
        return 4.0 / (0.7 * n)
    return 1.0 / n
