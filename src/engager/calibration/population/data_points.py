"""Published figures as data for calibration: a value on a scale with even scatter, and its error variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from engager.analysis import SCALE_BY_STATISTIC, EndpointRequest, estimate_endpoints
from engager.calibration.comparison.compare import request_of
from engager.calibration.comparison.curves import curve_requests, watched_curve
from engager.core import FloatArray
from engager.protocol import Protocol, Target
from engager.trial import TrialData

# A share of 0 or 1 has no logit: half an event is added to either side.
_HALF_EVENT = 0.5
# Relative error of a median without a printed interval, for n events: of an exponential median.
_MEDIAN_ERROR = 1.0
# Patients behind a figure that was printed without its n.
_N_UNKNOWN = 60
_Z = 1.959964


@dataclass(frozen=True)
class DataPoint:
    """One published figure that is used for fitting.

    Attributes
    ----------
    label : trial, arm, endpoint, statistic. target : as in the study file.
    value : on the scale of `SCALE_BY_STATISTIC`. variance : of its sampling error on that scale.
    weights : for one component of a curve, those of its printed points, in order; points not read are left
        out. Empty for any other figure.
    """

    label: str
    target: Target
    value: float
    variance: float
    weights: tuple[float, ...] = ()


def data_points(protocol: Protocol, between_trials: Mapping[str, float] | None = None) -> list[DataPoint]:
    """The targets of a study that are marked for fitting.

    Parameters
    ----------
    between_trials : standard deviation by scale of `SCALE_BY_STATISTIC`, for a study whose patients differ in ways
        that nobody printed; added to the sampling error. All points of a curve shift together.

    Notes
    -----
    A curve gives one datum for each printed point that the study watches: what the point tells beyond the earlier
    ones, in units of its own error, so the errors are independent and nothing is counted twice.
    """
    scatter = between_trials or {}
    found = []
    for target in protocol.targets:
        if target.use == "fit" and target.is_curve and target.is_simulated:
            found += _curve_points(protocol, target, scatter.get(SCALE_BY_STATISTIC["curve"], 0.0))
        elif target.use == "fit" and target.is_simulated:
            n = float(target.n or _N_UNKNOWN)
            value = float(to_scale(np.array([target.published]), target.statistic, n)[0])
            label = f"{protocol.study} {protocol.arm_of(target)} {target.endpoint} {target.statistic}"
            between = scatter.get(SCALE_BY_STATISTIC.get(target.statistic, "identity"), 0.0)
            found.append(DataPoint(label, target, value, _variance(target, n) + between**2))
    return found


def simulated_points(data: TrialData, points: list[DataPoint]) -> FloatArray:
    """What virtual trials say to each data point: array (replicate, datum) on the data's scale."""
    protocol = data.protocol
    requests: list[EndpointRequest] = []
    read = []
    for point in points:
        wanted = _requests(point, protocol)
        requests += [request for request in wanted if request not in requests]
        read.append([requests.index(request) for request in wanted])
    estimates = estimate_endpoints(data, requests, protocol.population.setting)
    columns = []
    for point, places in zip(points, read, strict=True):
        parts = []
        for place in places:
            rows = estimates.filter(pl.col("request") == place).sort("replicate")
            values = rows["value"].to_numpy().astype(float)
            if point.target.statistic == "median":
                # Not reached: as if at half again the longest follow-up.
                values = np.where(np.isinf(values), 1.5 * protocol.follow_up.months, values)
            n = np.maximum(rows["n"].to_numpy().astype(float), 1.0)
            parts.append(to_scale(values, point.target.statistic, n))
        columns.append(np.stack(parts, axis=1) @ np.array(point.weights or (1.0,)))
    return np.stack(columns, axis=1)


def _requests(point: DataPoint, protocol: Protocol) -> list[EndpointRequest]:
    if not point.weights:
        return [request_of(point.target, protocol)]
    asked = request_of(point.target, protocol)
    return curve_requests(asked, watched_curve(point.target, protocol))[: len(point.weights)]


def _curve_points(protocol: Protocol, target: Target, between_trials: float) -> list[DataPoint]:
    """The printed points of a curve as independent data of variance 1."""
    curve = watched_curve(target, protocol).loosened(between_trials)
    on_scale = to_scale(curve.survival, "curve", curve.n)
    whitening = curve.whitening
    found = []
    for j, months in enumerate(curve.time_months):
        weights = tuple(float(weight) for weight in whitening[j, : j + 1])
        label = f"{protocol.study} {protocol.arm_of(target)} {target.endpoint} curve at {months:.3g} months"
        value = float(np.dot(weights, on_scale[: j + 1]))
        found.append(DataPoint(label, target, value, 1.0, weights))
    return found


def to_scale(values: FloatArray, statistic: str, n: float | FloatArray) -> FloatArray:
    """Values on the scale where the statistic scatters evenly: logit, log(-log), log or as it is."""
    scale = SCALE_BY_STATISTIC.get(statistic, "identity")
    if scale in ("logit", "cloglog"):
        share = (values * n + _HALF_EVENT) / (n + 2 * _HALF_EVENT)
        return np.log(share / (1 - share)) if scale == "logit" else np.log(-np.log(share))
    if scale == "log":
        return np.log(np.maximum(values, 1e-3))
    return values


def _variance(target: Target, n: float) -> float:
    """Sampling variance on the scale, from the printed interval where there is one, else from n."""
    scale = SCALE_BY_STATISTIC.get(target.statistic, "identity")
    low, high = target.interval
    if scale == "logit":
        share = (target.published * n + _HALF_EVENT) / (n + 2 * _HALF_EVENT)
        return float(1.0 / (n * share * (1.0 - share)))
    if scale == "log" and low and high:
        return float(((np.log(high) - np.log(low)) / (2 * _Z)) ** 2)
    if scale == "log" and low:
        return float(((np.log(target.published) - np.log(low)) / _Z) ** 2)
    if scale == "log":
        return _MEDIAN_ERROR / (0.5 * n) if target.statistic == "median" else 4.0 / (0.7 * n)
    return 1.0 / n
