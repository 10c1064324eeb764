"""The `engager` program: one group of commands per module, errors told once, exit codes kept.

Exit codes: 0 done, 1 it ran but the answer is no (or an internal error), 2 bad input, 130 interrupted.
Data go to stdout, everything else to stderr. Heavy layers are imported by the command that needs them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from engager.app.commands.bench import compare_solvers
from engager.app.commands.calibrate import calibrate
from engager.app.commands.design import design
from engager.app.commands.evidence import evidence_app
from engager.app.commands.model import model_app
from engager.app.commands.patient import draw_patient
from engager.app.commands.regimen import regimen_app
from engager.app.commands.replay import replay_run
from engager.app.commands.review import review_command
from engager.app.commands.sensitivity import sensitivity
from engager.app.commands.serve import serve
from engager.app.commands.trial.studies import trial_app
from engager.app.commands.validate import validate
from engager.app.errors import INTERRUPTED, flush_output, refuse_closed_streams, tell_error
from engager.app.usage import is_usage_error, tell_usage
from engager.core import RESEARCH_USE

# In the order of use: what most people do first, what one looks up, what takes a fit, what looks after the rest.
_IN_ORDER = (
    "trial", "patient", "evidence", "regimen", "model", "review", "design", "sensitivity", "validate", "calibrate",
    "replay", "serve", "bench",
)  # fmt: skip


class _InOrder(TyperGroup):
    """Commands in the order of use (Typer lists groups behind commands), and help without types of Python."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=_IN_ORDER.index)

    def get_params(self, ctx: Any) -> list[Any]:
        _leave_out_types(self, ctx)
        return list(super().get_params(ctx))


def _leave_out_types(command: Any, ctx: Any) -> None:
    """Keep ``<bool>`` of a switch and ``<str>`` beside ``STUDY`` out of the help: they say nothing to its readers."""
    for parameter in (*command.params, command.get_help_option(ctx)):
        if parameter.param_type_name == "argument" or parameter.is_flag:
            parameter.display_type_rich = lambda ctx: None
    for one in getattr(command, "commands", {}).values():
        _leave_out_types(one, ctx)


# After a stop, so long is a further one taken for the same.
_PATIENCE_SECONDS = 3.0

app = typer.Typer(
    name="engager",
    cls=_InOrder,
    help=(
        f"What would this trial of a T-cell engager show, in these patients? {RESEARCH_USE}\n\n"
        "Example: engager trial run tower"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(trial_app, name="trial")
app.add_typer(evidence_app, name="evidence")
app.add_typer(regimen_app, name="regimen")
app.add_typer(model_app, name="model")
app.command("patient")(draw_patient)
app.command("review")(review_command)
app.command("design")(design)
app.command("calibrate")(calibrate)
app.command("validate")(validate)
app.command("sensitivity")(sensitivity)
app.command("replay")(replay_run)
app.command("serve")(serve)
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
    refuse_closed_streams()
    _end_as_by_ctrl_c()
    try:
        try:
            code = app(standalone_mode=False)
        finally:
            flush_output()
        if code == INTERRUPTED:  # Typer has caught it and says nothing
            raise KeyboardInterrupt
    except (Exception, KeyboardInterrupt) as error:
        from engager.core import ignore_from_now_on

        ignore_from_now_on()
        told = tell_usage(error, sys.argv[1:]) if is_usage_error(error) else tell_error(error)
        raise SystemExit(told) from None
    if code:
        raise SystemExit(code)


def _end_as_by_ctrl_c() -> None:
    """Let SIGTERM, with which batch systems and containers stop a program, keep what Ctrl-C keeps.

    Who presses twice means it once: what came while finished work is being kept would end that without a word.
    """
    last = -_PATIENCE_SECONDS

    def stop(number: int, frame: object) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PATIENCE_SECONDS:
            last = now
            raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else ignored, as in the background
            signal.signal(signal.SIGINT, stop)


if __name__ == "__main__":
    main()
