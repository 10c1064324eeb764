"""`engager trial compare`: finished runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson


def compare_command(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders; the others are compared with the first.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="PATH", help="Write a page (.html) or a table (.xlsx, .csv, .parquet); must not exist."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare finished runs: what differs between the studies, and every result with its difference.

    Example: engager trial compare runs/tower runs/my-variant --report beside.html
    """
    from engager.study import (
        arms_of,
        compare_runs,
        comparison_json,
        coverage_words,
        difference_cell,
        outside_words,
        row_title,
        run_cell,
        write_comparison,
    )

    found = compare_runs(runs)
    page = write_comparison(found, out) if out is not None else None
    if as_json:
        print_json(comparison_json(found))
    else:
        for heading, changes in (("study", found.study_changes), ("run", found.input_changes)):
            if changes:
                rows = [[key, *(value if value is not None else "-" for value in values)] for key, values in changes]
                print_table([f"differs in the {heading}", *found.names], rows)
                typer.echo("")
        for arm in arms_of(found.figures):
            rows = []
            for one in (figure for figure in found.figures if figure.arm == arm):
                others = range(1, len(found.names))
                cells = [cell for k in others for cell in (run_cell(one, k), difference_cell(one, k))]
                rows.append([row_title(one), run_cell(one, 0), *cells])
            heads = [head for name in found.names[1:] for head in (name, "difference")]
            print_table([arm, found.names[0], *heads], rows)
            typer.echo("")
        remark(coverage_words(found))
        for sentence in outside_words(found):
            remark(f"Note: {sentence}")
    if page is not None:
        remark(f"Written: {page}")
