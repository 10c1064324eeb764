"""One replicate of a run, as the datasets need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from engager.analysis import check_patients
from engager.core import OUTCOMES, InputError, Problem
from engager.protocol import Protocol
from engager.study.adam.dataset import Variable
from engager.study.adam.subjects import subject_rows, subject_variables
from engager.study.run.folder import RunFolder

# Variables of ADSL that other datasets carry along: name there -> name in ADSL.
_CORE = {"STUDYID": "STUDYID", "USUBJID": "USUBJID", "SUBJID": "SUBJID", "TRTP": "TRT01P", "TRTA": "TRT01A"}
# What the datasets read of the patients table beside what the estimates need.
_NEEDED = ("age_years", "female", *(one.name for one in OUTCOMES))
_LABELS = {"TRTP": "Planned Treatment", "TRTA": "Actual Treatment"}


@dataclass(frozen=True)
class Source:
    """What the datasets are made from.

    Attributes
    ----------
    protocol : the study. replicate : its virtual trial. reference_date : first day of accrual.
    variables : of ADSL.
    subjects : patients table of the replicate with ADSL's variables as further columns.
    visits, events, trajectories : of the replicate.
    """

    protocol: Protocol
    replicate: int
    reference_date: date
    variables: list[Variable]
    subjects: pl.DataFrame
    visits: pl.DataFrame
    events: pl.DataFrame
    trajectories: pl.DataFrame

    @property
    def followed(self) -> pl.DataFrame:
        """Subjects whose simulation did not fail."""
        return self.subjects.filter(~pl.col("failed"))

    def of_subjects(self, table: pl.DataFrame) -> pl.DataFrame:
        """Rows of another table beside their subject's columns; where both have one, the subject's ends in _entry."""
        subjects = self.followed.drop("replicate")
        return table.join(subjects, on=["arm", "patient"], how="inner", suffix="_entry", maintain_order="left")

    def core(self) -> list[Variable]:
        """Identifiers and treatment, as every dataset but ADSL begins."""
        return self._copied(_CORE)

    def carried(self, *names: str) -> list[Variable]:
        """Variables of ADSL, unchanged; those that ADSL lacks are skipped."""
        known = {one.name for one in self.variables}
        return self._copied({name: name for name in names if name in known})

    def _copied(self, names: Mapping[str, str]) -> list[Variable]:
        known = {one.name: one for one in self.variables}
        return [
            Variable(name, _LABELS.get(name, known[there].label), known[there].kind, pl.col(f"adsl_{there}"),
                     f"ADSL.{there}", "Predecessor", known[there].codes)
            for name, there in names.items()
        ]  # fmt: skip


def read_source(run: RunFolder, replicate: int, reference_date: date) -> Source:
    """One replicate of a finished run.

    Raises
    ------
    InputError
        When the run has no such replicate, or its tables cannot be read or are those of another version.
    """
    n = int(run.manifest["replicates"])
    if not 0 <= replicate < n:
        rule = f"must be from 0 to {n - 1}; the run has {n} replicate{'s' if n > 1 else ''}"
        raise InputError(Problem("--replicate", replicate, rule))
    protocol = run.protocol
    tables = {name: _table(run, name, replicate) for name in ("patients", "visits", "events", "trajectories")}
    _check_columns(tables["patients"])
    subjects = subject_rows(protocol, tables["patients"], tables["events"], reference_date)
    variables = subject_variables(protocol, tables["patients"].columns, reference_date)
    # Named apart from the columns of the run, which some expressions still read.
    subjects = subjects.with_columns(one.value.alias(f"adsl_{one.name}") for one in variables)
    return Source(
        protocol, replicate, reference_date, variables, subjects,
        tables["visits"], tables["events"], tables["trajectories"],
    )  # fmt: skip


def _check_columns(patients: pl.DataFrame) -> None:
    check_patients(patients)
    absent = [name for name in _NEEDED if name not in patients.columns]
    if absent:
        rule, hint = "must be a column; the run is of an older version", "Run the study again."
        raise InputError([Problem("patients table", name, rule, hint) for name in absent])


def _table(run: RunFolder, name: str, replicate: int) -> pl.DataFrame:
    try:
        table = run.table(name)
    except (OSError, pl.exceptions.PolarsError) as error:
        rule = f"must be a run with this table ({type(error).__name__})"
        raise InputError(Problem(f"{name}.parquet", run.path, rule, "Run the study again.")) from error
    return table.filter(pl.col("replicate") == replicate)
