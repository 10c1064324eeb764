"""From the patients of a virtual trial to one estimate per endpoint, arm and replicate.

In: the patients table (docs/architecture.md) and what is wanted. Out: a polars frame of estimates. All
replicates of an arm are worked out together. A patient whose simulation failed is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engager.analysis.competing import cumulative_incidence_at
from engager.analysis.cox import cox_hazard_ratio
from engager.analysis.endpoints import (
    BETWEEN_ARMS,
    NEEDS_TIME,
    STATISTICS,
    EndpointRequest,
    endpoint_rule,
)
from engager.analysis.log_rank import log_rank
from engager.analysis.proportions import exact_interval, odds_ratio, risk_difference
from engager.analysis.sample import Failed, HasPatients, Sample, check_patients, replicate_numbers, sample_of
from engager.analysis.survival import Limits, median_survival, reverse_kaplan_meier, survival_at
from engager.core import DAYS_PER_MONTH, InputError, Problem, nearest, parse_condition
from engager.evidence import trial_endpoints

if TYPE_CHECKING:
    import polars as pl

# Patients whose outcomes are laid out at a time: each takes some 2 kB meanwhile.
_MOST_TOGETHER = 100_000


@dataclass(frozen=True)
class Estimate:
    """One estimate of one simulated trial; the columns of the frame `estimate_endpoints` returns.

    Attributes
    ----------
    arm : the arm, or ``treatment vs control``.
    endpoint, statistic, time_months, subgroup : as asked.
    value, low, high : with 95 % confidence limits; shares as fractions, times in months. inf: not reached;
        NaN: cannot be estimated.
    n : patients counted; events : among them; n_failed : patients left out because their simulation failed.
    replicate : number of the simulated trial.
    p_value : of the log-rank test, with a hazard ratio; else NaN.
    request : position in the list of requests.
    """

    arm: str
    endpoint: str
    statistic: str
    time_months: float | None
    value: float
    low: float
    high: float
    n: int
    events: int
    n_failed: int
    replicate: int
    subgroup: str | None
    p_value: float
    request: int


def estimate_endpoints(
    data: HasPatients | pl.DataFrame,
    endpoints: Iterable[EndpointRequest | str],
    setting: str = "relapsed_refractory",
    failed: Failed = "left_out",
    arms: Sequence[str] | None = None,
    replicates: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Estimate endpoints in every replicate of a virtual trial.

    Parameters
    ----------
    data : a virtual trial, or its patients table.
    endpoints : what is wanted; a bare word asks for its proportion (or median) in each arm.
    setting : of the trial; in ``mrd_positive`` MRD endpoints count all assessed patients, not responders.
    failed : what becomes of patients whose simulation failed: ``left_out``; else they are counted, last seen on the day
        on which the solver gave up, without the event (``censored``) or with it (``event``).
    arms, replicates : of the trial, also those without a patient, as an early data cut leaves them; None: those of the
        table.

    Returns
    -------
    Frame with the columns of `Estimate`, one row per request, arm and replicate.

    Raises
    ------
    InputError
        With all requests that cannot be met, or the columns the table lacks.

    Notes
    -----
    A replicate in which nobody is counted gives n 0 and NaN. All patients of the table are one trial's, so
    sizes may differ between replicates. Replicates are worked out a hundred thousand patients at a time.
    """
    import polars as pl

    patients = data if isinstance(data, pl.DataFrame) else data.patients
    check_patients(patients)
    wanted = [_complete(one, setting) for one in endpoints]
    arms = patients["arm"].unique(maintain_order=True).to_list() if arms is None else arms
    numbers = replicate_numbers(patients, replicates)
    _check_requests(wanted, arms, patients.columns)
    asked = [(index, one, arm) for index, one in enumerate(wanted) for arm in _arms_of(one, arms)]
    frames: list[list[pl.DataFrame]] = [[] for _ in asked]
    for group, together in _groups(patients, numbers):
        for found, (index, request, arm) in zip(frames, asked, strict=True):
            found.append(_frame(_estimate(group, together, arm, request, failed), arm, request, index))
    return pl.concat([frame for found in frames for frame in found], rechunk=True) if asked else _no_estimates()


def _groups(patients: pl.DataFrame, numbers: NDArray[np.int64]) -> Iterator[tuple[pl.DataFrame, NDArray[np.int64]]]:
    """Whole replicates in rising order and their numbers, so many together that what is worked out of them fits in
    memory.
    """
    import polars as pl

    n_groups = -(-patients.height // _MOST_TOGETHER)
    if n_groups <= 1:
        yield patients, numbers
        return
    length = -(-numbers.size // n_groups)
    for start in range(0, numbers.size, length):
        together = numbers[start : start + length]
        yield patients.filter(pl.col("replicate").is_between(int(together[0]), int(together[-1]))), together


def _no_estimates() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema=estimate_schema())


def estimate_schema() -> dict[str, Any]:
    """Column names and types of the frame of estimates."""
    import polars as pl

    types = {"str": pl.String, "float": pl.Float64, "int": pl.Int32}
    return {field.name: types[str(field.type).split(" ")[0]] for field in fields(Estimate)}


def _complete(given: EndpointRequest | str, setting: str) -> EndpointRequest:
    """A request with the setting's denominator; a bare word asks for the plainest statistic."""
    if isinstance(given, str):
        given = EndpointRequest(given, STATISTICS[endpoint_rule(given).kind][0])
    known = trial_endpoints().get(given.endpoint)
    if setting == "mrd_positive" and given.among is None and known is not None and known.is_mrd:
        return replace(given, among="all")
    return given


def _check_requests(wanted: Sequence[EndpointRequest], arms: Sequence[str], columns: Sequence[str]) -> None:
    problems: list[Problem] = []
    for index, request in enumerate(wanted):
        where = f"endpoints[{index}] ({request.endpoint})"
        try:
            known = endpoint_rule(request.endpoint, where)
            for text in (request.subgroup, *request.strata):
                if text is not None:
                    parse_condition(text, columns, f"{where}: subgroup or strata")
            known.build(request)
        except InputError as error:
            problems += error.problems
            continue
        allowed = STATISTICS[known.kind]
        if request.statistic not in allowed:
            rule = f"must be one of {', '.join(allowed)}"
            problems.append(Problem(f"{where}: statistic", request.statistic, rule))
        if request.statistic in NEEDS_TIME and not (request.time_months or 0) > 0:
            problems.append(Problem(f"{where}: time_months", request.time_months, "must be more than 0"))
        asked = (
            {"treatment": request.treatment, "control": request.control}
            if request.statistic in BETWEEN_ARMS
            else {"arm": request.arm or (arms[0] if arms else "")}
        )
        for key, arm in asked.items():
            if arm not in arms:
                rule = "must be an arm of the trial"
                problems.append(Problem(f"{where}: {key}", arm, rule, nearest(arm or "", arms)))
    if problems:
        raise InputError(problems)


def _arms_of(request: EndpointRequest, arms: Sequence[str]) -> list[str]:
    if request.statistic in BETWEEN_ARMS:
        return [f"{request.treatment} vs {request.control}"]
    return [request.arm] if request.arm else list(arms)


def _estimate(
    patients: pl.DataFrame, numbers: NDArray[np.int64], arm: str, request: EndpointRequest, failed: Failed
) -> dict[str, Any]:
    """Columns of the estimates of one request in one arm (or pair), one entry per replicate."""
    between = request.statistic in BETWEEN_ARMS
    names = [str(request.treatment), str(request.control)] if between else [arm]
    sample = sample_of(patients, names, request, failed, numbers)
    event = sample.counted & (sample.cause == 1)
    columns: dict[str, Any] = {
        "replicate": sample.replicates,
        "n": np.count_nonzero(sample.counted, axis=1),
        "events": np.count_nonzero(event, axis=1),
        "n_failed": sample.n_failed,
        "p_value": np.full(len(sample.replicates), np.nan),
    }
    if request.statistic == "hazard_ratio":
        several = (sample.treated_arm, sample.stratum, sample.counted)
        limits = Limits(*cox_hazard_ratio(sample.days, event, *several)[:3])
        columns["p_value"] = log_rank(sample.days, event, *several).p_value
    else:
        limits = _within_arms(sample, event, request)
    return columns | {"value": limits.value, "low": limits.low, "high": limits.high}


def _within_arms(sample: Sample, event: NDArray[np.bool_], request: EndpointRequest) -> Limits:
    counted, days = sample.counted, sample.days
    landmark = (request.time_months or 0.0) * DAYS_PER_MONTH
    match request.statistic:
        case "proportion":
            return exact_interval(np.count_nonzero(event, axis=1), np.count_nonzero(counted, axis=1))
        case "difference" | "odds_ratio":
            marked = sample.treated_arm
            groups = [(event & side, counted & side) for side in (marked, ~marked)]
            compared = risk_difference if request.statistic == "difference" else odds_ratio
            return compared(*(np.count_nonzero(part, axis=1) for pair in groups for part in pair))
        case "survival_at":
            return survival_at(days, event, landmark, counted)
        case "cumulative_at":
            return cumulative_incidence_at(days, np.where(counted, sample.cause, 0), landmark, counted)
        case "follow_up_median":
            limits = reverse_kaplan_meier(days, event, counted)
        case _:
            limits = median_survival(days, event, counted)
    return Limits(*(part / DAYS_PER_MONTH for part in limits))


def _frame(columns: dict[str, Any], arm: str, request: EndpointRequest, index: int) -> pl.DataFrame:
    import polars as pl

    height = len(columns["replicate"])
    same = {
        "arm": arm,
        "endpoint": request.endpoint,
        "statistic": request.statistic,
        "time_months": request.time_months,
        "subgroup": request.subgroup,
        "request": index,
    }
    schema = estimate_schema()
    repeated = {name: pl.Series(name, [value] * height, dtype=schema[name]) for name, value in same.items()}
    given = {name: pl.Series(name, values).cast(schema[name]) for name, values in columns.items()}
    return pl.DataFrame({name: (repeated | given)[name] for name in schema})
