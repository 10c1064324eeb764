"""Reading a patient table, its events and published targets for matching, and writing the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engager.core import InputError, Problem, nearest, write_whole, writing_to
from engager.evidence.records.reading import read_yaml

if TYPE_CHECKING:
    import polars as pl

    from engager.evidence.synthesis.matching import Matched


def read_patients(path: Path, only: Sequence[str] = ()) -> pl.DataFrame:
    """A patient table from a Parquet or CSV file, one row a patient.

    Parameters
    ----------
    path : ending in .parquet or .csv.
    only : conditions such as ``arm=blinatumomab`` that rows must meet, all of them.

    Raises
    ------
    InputError
        When the file cannot be read, a condition names no column, or no patient is left.
    """
    import polars as pl

    kind = path.suffix.lower()
    if kind not in (".parquet", ".csv"):
        raise InputError(Problem("patients", path, "must end in .parquet or .csv"))
    try:
        frame = pl.read_parquet(path) if kind == ".parquet" else pl.read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(Problem("patients", path, f"cannot be read ({error})", "Check the file.")) from None
    problems = []
    for condition in only:
        column, _, value = condition.partition("=")
        if column not in frame.columns:
            hint = nearest(column, frame.columns)
            problems.append(Problem("--only", condition, "must be column=value", hint))
        else:
            frame = frame.filter(pl.col(column).cast(pl.String) == value)
    if problems:
        raise InputError(problems)
    if frame.is_empty():
        raise InputError(Problem("patients", path, "holds no patient"))
    return frame


def event_of(frame: pl.DataFrame, event: str) -> NDArray[np.float64]:
    """Who had an event, array (patient,) of 0 and 1; nan where the column is empty.

    Parameters
    ----------
    event : a yes/no column, or a condition such as ``best_response=CR``.

    Raises
    ------
    InputError
        When there is no such column, or a column named alone holds other than yes and no.
    """
    import polars as pl

    column, is_condition, value = event.partition("=")
    if column not in frame.columns:
        hint = nearest(column, frame.columns)
        raise InputError(Problem("--event", event, "is not a column of the patients", hint))
    values = frame[column].cast(pl.String) == value if is_condition else frame[column]
    try:
        event_by_patient = values.cast(pl.Float64).to_numpy()
    except pl.exceptions.PolarsError:
        event_by_patient = np.array([np.inf])
    if not np.isin(event_by_patient[~np.isnan(event_by_patient)], (0.0, 1.0)).all():
        rule = "is not a column of yes and no"
        raise InputError(Problem("--event", event, rule, f"Say which value counts: {column}=..."))
    return np.asarray(event_by_patient)


def read_targets(path: Path) -> Mapping[str, Mapping[str, float]]:
    """Published targets from a YAML file: column to mean, sd, median, proportion, or above and share.

    Raises
    ------
    InputError
        With every entry that is not a mapping of numbers.
    """
    content = read_yaml(path)
    problems = [
        Problem(f"{path.name}: {column}", target, "must map words such as mean to numbers", "Write {mean: 41}.")
        for column, target in content.items()
        if not isinstance(target, dict)
        or any(isinstance(value, bool) or not isinstance(value, int | float) for value in target.values())
    ]
    if problems:
        raise InputError(problems)
    return content


def write_weights(frame: pl.DataFrame, matched: Matched, path: Path) -> None:
    """The table with a column ``weight``, as CSV.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    import polars as pl

    with writing_to("--out", path):
        write_whole(path, frame.with_columns(weight=pl.Series(matched.weights)).write_csv())
