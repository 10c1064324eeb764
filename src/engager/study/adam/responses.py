"""ADRS: responses, residual disease and the yes/no endpoints of the study, by the study's own definitions."""

from __future__ import annotations

import polars as pl

from engager.analysis import endpoint_rule
from engager.evidence import trial_endpoints
from engager.study.adam.dataset import (
    Dataset,
    Parameter,
    Variable,
    dataset,
    date_of,
    parameter_variables,
    study_day,
    yes,
    yes_no,
)
from engager.study.adam.requests import Asked, by_arm, parameters_of
from engager.study.adam.source import Source

# What is known of every patient, whatever the study counts: code -> (text, column of the day).
_FIRSTS = {
    "RSPFIRST": ("First CR, CRh or CRi", "response_day"),
    "CRHFIRST": ("First CRh or better", "crh_day"),
    "CRFIRST": ("First CR", "cr_day"),
    "MRDFIRST": ("First MRD assay", "mrd_first_day"),
    "MRDLFRST": ("First MRD below the limit of the protocol", "mrd_response_day"),
    "MRDUFRST": ("First undetectable MRD", "mrd_undetectable_day"),
}
_DENOMINATORS = {
    "randomized": "all subjects",
    "treated": "treated subjects",
    "responders": "subjects whose best response is CR, CRh or CRi",
    "assessed_responders": "subjects whose best response is CR, CRh or CRi",
    "relapsed": "subjects who relapsed",
    "transplanted": "transplanted subjects",
}
_RESPONSES = ("CR", "CRh", "CRi", "PR")


def adrs(source: Source) -> Dataset:
    """Best response, first responses, MRD, and each yes/no endpoint of the study but the adverse events."""
    limit = source.protocol.visits.mrd.limit
    parts, parameters = [_best(source), _lowest_mrd(source, limit)], [
        Parameter("BOR", "Best Overall Response", "Best of CR, CRh, CRi and NONE within the response window.", "AVALC"),
        Parameter("MRDLOW", "Lowest Log10 MRD", "Lowest reading of an MRD assay, log10 of the leukemic share."),
    ]  # fmt: skip
    for code, (text, column) in _FIRSTS.items():
        parts.append(_first(source, code, column))
        parameters.append(Parameter(code, text, f"Subjects who had it; ADT from patients.{column}.", "AVALC"))
    for asked in parameters_of(source.protocol, of_time=False):
        parts.append(_share(source, asked))
        parameters.append(Parameter(asked.code, *_share_words(asked), "AVALC"))
    rows = pl.concat(parts, how="diagonal_relaxed")
    variables = [
        *source.core(),
        *parameter_variables(parameters),
        Variable("AVALC", "Analysis Value (C)", "text", pl.col("text"), "See the values by parameter."),
        Variable("AVAL", "Analysis Value", "float", pl.col("value"), "1 for Y, 0 for N; MRDLOW: the reading."),
        Variable("ADT", "Analysis Date", "date", date_of(pl.col("at")),
                 "Date on which the value was first reached; missing when it was not."),
        Variable("ADY", "Analysis Relative Day", "integer", study_day(pl.col("at")), "ADT minus day 0, plus 1."),
        Variable("CRIT1", "Analysis Criterion 1", "text", pl.col("criterion"), "What CRIT1FL answers."),
        Variable("CRIT1FL", "Criterion 1 Evaluation Result Flag", "text", yes_no(pl.col("meets")),
                 "Y when the record meets CRIT1, else N."),
        Variable("ANL01FL", "Analysis Flag 01", "text", yes(pl.col("counted")),
                 "Y when the subject is in the denominator that the run's estimates of the endpoint have; Y for BOR;"
                 " missing for parameters that are no endpoint of the study file."),
        *source.carried("ITTFL", "SAFFL"),
    ]  # fmt: skip
    return dataset(
        "ADRS",
        "Response Analysis Dataset",
        structure="One record per subject per parameter",
        kind="BASIC DATA STRUCTURE",
        keys=("STUDYID", "USUBJID", "PARAMN"),
        variables=variables,
        rows=rows,
        parameters=parameters,
    )


def _is_nodal(source: Source) -> bool:
    """Whether responses are those of a tumor's size."""
    return "tumor_mL" in source.followed.columns


def _best(source: Source) -> pl.DataFrame:
    best = pl.col("best_response")
    reached: pl.Expr = pl.col("response_day")
    for name, column in (("CRh", "crh_day"), ("CR", "cr_day")):
        reached = pl.when(best == name).then(pl.col(column)).otherwise(reached)
    return source.followed.with_columns(
        parameter=pl.lit("BOR"),
        text=best.str.replace("none", "NONE"),
        at=reached,
        criterion=pl.lit("CR or PR" if _is_nodal(source) else "CR, CRh or CRi"),
        meets=best.is_in(_RESPONSES).fill_null(False),
        counted=pl.lit(True),
    )


def _lowest_mrd(source: Source, limit: float) -> pl.DataFrame:
    return source.followed.filter(pl.col("mrd_day").is_not_null()).with_columns(
        parameter=pl.lit("MRDLOW"),
        value=pl.col("mrd_log10"),
        at=pl.col("mrd_day"),
        criterion=pl.lit(f"MRD below {limit:g}"),
        meets=pl.col("mrd_below_limit"),
    )


def _first(source: Source, code: str, column: str) -> pl.DataFrame:
    return source.followed.filter(pl.col(column).is_not_null()).with_columns(
        parameter=pl.lit(code), text=pl.lit("Y"), value=pl.lit(1.0), at=pl.col(column)
    )


def _share(source: Source, asked: Asked) -> pl.DataFrame:
    """Yes or no of every subject; who is outside the denominator is marked, not left out."""
    parts = []
    for arm, request in asked.requests.items():
        built = endpoint_rule(request.endpoint).build(request)
        happened = built.event.fill_null(False)  # type: ignore[union-attr]
        day = trial_endpoints()[request.endpoint].day
        parts.append(
            source.followed.filter(pl.col("arm") == arm)
            .with_columns(parameter=pl.lit(asked.code), counted=built.counted, happened=happened)
            .with_columns(
                text=yes_no(pl.col("happened")),
                value=pl.col("happened").cast(pl.Float64),
                at=pl.when(pl.col("happened")).then(pl.col(day)),
            )
        )
    return pl.concat(parts)


def _share_words(asked: Asked) -> tuple[str, str]:
    one = next(iter(asked.requests.values()))
    known = trial_endpoints()[one.endpoint]
    windows = {arm: request.window_days for arm, request in asked.requests.items()}
    text = f"{one.endpoint}: {known.meaning}"[:200]
    among = _DENOMINATORS[known.denominator]
    if one.among is not None:
        among = "all subjects" if one.among in ("all", "everyone") else f"subjects whose best response is {one.among}"
    if known.is_mrd and one.among != "everyone":
        among += " with an MRD assay in that time"
    return text, f"Y when it came ({by_arm(windows)}). Denominator (ANL01FL): {among}."
