"""A comparison of runs as a page or a table."""

from __future__ import annotations

from pathlib import Path

from engager.core import (
    COMPARED_RUNS,
    InputError,
    Problem,
    meanings,
    parquet_bytes,
    spreadsheet_bytes,
    write_whole,
    writing_to,
)
from engager.report import CompareContent, render_comparison
from engager.study.compare.result import RunComparison
from engager.study.compare.words import (
    arms_of,
    comparison_table,
    coverage_words,
    difference_cell,
    is_told_apart,
    outside_words,
    row_title,
    run_cell,
)


def write_comparison(found: RunComparison, path: Path) -> Path:
    """The comparison as a page (``.html``) or as a table (``.xlsx``, ``.csv``, ``.parquet``).

    Raises
    ------
    InputError
        When the ending is another, the file exists, or it cannot be written.
    """
    if path.suffix not in (".html", ".xlsx", ".csv", ".parquet"):
        raise InputError(Problem("--report", path, "must end in .html, .xlsx, .csv or .parquet"))
    if path.exists():
        raise InputError(Problem("--report", path, "must not exist yet", "Choose a new name."))
    with writing_to("--report", path):
        if path.suffix == ".html":
            write_whole(path, comparison_html(found))
        elif path.suffix == ".xlsx":
            write_whole(path, _workbook(found))
        elif path.suffix == ".csv":
            write_whole(path, comparison_table(found).write_csv())
        else:
            write_whole(path, parquet_bytes(comparison_table(found)))
    return path


def _workbook(found: RunComparison) -> bytes:
    """Every figure, and what differs in the studies and the inputs."""
    import polars as pl

    tables = {"figures": comparison_table(found)}
    for name, changes in (("differs in study", found.study_changes), ("differs in run", found.input_changes)):
        if changes:
            rows = [{"key": key, **dict(zip(found.names, values, strict=True))} for key, values in changes]
            tables[name] = pl.DataFrame(rows, infer_schema_length=None)
    told = {name: {"key": "place in the file", **{run: f"in run {run}" for run in found.names}} for name in tables}
    return spreadsheet_bytes(
        tables, told | {"figures": meanings(COMPARED_RUNS)}, [coverage_words(found), *outside_words(found)]
    )


def comparison_html(found: RunComparison) -> str:
    """The comparison as the text of its page."""
    return render_comparison(comparison_content(found))


def comparison_content(found: RunComparison) -> CompareContent:
    """The comparison in the form of its page."""
    runs = range(len(found.names))
    groups = [
        {
            "arm": arm,
            "rows": [
                {
                    "title": row_title(one),
                    "cells": [
                        {
                            "value": run_cell(one, k),
                            "difference": difference_cell(one, k) if k else "",
                            "told_apart": is_told_apart(one, k),
                        }
                        for k in runs
                    ],
                }
                for one in found.figures
                if one.arm == arm
            ],
        }
        for arm in arms_of(found.figures)
    ]
    told = [
        (heading, [{"key": key, "values": values} for key, values in rows])
        for heading, rows in (("In the studies", found.study_changes), ("In how they were run", found.input_changes))
    ]
    facts = zip(found.names, found.titles, found.sizes, found.n_replicates, strict=True)
    return CompareContent(
        title=f"{found.names[0]} beside {' and '.join(found.names[1:])}",
        runs=[
            {"name": name, "title": title, "facts": f"{n} virtual trials of {size} patients"}
            for name, title, size, n in facts
        ],
        told=coverage_words(found),
        outside=outside_words(found),
        groups=groups,
        changes=told,
        curves=found.curves,
    )
