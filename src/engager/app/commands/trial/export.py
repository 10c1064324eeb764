"""`engager trial export`: a finished run as a spreadsheet, CSV files or CDISC ADaM."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, RunArgument

FORMATS = ("xlsx", "csv", "adam")


def export_run(
    run: RunArgument,
    out: Annotated[Path, typer.Option(metavar="PATH", help="New .xlsx file; a new folder for csv and adam.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="xlsx: every table in one file; csv: one file per table; adam: SAS transport files and define.xml."
            " Default: xlsx when --out ends in .xlsx, else adam.",
        ),
    ] = None,
    replicate: Annotated[int, typer.Option(metavar="N", help="Virtual trial whose patients are written, from 0.")] = 0,
    reference_date: Annotated[
        datetime,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d"],
            show_default="2000-01-01",
            help="adam: first day of accrual, from which all dates are counted.",
        ),
    ] = datetime(2000, 1, 1),
    as_json: AsJson = False,
) -> None:
    """Write the tables of a run for other programs, every column explained.

    Example: engager trial export runs/tower --out tower.xlsx
    """
    from engager.core import InputError, Problem
    from engager.study import export_adam, export_tables

    chosen = form or ("xlsx" if out.suffix == ".xlsx" else "adam")
    if chosen not in FORMATS:
        raise InputError(Problem("--format", chosen, f"must be one of {', '.join(FORMATS)}"))
    if chosen != "adam":
        written = export_tables(run, out, form=chosen, replicate=replicate)
        if as_json:
            print_json(written.as_json())
        else:
            print_table(["table", "rows"], [[name, str(n)] for name, n in written.rows.items()], right=("rows",))
        remark(f"Written: {written.path}")
        return
    found = export_adam(run, out, replicate=replicate, reference_date=reference_date.date())
    if as_json:
        print_json(found.as_json())
    else:
        rows = [[name, str(n), str(found.variables[name])] for name, n in found.rows.items()]
        print_table(["dataset", "rows", "variables"], rows, right=("rows", "variables"))
    if found.n_failed:
        remark(f"{found.n_failed} subjects could not be followed to the end; they are in ADSL only (FAILFL).")
    for text in found.left_out:
        remark(f"Left out: {text}")
    remark(f"Written: {found.folder}")
