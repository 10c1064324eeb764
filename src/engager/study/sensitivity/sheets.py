"""A sensitivity analysis as tables for other programs, every header explained."""

from __future__ import annotations

from pathlib import Path

from engager.core import write_tables
from engager.study.sensitivity.result import Sensitivity

_KEY = {
    "level": "patient: the first four weeks of one patient; trial: the results of a virtual trial",
    "output": "outcome of the level",
    "factor": "parameter of the model, or covariate",
}
MEANINGS = {
    "sobol": {
        **_KEY,
        "first": "share of the output's variance that comes from the factor alone, 0 to 1",
        "first_low": "lower 95 % limit",
        "first_high": "upper 95 % limit",
        "total": "share with all its interactions, 0 to 1",
        "total_low": "lower 95 % limit",
        "total_high": "upper 95 % limit",
    },
    "tornado": {
        **_KEY,
        "low_value": "the factor's 5 % value, in its own unit",
        "high_value": "its 95 % value",
        "at_low": "output at the 5 % value, everything else in the middle",
        "at_center": "output with everything in the middle",
        "at_high": "output at the 95 % value",
    },
    "rank-correlations": {
        "output": _KEY["output"],
        "factor": _KEY["factor"],
        "value": "Spearman's correlation over the parameter sets of the trial level, -1 to 1",
        "low": "lower 95 % limit",
        "high": "upper 95 % limit",
    },
    "unknowns": {
        "name": "unknown of the fit",
        "contraction": "standard deviation after the fit over that before; 1: the data said nothing",
        "low": "lower 95 % limit of `contraction`, from the number of draws alone",
        "high": "upper 95 % limit",
        "shift": "of the mean by the fit, in standard deviations before it",
        "median": "of the draws, in the model's unit",
        "lower": "5 % quantile",
        "upper": "95 % quantile",
    },
    "held": {
        "name": "quantity that is fixed rather than fitted",
        "by": "time courses: by the fit to individual courses; table: as the model's table has it",
        "reason": "why",
    },
}


def write_sensitivity_tables(found: Sensitivity, path: Path) -> Path:
    """The tables as a spreadsheet or as a folder of CSV files, by the ending of the path.

    Raises
    ------
    InputError
        When the path cannot be written, or XlsxWriter is not installed.
    """
    tables = {name: table for name, table in found.tables().items() if table.width}
    columns = tables["correlations"].columns if "correlations" in tables else []
    told = {name: f"correlation of the draws of {name} with those of the row's unknown" for name in columns}
    told["unknown"] = "unknown of the fit"
    about = [
        f"{found.protocol.title or found.protocol.study}, arm {found.protocol.arm_ids[0]}, seed {found.seed}.",
        *(f"Note: {note}." for note in found.notes),
    ]
    return write_tables(path, tables, MEANINGS | {"correlations": told}, about)
