"""Published figures as data for calibration: a value on a scale with even scatter, and its error variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engager.analysis import SCALE_BY_STATISTIC, estimate_endpoints
from engager.calibration.comparison import request_of
from engager.trial import Protocol, Target, TrialData

FloatArray = NDArray[np.float64]

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
    """

    label: str
    target: Target
    value: float
    variance: float


def data_points(protocol: Protocol) -> list[DataPoint]:
    """The targets of a study that are marked for fitting."""
    found = []
    for target in protocol.targets:
        if target.use == "fit" and target.is_simulated:
            n = float(target.n or _N_UNKNOWN)
            value = float(to_scale(np.array([target.published]), target.statistic, n)[0])
            label = f"{protocol.study} {protocol.arm_of(target)} {target.endpoint} {target.statistic}"
            found.append(DataPoint(label, target, value, _variance(target, n)))
    return found


def simulated_points(data: TrialData, points: list[DataPoint]) -> FloatArray:
    """What virtual trials say to each data point: array (replicate, datum) on the data's scale."""
    protocol = data.protocol
    requests = [request_of(point.target, protocol) for point in points]
    estimates = estimate_endpoints(data, requests, protocol.population.setting)
    columns = []
    for i, point in enumerate(points):
        rows = estimates.filter(pl.col("request") == i).sort("replicate")
        values = rows["value"].to_numpy().astype(float)
        if point.target.statistic == "median":
            # Not reached: as if at half again the longest follow-up.
            values = np.where(np.isinf(values), 1.5 * protocol.follow_up.months, values)
        n = np.maximum(rows["n"].to_numpy().astype(float), 1.0)
        columns.append(to_scale(values, point.target.statistic, n))
    return np.stack(columns, axis=1)


def to_scale(values: FloatArray, statistic: str, n: float | FloatArray) -> FloatArray:
    """Values on the scale where the statistic scatters evenly: logit, log or as it is."""
    scale = SCALE_BY_STATISTIC.get(statistic, "identity")
    if scale == "logit":
        share = (values * n + _HALF_EVENT) / (n + 2 * _HALF_EVENT)
        return np.log(share / (1 - share))
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
