"""`engager review`: the review's references, each with what runs it and how it compares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, Quiet, Seed, Tables, Threads


def review_command(
    report: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the page; must not exist yet.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the document; an old one is replaced.")
    ] = None,
    tables: Tables = None,
    replicates: Annotated[
        int, typer.Option(metavar="N", help="Virtual trials of each study to simulate anew; 0: the figures that ship.")
    ] = 0,
    seed: Seed = 1,
    threads: Threads = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write the simulated figures as JSON; an old file is replaced."),
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Show the 42 references of the review this package began with: what runs each, published beside simulated figures.

    Example: engager review --report review.html
    """
    from engager.app.progress import share_progress
    from engager.core import InputError, Problem, check_places, check_tables_path, write_whole, writing_to
    from engager.study import (
        headline,
        review_json,
        review_of,
        review_text,
        shipped_review_summary,
        simulate_summary,
        warnings_of,
        write_review,
        write_review_summary,
        write_review_tables,
    )

    if replicates < 0:
        raise InputError(Problem("--replicates", replicates, "must be 0 or more"))
    check_places(new={"--report": report}, replaced={"--markdown": markdown, "--summary": summary})
    if tables is not None:
        check_tables_path(tables)
    if replicates:
        with share_progress(quiet) as tell:
            made = simulate_summary(replicates, seed, threads, tell)
    else:
        made = shipped_review_summary()
    found = review_of(made["comparisons"], made["made"], warnings_of(made))
    if summary is not None:
        with writing_to("--summary", summary):
            write_review_summary(made, summary)
    if markdown is not None:
        with writing_to("--markdown", markdown):
            write_whole(markdown, review_text(found, "engager review --markdown docs/review.md"))
    page = write_review(found, report) if report is not None else None
    if as_json:
        print_json(review_json(found))
    else:
        rows = [
            [
                str(row.reference),
                row.record,
                row.kind,
                _run_by(row.studies, len(row.checks), row.links),
                _met(row.judged),
            ]
            for row in found.rows
        ]
        print_table(["#", "record", "what it is", "run by", "met"], rows, right=("#",))
        remark(headline(found))
    for one in found.warnings:
        remark(f"Note: {one}")
    if page is not None:
        remark(f"Report: {page}")
    if tables is not None:
        remark(f"Tables: {write_review_tables(found, tables)}")


def _run_by(studies: tuple[str, ...], n_checks: int, links: tuple[str, ...]) -> str:
    if studies:
        return ", ".join(studies)
    if n_checks:
        return f"{n_checks} checks"
    return f"links to {len(links)} studies" if links else "-"


def _met(judged: tuple[int, int]) -> str:
    return f"{judged[0]} of {judged[1]}" if judged[1] else "-"
