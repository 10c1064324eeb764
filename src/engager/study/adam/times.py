"""ADTTE: each time to event of the study by its own definition, with the clock stopped at a transplant and not."""

from __future__ import annotations

import polars as pl

from engager.analysis import endpoint_rule, origin_day, origin_of
from engager.study.adam.dataset import (
    Dataset,
    Parameter,
    Variable,
    dataset,
    date_of,
    instant_of,
    parameter_variables,
    study_day,
    yes,
)
from engager.study.adam.requests import Asked, by_arm, parameters_of
from engager.study.adam.source import Source

# Days that are sums and differences of the same days agree to this.
_SAME_DAY = 1e-5
# Times that end when a tumor has grown, whether it had shrunk before or not.
_OF_PROGRESSION = ("PFS", "TTP")


def adtte(source: Source) -> Dataset:
    """Each time to event of the study, with the clock stopped at a transplant and not."""
    every = list(parameters_of(source.protocol, of_time=True))
    parameters = [Parameter(asked.code, *_time_words(asked)) for asked in every]
    rows = pl.concat([_times(source, asked) for asked in every], how="diagonal_relaxed") if every else _no_times(source)
    cause, end = pl.col("cause"), pl.col("origin") + pl.col("days")
    censored = cause == 0
    at_transplant = pl.col("stops_at_hsct") & _on("hsct_day", end) & ~_on("followup_day", end)
    event = (
        pl.when(pl.col("is_of_progression") & _on("progression_day", end)).then(pl.lit("PROGRESSION"))
        .when(pl.col("is_of_relapse") & _on("relapse_day", end)).then(pl.lit("RELAPSE"))
        .when(_on("death_day", end)).then(pl.lit("DEATH"))
        .otherwise(pl.lit("NO REMISSION"))
    )  # fmt: skip
    stopped = pl.when(at_transplant).then(pl.lit("TRANSPLANT")).otherwise(pl.lit("LAST OBSERVATION"))
    own = "Y when the parameter is as the study file defines it; else it is its like with or without the transplant."
    variables = [
        *source.core(),
        *parameter_variables(parameters),
        Variable("AVAL", "Analysis Value", "float", pl.col("days"),
                 "Days from STARTDTM to ADTM, with their fraction (1E-6 day); no day is added."),
        Variable("AVALU", "Analysis Value Unit", "text", pl.lit("DAYS"), "Always DAYS.", "Assigned"),
        Variable("CNSR", "Censor", "integer", pl.when(censored).then(1).when(cause == 2).then(2).otherwise(0),
                 "0 event, 1 censored, 2 competing event.",
                 codes={"0": "Event", "1": "Censored", "2": "Competing event"}),
        Variable("EVNTDESC", "Event or Censoring Description", "text",
                 pl.when(censored).then(pl.lit("CENSORED AT ") + stopped).otherwise(event),
                 "What ended the time: RELAPSE, PROGRESSION of a tumor, DEATH, NO REMISSION in the window, or where it"
                 " was censored."),
        Variable("CNSDTDSC", "Censor Date Description", "text", pl.when(censored).then(stopped),
                 "What happened on the date of censoring."),
        Variable("STARTDT", "Time-to-Event Origin Date for Subject", "date", date_of(pl.col("origin")),
                 "Date of the parameter's origin."),
        Variable("STARTDTM", "Time-to-Event Origin Datetime", "datetime", instant_of(pl.col("origin")),
                 "Origin with its fraction of a day; day 0 begins at midnight."),
        Variable("ADT", "Analysis Date", "date", date_of(end), "Date of the event or of censoring."),
        Variable("ADTM", "Analysis Datetime", "datetime", instant_of(end), "ADT with its fraction of a day."),
        Variable("ADY", "Analysis Relative Day", "integer", study_day(end), "ADT minus day 0, plus 1."),
        Variable("ANL01FL", "Analysis Flag 01", "text", yes(pl.col("is_own")), own),
        *source.carried("ITTFL", "SAFFL", "STRATAR"),
    ]  # fmt: skip
    return dataset(
        "ADTTE",
        "Time-to-Event Analysis Dataset",
        structure="One record per subject per parameter",
        kind="BASIC DATA STRUCTURE",
        subkind="TIME-TO-EVENT",
        standard="TTE",
        keys=("STUDYID", "USUBJID", "PARAMN"),
        variables=variables,
        rows=rows,
        parameters=parameters,
    )


def _times(source: Source, asked: Asked) -> pl.DataFrame:
    parts = []
    for arm, request in asked.requests.items():
        built = endpoint_rule(request.endpoint).build(request)
        parts.append(
            source.followed.filter(pl.col("arm") == arm)
            .with_columns(
                counted=built.counted,
                days=built.days.round(6),  # type: ignore[union-attr]
                cause=built.cause,  # type: ignore[union-attr]
                origin=origin_day(request),
                parameter=pl.lit(asked.code),
                is_own=pl.lit(asked.is_own),
                stops_at_hsct=pl.lit(request.censor_at_hsct),
                is_of_relapse=pl.lit(request.endpoint != "OS"),
                is_of_progression=pl.lit(request.endpoint in _OF_PROGRESSION),
            )
            .filter("counted")
        )
    return pl.concat(parts)


def _no_times(source: Source) -> pl.DataFrame:
    """No rows, for a study that counts no time to event."""
    numbers = dict.fromkeys(("days", "origin"), pl.lit(0.0))
    flags = dict.fromkeys(("is_own", "stops_at_hsct", "is_of_relapse", "is_of_progression"), pl.lit(False))
    return source.followed.clear().with_columns(**numbers, **flags, cause=pl.lit(0), parameter=pl.lit(""))


def _on(column: str, day: pl.Expr) -> pl.Expr:
    return ((pl.col(column) - day).abs() < _SAME_DAY).fill_null(False)


def _time_words(asked: Asked) -> tuple[str, str]:
    one = next(iter(asked.requests.values()))
    meaning = endpoint_rule(one.endpoint).meaning
    clock = ", censored at transplant" if one.censor_at_hsct else ""
    first = meaning.partition(", from ")[0]
    told = f"Days from {origin_of(one)} to {first}; the earliest counts; censored on the last day observed"
    told += ", or at the transplant if earlier." if one.censor_at_hsct else "."
    if one.endpoint == "EFS":
        if one.no_response_event_day is None:
            told += " Subjects without remission are not counted as failed."
        else:
            days = {arm: request.no_response_event_day for arm, request in asked.requests.items()}
            windows = {arm: request.response_window_days for arm, request in asked.requests.items()}
            told += f" Without remission the event is set {by_arm(days, 'on')} when the subject was observed"
            told += f" for the window ({by_arm(windows)}) or died."
    return f"{one.endpoint}: {meaning}{clock}"[:200], told
