"""Reading a patient table and published targets for matching, and writing the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engager.core import InputError, Problem, nearest
from engager.evidence.reading import read_yaml

if TYPE_CHECKING:
    import polars as pl

    from engager.evidence.matching import Matched


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
        raise InputError(Problem("patients", str(path), "must end in .parquet or .csv"))
    try:
        frame = pl.read_parquet(path) if kind == ".parquet" else pl.read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            Problem("patients", str(path), f"cannot be read ({error})", "Check the file.")
        ) from None
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
        raise InputError(Problem("patients", str(path), "holds no patient"))
    return frame


def read_targets(path: Path) -> Mapping[str, Mapping[str, float]]:
    """Published targets from a YAML file: column to mean, sd, median, proportion, or above and share.

    Raises
    ------
    InputError
        With every entry that is not a mapping of numbers.
    """
    content = read_yaml(path)
    problems = [
        Problem(
            f"{path.name}: {column}", target, "must map words such as mean to numbers", "Write {mean: 41}."
        )
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

    try:
        frame.with_columns(weight=pl.Series(matched.weights)).write_csv(path)
    except OSError as error:
        rule = f"cannot be written ({error.strerror or error})"
        raise InputError(Problem("--out", str(path), rule, "Choose another place.")) from None
