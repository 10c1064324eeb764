"""A design study as tables for other programs, every header explained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.analysis import Characteristics
from engager.core import write_tables
from engager.study.design.document import effect_of
from engager.study.design.result import DesignResult, DesignRow
from engager.study.design.words import EFFECTS, rule_sentences

if TYPE_CHECKING:
    import polars as pl

_KEY = {
    "scenario": "scenario of the study file; base: the study unchanged",
    "patients_planned": "patients of one virtual trial, all arms together",
    "world": "alternative: the treatment works as modeled; null: treated patients get the control regimen",
    "setting": "posterior: a draw of population values for each trial; posterior_median: all at their median",
}
_DESIGNS = {
    **_KEY,
    "success": "share of trials that succeed: assurance or power in the alternative world, type I error in the null",
    "success_standard_error": "Monte Carlo standard error of `success`",
    "success_low": "lower 95 % limit of `success`, of the computation alone",
    "success_high": "upper 95 % limit",
    "expected_patients": "mean number of patients when the trial ends",
    "expected_events": "mean number of events when the trial ends",
    "expected_months": "mean duration [months] from the first patient who could enter",
    "months_low": "95 % of the trials last at least so long, with `months_high` [months]",
    "months_high": "upper end [months]",
    "estimate_median": "median of the estimates when trials end",
    "estimate_low": "lower end of the middle 95 % of the estimates",
    "estimate_high": "upper end",
    "truth": "what all simulated patients together show at the end of follow-up",
    "bias": "mean estimate minus truth; of a ratio, on the log scale",
    "short": "share of trials whose follow-up ended before the planned events",
    "n_failed": "patients left out because the solver could not follow them",
}
_LOOKS = {
    **_KEY,
    "look": "number of the look, from 1",
    "information": "share of the planned information",
    "patients": "patients analyzed; empty when looks are counted in events",
    "events": "events analyzed; empty when looks are counted in patients",
    "success_from": "success when the statistic is at least this",
    "futility_to": "stop for futility when the statistic is at most this; empty: no such bound",
    "bounds_on": "what the bounds are of: z, responders or probability",
    "stops_with_success": "share of trials that stop here with success",
    "stops_for_futility": "share of trials that end here without success",
}
_TRIALS = {
    **_KEY,
    "replicate": "virtual trial, from 0",
    "look": "look at which it ended, from 1",
    "success": "whether it ended with success",
    "statistic": "what was held against the bounds",
    "estimate": "effect as the trial would report it",
    "patients": "patients entered by then",
    "events": "events by then; responders where the endpoint is a response",
    "months": "duration [months]",
}
_EXACT = {
    "scenario": _KEY["scenario"],
    "patients_planned": _KEY["patients_planned"],
    "share": "true share of responders",
    "success": "exact chance of success at that share, without the model",
}
MEANINGS = {"designs": _DESIGNS, "looks": _LOOKS, "trials": _TRIALS, "exact": _EXACT}


def design_tables(found: DesignResult) -> dict[str, pl.DataFrame]:
    """A row for each design and world, for each look, for each simulated trial, and the exact chances where known."""
    import polars as pl

    every = [(row, key, one) for row in found.rows for key, one in row.results.items()]
    tables = {
        "designs": pl.DataFrame([_design(row, key, one) for row, key, one in every], infer_schema_length=None),
        "looks": pl.DataFrame([look for part in every for look in _looks(*part)], infer_schema_length=None),
        "trials": found.trials,
    }
    exact = [
        {"scenario": row.scenario, "patients_planned": row.n_patients, "share": one["share"], "success": one["success"]}
        for row in found.rows
        for one in row.exact
    ]
    return tables | ({"exact": pl.DataFrame(exact)} if exact else {})


def write_design_tables(found: DesignResult, path: Path) -> Path:
    """The tables as a spreadsheet or as a folder of CSV files, by the ending of the path.

    Raises
    ------
    InputError
        When the path cannot be written, XlsxWriter is not installed, or the trials are more than a sheet holds.
    """
    manifest = found.manifest
    about = [
        f"{found.protocol.title or found.protocol.study}: seed {manifest['seed']}, {manifest['replicates']} virtual"
        f" trials of each design; the estimate is a {EFFECTS[effect_of(found)]}.",
        *rule_sentences(found),
    ]
    return write_tables(path, design_tables(found), MEANINGS, about)


def _key(row: DesignRow, key: tuple[str, str]) -> dict[str, Any]:
    return {"scenario": row.scenario, "patients_planned": row.n_patients, "world": key[0], "setting": key[1]}


def _design(row: DesignRow, key: tuple[str, str], one: Characteristics) -> dict[str, Any]:
    flat = {name: value for name, value in asdict(one).items() if name in _DESIGNS and name != "success"}
    success = one.success
    return {
        **_key(row, key),
        "success": success.value,
        "success_standard_error": success.standard_error,
        "success_low": success.low,
        "success_high": success.high,
        **flat,
    }


def _looks(row: DesignRow, key: tuple[str, str], one: Characteristics) -> list[dict[str, Any]]:
    return [
        {
            **_key(row, key),
            **look,
            "bounds_on": row.rules.scale,
            "stops_with_success": one.stops_with_success[k].value,
            "stops_for_futility": one.stops_for_futility[k].value,
        }
        for k, look in enumerate(row.rules.looks())
    ]
