"""`engager sensitivity`: what drives the outcomes of a study, and what the fit could tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, Quiet, Seed, StudyArgument, Tables, Threads

if TYPE_CHECKING:
    from engager.study import Sensitivity


def sensitivity(
    study: StudyArgument = "tower",
    arm: Annotated[str | None, typer.Option(metavar="ARM", help="Default: the first arm with an engager.")] = None,
    outputs: Annotated[
        str | None,
        typer.Option(metavar="OUTPUTS", help="Comma-separated; default: all. A wrong name lists the nearest ones."),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(metavar="N", help="Base samples of the patient level, a power of two; more give narrower limits."),
    ] = 1024,
    sets: Annotated[
        int, typer.Option(metavar="N", help="Parameter sets of the trial level, each one virtual trial.")
    ] = 256,
    patients: Annotated[int, typer.Option(metavar="N", help="Patients of one virtual trial.")] = 300,
    over: Annotated[
        str, typer.Option(metavar="OVER", help="Range over which a trial's unknowns vary: posterior or prior.")
    ] = "posterior",
    posterior: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="File of `engager calibrate`; default: the posterior that ships."),
    ] = None,
    seed: Seed = 1,
    out: Annotated[Path, typer.Option(metavar="PATH", help="New folder for tables, figures and the page.")] = Path(
        "sensitivity"
    ),
    summary: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Also write the strongest factors to this small JSON file; an old one is replaced."
        ),
    ] = None,
    tables: Tables = None,
    work: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Keep finished evaluations here; default: beside --out until it is done."),
    ] = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find what drives response, MRD, IL-6, survival and toxicity, between patients and between trials.

    Example: engager sensitivity tower --samples 256 --sets 64 --out tower-sensitivity
    """
    from engager.app.progress import share_progress
    from engager.core import check_places, check_tables_path, clear_away, writing_to
    from engager.study import (
        check_new_sensitivity,
        kept_place,
        load_protocol,
        study_sensitivity,
        write_sensitivity,
        write_sensitivity_tables,
        write_summary,
    )

    check_new_sensitivity(out)
    check_places(replaced={"--summary": summary})
    if tables is not None:
        check_tables_path(tables)
    protocol = load_protocol(study)
    wanted = [name.strip() for name in outputs.split(",") if name.strip()] if outputs else None
    place = work or kept_place(out)
    with share_progress(quiet) as tell:
        found = study_sensitivity(
            protocol,
            arm=arm,
            outputs=wanted,
            samples=samples,
            sets=sets,
            patients=patients,
            over=over,
            posterior=posterior,
            seed=seed,
            n_threads=threads,
            work=place,
            progress=tell,
        )
    # The folder comes last: once it is there the evaluations go, and with them the way to make the rest again.
    if summary is not None:
        with writing_to("--summary", summary):
            write_summary(found, summary)
    if tables is not None:
        remark(f"Tables: {write_sensitivity_tables(found, tables)}")
    with writing_to("--out", out):
        page = write_sensitivity(found, out)
    if work is None:
        clear_away(place)
    for note in found.notes:
        remark(f"Note: {note}")
    if as_json:
        print_json(found.as_json())
    else:
        _print_strongest(found)
    remark(f"Page: {page}")


def _print_strongest(found: Sensitivity) -> None:
    from engager.study import strongest_rows

    print_table(["level", "output", "factor", "alone", "whole", "95 % limits"], strongest_rows(found))
    if (told := found.identifiability) is not None:
        hardly = ", ".join(one.name for one in told.uninformed()) or "none"
        remark(f"Unknowns that the data may not have informed: {hardly}")
