"""`engager calibrate`: fit the population to the figures marked for fitting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import remark


def calibrate(
    targets: Annotated[
        list[str] | None,
        typer.Option(
            help="Study file or id whose `use: fit` targets are fitted; may be repeated. Default: the shipped fit."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="New file for the posterior.")] = Path("posterior.json"),
    work: Annotated[
        Path | None, typer.Option(help="Folder for what is done so far; a stopped fit goes on from there.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Default: the shipped fit's.")] = None,
    members: Annotated[int | None, typer.Option(help="Draws moved together; default: the shipped fit's.")] = None,
    portions: Annotated[int | None, typer.Option(help="Portions the data are given in.")] = None,
    threads: Annotated[int | None, typer.Option(help="Default: all cores. Changes no number.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Fit the population's values to several trials at once and write the posterior."""
    from engager.app.progress import share_progress
    from engager.calibration import fit_population, shipped_plan
    from engager.core import InputError, Problem
    from engager.study import load_protocol

    problems = [
        Problem(f"--{name}", value, f"must be at least {least}")
        for name, value, least in (("members", members, 2), ("portions", portions, 1), ("seed", seed, 0))
        if value is not None and value < least
    ]
    if out.exists():
        problems.append(Problem("--out", str(out), "must not exist yet", "Name a new file."))
    if not out.parent.is_dir():
        problems.append(Problem("--out", str(out), "must be in a folder that exists"))
    if problems:
        raise InputError(problems)
    plan = shipped_plan(members, portions, seed)
    if targets:
        plan = replace(plan, studies=tuple(load_protocol(name) for name in targets))
    if not any(plan.points):
        raise InputError(Problem("--targets", targets, "must mark at least one target with `use: fit`"))
    with share_progress(quiet) as tell:
        posterior = fit_population(plan, work=work, progress=tell, n_threads=threads)
    posterior.write(out)
    history = ", ".join(f"{value:.1f}" for value in posterior.provenance["misfit_before_each_portion"])
    remark(f"Misfit before each portion: {history}")
    remark(f"Wrote {out}")
