"""`engager design`: operating characteristics of a trial design, by virtual trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, Quiet, Seed, Tables, Threads
from engager.core import DESIGN_REPLICATES, InputError, Problem

if TYPE_CHECKING:
    from engager.study import DesignResult

# A terminal shows these without what the page says beside them.
_SHORT = ("patients", "events", "months", "bias")


def design(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study file with a design block.")],
    patients: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...",
            help="Patients of one virtual trial, several sizes to compare, e.g. 60,120,240; default: the design's own.",
        ),
    ] = None,
    replicates: Annotated[
        int, typer.Option(metavar="N", help="Virtual trials of each scenario, size and world.")
    ] = DESIGN_REPLICATES,
    seed: Seed = 1,
    parameters: Annotated[
        str,
        typer.Option(
            metavar="PARAMETERS", help="posterior, or a file of engager calibrate; its median is reported too."
        ),
    ] = "posterior",
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="New folder for report.html, tables and manifest.")
    ] = None,
    tables: Tables = None,
    work: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Keep finished arms here instead; default: in --out."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Add virtual trials to the finished design in --out; it keeps those it has."),
    ] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Estimate power, type I error, stopping and size of a trial design from virtual trials.

    Example: engager design examples/design-randomized.yaml --replicates 200 --out my-design
    """
    from engager.app.progress import share_progress
    from engager.core import check_tables_path, writing_to
    from engager.study import (
        arms_place,
        check_addition,
        check_new_design,
        design_json,
        design_study,
        load_protocol,
        write_design,
        write_design_tables,
    )

    if out is None and resume:
        hint = "Name the folder of the finished design with --out."
        raise InputError(Problem("--resume", "no --out", "needs a folder", hint))
    if out is not None and not resume:
        check_new_design(out)
    if tables is not None:
        check_tables_path(tables)
    protocol = load_protocol(study)
    for note in protocol.notes():
        remark(f"Note: {note}")
    sizes = _sizes(patients)
    if out is not None and resume:
        check_addition(out, protocol, replicates=replicates, seed=seed, patients=sizes, parameters=parameters)
    arms = arms_place(out) if out is not None and work is None else None
    with share_progress(quiet) as tell:
        found = design_study(
            protocol,
            replicates=replicates,
            seed=seed,
            patients=sizes,
            parameters=parameters,
            n_threads=threads,
            work=work or arms,
            progress=tell,
        )
    page = None
    if out is not None:
        with writing_to("--out", out):
            page = write_design(found, out, arms, replaces=resume)
    if tables is not None:
        remark(f"Tables: {write_design_tables(found, tables)}")
    if as_json:
        print_json(design_json(found))
    else:
        _print(found)
    for note in found.notes:
        remark(f"Note: {note}")
    if kept := found.manifest["replicates_kept"]:
        remark(f"Kept {kept} earlier virtual trials and simulated {replicates - kept} more.")
    if page is not None:
        remark(f"Report: {page}")


def _sizes(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(Problem("--patients", text, "must be whole numbers above 0, e.g. 60,120,240"))
    return tuple(int(part) for part in parts)


def _print(found: DesignResult) -> None:
    from engager.study import COLUMNS, LOOK_COLUMNS, characteristics_cells, look_cells, prior_sentences, rule_sentences

    for sentence in rule_sentences(found):
        typer.echo(sentence)
    typer.echo("")
    several = len({row.scenario for row in found.rows}) > 1
    first = ["scenario", "patients"] if several else ["patients"]

    def head(scenario: str, n: int) -> list[str]:
        return [scenario, str(n)] if several else [str(n)]

    rows = []
    for row in found.rows:
        cells = characteristics_cells(found, row)
        rows.append([*head(row.scenario, row.n_patients), *(_cell(cells[name], name in _SHORT) for name in COLUMNS)])
    columns = [*first, *(f"mean {name}" if name in _SHORT[:3] else name for name in COLUMNS)]
    print_table(columns, rows, right=("patients", *columns[-5:-2]))
    typer.echo("")
    rows = []
    for row in found.rows:
        for k in range(len(row.rules.information)):
            cells = look_cells(row, k)
            shown = [_cell(cells[name]) for name in LOOK_COLUMNS]
            rows.append([*head(row.scenario, row.n_patients), str(k + 1), *shown])
    print_table([*first, "look", *LOOK_COLUMNS], rows, right=("patients", "look"))
    size = f"{found.manifest['replicates']} virtual trials each, {found.manifest['seconds']:.0f} s"
    remark(f"{size}; ± is the Monte Carlo standard error.")
    for sentence in prior_sentences(found):
        remark(sentence)


def _cell(cell: tuple[str, str], is_short: bool = False) -> str:
    if is_short:
        return cell[0]
    return f"{cell[0]} ({cell[1]})" if cell[1] and not cell[1].startswith("±") else " ".join(cell).strip()
