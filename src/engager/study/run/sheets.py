"""A finished run as tables for other programs: one spreadsheet, or a folder of CSV files, every header explained.

In: a run folder. Out: comparisons and estimates of all virtual trials; patients, visits, events and trajectories of
one of them, since those of all may be more than a sheet holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engager.core import (
    COMPARISONS,
    COVARIATES,
    ESTIMATES,
    EVENTS,
    RESEARCH_USE,
    TRAJECTORIES,
    VISITS,
    InputError,
    Problem,
    meanings,
    patient_columns,
    write_tables,
)
from engager.study.figure_row import figure_row
from engager.study.run.folder import RunFolder
from engager.study.run.tables import TABLES

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class TablesExport:
    """What was written.

    Attributes
    ----------
    path : the file or folder. run, replicate : of what. rows : number by table.
    """

    path: Path
    run: str
    replicate: int
    rows: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"path": str(self.path), "run": self.run, "replicate": self.replicate, "rows": self.rows}


def export_tables(run: str | Path, out: str | Path, *, form: str = "xlsx", replicate: int = 0) -> TablesExport:
    """Write the tables of a run.

    Parameters
    ----------
    run : a run folder or its ``run.json``.
    out : new file ending in ``.xlsx``, or new folder for ``csv``.
    form : ``xlsx`` or ``csv``.
    replicate : virtual trial whose patients, visits, events and trajectories are written, from 0.

    Raises
    ------
    InputError
        When there is no finished run, or it was altered, no such replicate, `out` exists, ends in something else or
        cannot be made, or XlsxWriter is not installed.
    """
    target = Path(out)
    _check(target, form)
    folder = RunFolder.open(run)
    n_replicates = int(folder.manifest["replicates"])
    if not 0 <= replicate < n_replicates:
        rule = f"must be from 0 to {n_replicates - 1}, as the run has {n_replicates} virtual trials"
        raise InputError(Problem("--replicate", replicate, rule))
    tables = run_tables(folder, replicate)
    told = {name: explained(name, table.columns) for name, table in tables.items()}
    write_tables(target, tables, told, _about(folder, replicate), "--out")
    return TablesExport(target, folder.id, replicate, {name: table.height for name, table in tables.items()})


def run_tables(folder: RunFolder, replicate: int) -> dict[str, pl.DataFrame]:
    """Comparisons and estimates of the whole run, the other tables of one virtual trial; an empty one is left out."""
    import polars as pl

    names = [column.name for column in COMPARISONS]
    flat = [figure_row(one) for one in folder.comparisons]
    tables = {"comparisons": pl.DataFrame(flat, infer_schema_length=None).select(names)} if flat else {}
    tables["estimates"] = folder.table("estimates")
    for name in TABLES:
        tables[name] = folder.table(name).filter(pl.col("replicate") == replicate)
    return {name: table for name, table in tables.items() if table.height}


def explained(table: str, columns: list[str]) -> dict[str, str]:
    """What each column of a table of a run holds."""
    known = {
        "comparisons": meanings(COMPARISONS),
        "estimates": meanings(ESTIMATES),
        "patients": {one.in_table: f"{one.meaning}, at entry" for one in COVARIATES} | meanings(patient_columns()),
        "visits": meanings(VISITS),
        "events": meanings(EVENTS),
        "trajectories": meanings(TRAJECTORIES),
    }[table]
    other = (
        "of the disease model, in the unit that its name ends in"
        if table == "trajectories"
        else "named by the study file"
    )
    return {name: known.get(name, other) for name in columns}


def _about(folder: RunFolder, replicate: int) -> list[str]:
    manifest = folder.manifest
    return [
        f"{folder.protocol.title or folder.protocol.study}: run {folder.id}, seed {manifest['seed']}, "
        f"{manifest['replicates']} virtual trials of {manifest['patients_per_replicate']} patients. " + RESEARCH_USE,
        "comparisons and estimates hold all virtual trials; patients, visits, events and trajectories hold "
        f"virtual trial {replicate}.",
    ]


def _check(target: Path, form: str) -> None:
    problems = []
    if form == "xlsx" and target.suffix != ".xlsx":
        problems.append(Problem("--out", target, "must end in .xlsx", "For a folder of CSV files: --format csv."))
    if form == "csv" and target.suffix == ".xlsx":
        problems.append(Problem("--out", target, "must be a folder", "For a spreadsheet: --format xlsx."))
    if target.exists():
        problems.append(Problem("--out", target, "must not exist yet", "Choose a new name."))
    if problems:
        raise InputError(problems)
