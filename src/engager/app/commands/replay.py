"""`engager replay`: run a finished run again and see whether the bits are the same."""

from __future__ import annotations

import typer

from engager.app.console import print_json, remark
from engager.app.options import AsJson, RunArgument, Threads


def replay_run(
    run: RunArgument,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a run again and compare the result with its files bit by bit; exit code 1 if anything differs.

    Example: engager replay runs/tower
    """
    from engager.study import replay

    found = replay(run, n_threads=threads)
    if as_json:
        print_json(
            {
                "run": str(found.run),
                "same": found.is_same,
                "tables": found.n_tables,
                "different": list(found.different),
                "altered": dict(found.altered),
                "misread": list(found.misread),
                "inputs": list(found.changed_inputs),
                "versions": {name: list(pair) for name, pair in found.changed_versions.items()},
            }
        )
    elif found.is_same:
        typer.echo(f"{found.run}: all {found.n_tables} tables are the same, bit by bit, and no file was altered.")
    else:
        if found.different:
            typer.echo(f"{found.run}: simulated again, not the same in {', '.join(found.different)}.")
        for name, how in found.altered.items():
            typer.echo(f"{found.run}: {name} is {how} since the run.")
        if found.misread:
            typer.echo(f"{found.run}: on the disk, not as the manifest says: {', '.join(found.misread)}.")
    for name in found.changed_inputs:
        remark(f"Note: the input {name} has changed since the run.")
    for name, (then, now) in found.changed_versions.items():
        remark(f"Note: {name} was {then}, is {now}.")
    if found.different and "cpu" in found.changed_versions:
        remark("Note: NumPy computes exp and log differently on this CPU; replay on a CPU like that of the run.")
    if not found.is_same:
        raise typer.Exit(1)
