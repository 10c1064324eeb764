"""Published beside simulated: every target of a study with what its virtual trials show.

In: a virtual trial's tables. Out: one `Comparison` per target that a virtual trial can answer. A published
value is inside when a simulated trial of the same size would show a range that covers it. A curve is judged at all
its printed points together and shown at the one where it is farthest out (`curve_targets`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.analysis import (
    AT_ONE_TIME,
    SCALE_BY_STATISTIC,
    EndpointRequest,
    estimate_endpoints,
    exact_interval,
    prediction_interval,
)
from engager.calibration.comparison.curves import curve_requests, farthest_point, watched_curve
from engager.core import FEWEST_FOR_A_VERDICT, RESPONSE_WINDOW_DAYS
from engager.evidence import STATISTICS_OF, trial_endpoints
from engager.protocol import Endpoint, Estimand, Protocol, Target
from engager.trial import TrialData

if TYPE_CHECKING:
    import polars as pl

_EFS_FAILURE_DAY = {"event_at_start": 1.0, "ignored": None}
# What patients came with keeps its own column beside the outcome of the same name.
_ENTRY_NAMES = {"mrd_log10": "entry_mrd_log10"}


@dataclass(frozen=True)
class Comparison:
    """One published figure beside its prediction.

    Attributes
    ----------
    time_months : the landmark; of a curve the printed point that is shown.
    published, published_low, published_high : the figure and its printed 95 % interval (None: not printed).
    n : patients behind it, where printed. source : ``record#source`` ids.
    median, low, high : of the simulated trials; 95 % prediction interval. None: not reached or not estimable.
    coverage : what the interval covers with so few replicates, 0.95 when there are enough.
    is_inside : the interval holds the published value; None when nothing could be estimated.
    use : ``fit`` or ``check`` where the study says which.
    points : of a curve, all printed points: time [months], survival and its 95 % interval.
    """

    study: str
    arm: str
    endpoint: str
    statistic: str
    time_months: float | None
    subgroup: str | None
    published: float
    published_low: float | None
    published_high: float | None
    n: int | None
    source: tuple[str, ...]
    median: float | None
    low: float | None
    high: float | None
    coverage: float
    is_inside: bool | None
    use: str | None = None
    points: tuple[tuple[float, float, float, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The comparison in the words of the command line's JSON; ``points`` for a curve only."""
        keys = ("time_months", "value", "low", "high")
        points = [dict(zip(keys, point, strict=True)) for point in self.points]
        return {
            "trial": self.study,
            "arm": self.arm,
            "endpoint": self.endpoint,
            "statistic": self.statistic,
            "time_months": self.time_months,
            "subgroup": self.subgroup,
            "published": {
                "value": self.published,
                "low": self.published_low,
                "high": self.published_high,
                "n": self.n,
                "source": list(self.source),
            },
            "simulated": {"median": self.median, "low": self.low, "high": self.high},
            "coverage": self.coverage,
            "inside": self.is_inside,
            "use": self.use,
            **({"points": points} if points else {}),
        }


#: Estimates, and of each target that a virtual trial answers the requests of them that belong to it.
TargetEstimates = tuple["pl.DataFrame", list[tuple[Target, list[int]]]]


def compare(data: TrialData, estimated: TargetEstimates | None = None) -> list[Comparison]:
    """Compare virtual trials with the targets of their study.

    Parameters
    ----------
    data : all replicates of one study.
    estimated : `target_estimates` of them, for a caller who needs these besides.

    Returns
    -------
    In the order of the study's targets; those that no virtual trial answers are left out (`Protocol.notes`
    tells which).
    """
    import polars as pl

    protocol = data.protocol
    estimates, places = estimated or target_estimates(data)
    found = []
    for target, chosen in places:
        rows = [estimates.filter(pl.col("request") == place) for place in chosen]
        if target.is_curve:
            found.append(_compare_curve(protocol, target, rows))
        else:
            found.append(_compare_one(protocol, target, rows[0]))
    return found


def target_estimates(data: TrialData) -> TargetEstimates:
    """Estimates for every target that a virtual trial answers, and which requests of them belong to each target.

    A curve has one request for each of its printed points, any other target has one.
    """
    protocol = data.protocol
    requests: list[EndpointRequest] = []
    places = []
    for target in protocol.targets:
        if not target.is_simulated:
            continue
        asked = request_of(target.estimand, protocol)
        wanted = curve_requests(asked, watched_curve(target, protocol)) if target.is_curve else [asked]
        places.append((target, list(range(len(requests), len(requests) + len(wanted)))))
        requests += wanted
    return estimate_endpoints(data, requests, protocol.population.setting, arms=protocol.arm_ids), places


def request_of(asked: Estimand, protocol: Protocol, endpoint: Endpoint | None = None) -> EndpointRequest:
    """What to estimate in the tables of a virtual trial, by the definitions of its study.

    Parameters
    ----------
    endpoint : the study's definition; None: the endpoint of that id and window, else the first of its id.
    """
    endpoint = endpoint or _definition(asked, protocol)
    settings: dict[str, Any] = {}
    if endpoint is not None:
        settings["censor_at_hsct"] = endpoint.censor_at_hsct
        if endpoint.is_time_to_event:
            settings["origin"] = {"treatment_start": "treatment"}.get(endpoint.origin, endpoint.origin)
        if asked.endpoint == "EFS":
            judged = asked if asked.has_window else endpoint
            window = protocol.window_days(judged, protocol.arm_of_one(asked)) or RESPONSE_WINDOW_DAYS
            settings["no_response_event_day"] = _EFS_FAILURE_DAY.get(endpoint.no_response or "", window)
            settings["response_window_days"] = window
    among = asked.among or (endpoint.among if endpoint else None)
    # "among: null" in a study of active disease: the MRD response of all patients, assessed or not.
    is_mrd = trial_endpoints()[asked.endpoint].is_mrd and protocol.population.setting != "mrd_positive"
    if is_mrd and (among == "all" or (among is None and endpoint is not None)):
        among = "everyone"
    if asked.statistic in STATISTICS_OF["share"]:
        counted = asked if asked.has_window or endpoint is None else endpoint
        settings["window_days"] = protocol.window_days(counted, protocol.arm_of_one(asked))
        if asked.measure:
            settings["control_window_days"] = protocol.window_days(counted, str(asked.control))
    return EndpointRequest(
        endpoint=asked.endpoint,
        statistic=asked.statistic,
        time_months=asked.at_months,
        arm=None if asked.measure else asked.arm or protocol.arm_ids[0],
        treatment=asked.treatment,
        control=asked.control,
        subgroup=asked.subgroup and _entry_names(asked.subgroup),
        among=among,
        strata=strata_of(protocol) if asked.measure == "HR" else (),
        **settings,
    )


def strata_of(protocol: Protocol) -> tuple[str, ...]:
    """The strata of the allocation as conditions over columns of the patients table."""
    return tuple(_entry_names(text) for text in protocol.allocation.stratum_conditions())


def _definition(asked: Estimand, protocol: Protocol) -> Endpoint | None:
    """The endpoint of the study that is asked about; of several with its id the one with its window."""
    window = (asked.window_weeks, asked.window_cycles)
    same = [one for one in protocol.endpoints if one.id == asked.endpoint]
    return next((one for one in same if (one.window_weeks, one.window_cycles) == window), same[0] if same else None)


def _entry_names(condition: str) -> str:
    """A condition over covariates in the words of the patients table."""
    for name, column in _ENTRY_NAMES.items():
        condition = re.sub(rf"\b{name}\b", column, condition)
    return condition


def _compare_one(protocol: Protocol, target: Target, estimates: pl.DataFrame) -> Comparison:
    statistic = target.statistic
    prediction = prediction_interval(
        estimates["value"].to_numpy(),
        n=estimates["n"].to_numpy() if not target.measure else None,
        published_n=target.n if not target.measure else None,
        scale=SCALE_BY_STATISTIC.get(statistic, "identity"),
        is_count=statistic == "proportion",
        at_one_time=statistic in AT_ONE_TIME,
    )
    low, high = target.interval
    can_tell = prediction.is_told and prediction.n_replicates >= FEWEST_FOR_A_VERDICT
    return Comparison(
        study=protocol.study,
        arm=protocol.arm_of(target),
        endpoint=target.endpoint,
        statistic=statistic,
        time_months=target.at_months,
        subgroup=target.subgroup,
        published=target.published,
        published_low=low,
        published_high=high,
        n=target.n,
        source=_sources(target),
        median=_finite(prediction.median),
        low=_finite(prediction.low),
        high=_finite(prediction.high),
        coverage=prediction.coverage,
        is_inside=prediction.holds(target.published) if can_tell else None,
        use=target.use,
    )


def _compare_curve(protocol: Protocol, target: Target, rows: Sequence[pl.DataFrame]) -> Comparison:
    curve = watched_curve(target, protocol)
    survival = np.stack([one.sort("replicate")["value"].to_numpy() for one in rows], axis=1)
    far = farthest_point(curve, survival, rows[0].sort("replicate")["n"].to_numpy())
    columns = (curve.time_months, curve.survival, *curve.limits)
    points = tuple(zip(*(column.tolist() for column in columns), strict=True))
    months, value, low, high = points[far.index]
    return Comparison(
        study=protocol.study,
        arm=protocol.arm_of(target),
        endpoint=target.endpoint,
        statistic=target.statistic,
        time_months=months,
        subgroup=target.subgroup,
        published=value,
        published_low=low,
        published_high=high,
        n=round(curve.n),
        source=_sources(target) or (curve.record,),
        median=_finite(far.median),
        low=_finite(far.low),
        high=_finite(far.high),
        coverage=far.coverage,
        is_inside=far.is_inside,
        use=target.use,
        points=points,
    )


def published_interval(comparison: Comparison) -> tuple[float | None, float | None]:
    """The printed interval, or for a share with a known n the exact one where none was printed."""
    printed = comparison.published_low, comparison.published_high
    if comparison.statistic != "proportion" or comparison.n is None or None not in printed:
        return printed
    limits = exact_interval(round(comparison.published * comparison.n), comparison.n)
    return float(limits.low), float(limits.high)


def _sources(target: Target) -> tuple[str, ...]:
    if target.source is None:
        return ()
    return (target.source,) if isinstance(target.source, str) else tuple(target.source)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
