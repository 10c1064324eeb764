"""A pooled endpoint as tables for other programs, every header explained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import RESEARCH_USE, write_tables

if TYPE_CHECKING:
    from engager.evidence import Pooled

_INTERVAL = {"low": "lower limit of the interval", "high": "upper limit"}
_ESTIMATE = {
    "method": "glmm: binomial-normal model; reml: inverse variance with variation between studies; common: without it",
    "value": "pooled value: share from 0 to 1, months, or ratio",
    **_INTERVAL,
    "prediction_low": "lower limit of the interval for a new study",
    "prediction_high": "upper limit",
    "tau2": "variance between studies, on the scale of the model",
    "tau2_low": "lower 95 % limit",
    "tau2_high": "upper 95 % limit",
    "i2": "share of the scatter that is between studies, 0 to 1",
    "q": "Cochran's Q",
    "q_p": "its p value",
    "failure": "why there is no value",
    "note": "remark on the method",
}
MEANINGS = {
    "studies": {
        "label": "record and arm in words",
        "record": "evidence record",
        "arm": "arm of the record",
        "regimen": "regimen of the arm",
        "reference": "number in the review",
        "year": "of the publication",
        "events": "patients with the event",
        "n": "patients counted",
        "value": "published value: share from 0 to 1, months, or ratio",
        **_INTERVAL,
        "level": "coverage of the interval, 0 to 1",
        "is_exact": "the interval was computed here from the counts, since none was published",
        "weight": "of the study in the pooled value, 0 to 1",
    },
    "estimates": _ESTIMATE,
    "leave_one_out": {"without": "study that is left out", **_ESTIMATE},
    "subgroups": {"group": "subgroup", "n_studies": "studies in it", **_ESTIMATE},
    "regressions": {
        "covariate": "of the meta-regression",
        "slope": "change of the value, on the scale of the model, with one unit of the covariate",
        **_INTERVAL,
        "p": "p value of the slope",
        "tau2": "variance between studies that is left",
        "n_studies": "studies with the covariate",
        "without": "studies without it",
        "failure": "why there is no slope",
    },
    "left_out": {"arm": "record and arm", "reason": "why it is not pooled"},
}


def write_pooled_tables(pooled: Pooled, path: Path) -> Path:
    """The tables as a spreadsheet or as a folder of CSV files, by the ending of the path.

    Raises
    ------
    InputError
        When the path cannot be written, or XlsxWriter is not installed.
    """
    import polars as pl

    found = pooled.as_dict()
    tables = {
        "studies": found["rows"],
        "estimates": [found["estimate"], *found["others"]],
        **{name: found[name] for name in ("leave_one_out", "subgroups", "regressions")},
        "left_out": [dict(zip(("arm", "_", "reason"), one.partition(": "), strict=True)) for one in found["left_out"]],
    }
    frames = {
        name: pl.DataFrame([_cells(row, MEANINGS[name]) for row in rows], infer_schema_length=None)
        for name, rows in tables.items()
        if rows
    }
    about = [f"{pooled.endpoint}, {pooled.statistic}, intervals at {pooled.level:g}. {RESEARCH_USE}", *found["remarks"]]
    return write_tables(path, frames, MEANINGS, about)


def _cells(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """One row in the order of the columns; a list as one text."""
    values = {name: row.get(name) for name in columns}
    return {name: "; ".join(map(str, one)) if isinstance(one, list | tuple) else one for name, one in values.items()}
