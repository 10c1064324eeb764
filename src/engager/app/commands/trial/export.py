"""`engager trial export`: a finished run as CDISC ADaM."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import print_json, print_table, remark

FORMATS = ("adam",)


def export_run(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="runs/<id>/run.json, or the run folder.")],
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
    form: Annotated[str, typer.Option("--format", help="adam: SAS transport files and define.xml.")] = "adam",
    replicate: Annotated[int, typer.Option(help="Virtual trial of the run; one study per export.")] = 0,
    reference_date: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d"], show_default="2000-01-01", help="First day of accrual; all dates rest on it."
        ),
    ] = datetime(2000, 1, 1),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write one replicate of a run as CDISC ADaM datasets (SAS transport files) with Define-XML."""
    from engager.core import InputError, Problem
    from engager.study import export_adam

    if form not in FORMATS:
        raise InputError(Problem("--format", form, f"must be one of {', '.join(FORMATS)}"))
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
