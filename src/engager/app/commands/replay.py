"""`engager replay`: run a finished run again and see whether the bits are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engager.app.console import print_json, remark


def replay_run(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="runs/<id>/run.json, or the run folder.")],
    threads: Annotated[int | None, typer.Option(help="Default: all cores. Changes no number.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate a run again and compare every table, bit by bit; exit 1 when one differs."""
    from engager.study import replay

    found = replay(run, n_threads=threads)
    if as_json:
        print_json(
            {
                "run": str(found.run),
                "same": found.is_same,
                "tables": found.n_tables,
                "different": list(found.different),
                "inputs": list(found.changed_inputs),
                "versions": {name: list(pair) for name, pair in found.changed_versions.items()},
            }
        )
    elif found.is_same:
        typer.echo(f"{found.run}: all {found.n_tables} tables are the same, bit by bit.")
    else:
        typer.echo(f"{found.run}: not the same in {', '.join(found.different)}.")
    for name in found.changed_inputs:
        remark(f"Note: the input {name} is not what it was.")
    for name, (then, now) in found.changed_versions.items():
        remark(f"Note: {name} was {then}, is {now}.")
    if not found.is_same:
        raise typer.Exit(1)
