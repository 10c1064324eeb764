"""The `engager` program: one group of commands per module, errors told once, exit codes kept.

Exit codes: 0 done, 1 it ran but the answer is no (or an internal error), 2 bad input, 130 interrupted.
Data go to stdout, everything else to stderr. Heavy layers are imported by the command that needs them.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from engager.app.calibrate_command import calibrate
from engager.app.design_command import design
from engager.app.errors import tell_error
from engager.app.evidence_commands import evidence_app
from engager.app.model_commands import model_app
from engager.app.patient_command import draw_patient
from engager.app.regimen_commands import regimen_app
from engager.app.replay_command import replay_run
from engager.app.sensitivity_command import sensitivity
from engager.app.speed_command import compare_solvers
from engager.app.trial_commands import trial_app
from engager.app.validate_command import validate

RESEARCH_USE = "For research and teaching; never advice on treating a patient."

app = typer.Typer(
    name="engager",
    help=f"What would this trial of a T-cell engager show, in these patients? {RESEARCH_USE}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(trial_app, name="trial")
app.add_typer(evidence_app, name="evidence")
app.add_typer(regimen_app, name="regimen")
app.add_typer(model_app, name="model")
app.command("patient")(draw_patient)
app.command("design")(design)
app.command("calibrate")(calibrate)
app.command("validate")(validate)
app.command("sensitivity")(sensitivity)
app.command("replay")(replay_run)
app.command("bench")(compare_solvers)


def _print_version(asked: bool) -> None:
    if asked:
        import engager

        typer.echo(engager.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of unexpected errors.")] = False,
) -> None:
    if debug:
        os.environ["ENGAGER_DEBUG"] = "1"


def main() -> None:
    """Run the program and leave with its exit code."""
    try:
        app()
    except (Exception, KeyboardInterrupt) as error:
        raise SystemExit(tell_error(error)) from None


if __name__ == "__main__":
    main()
