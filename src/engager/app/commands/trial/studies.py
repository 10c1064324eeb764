"""`engager trial`: list, show and run studies, and print the format of their files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engager.app.commands.trial.compare import compare_command
from engager.app.commands.trial.export import export_run
from engager.app.console import print_comparisons, print_json, print_predictions, print_table, remark
from engager.app.options import AsJson, Quiet, Seed, StudyArgument, Threads
from engager.core import TRIAL_REPLICATES, load_module, start_workers, usable_cpus

if TYPE_CHECKING:
    from engager.study import RunFolder

# Processes started before it is known how many patients they would share.
_MOST_AT_ONCE = 4

trial_app = typer.Typer(help="Virtual trials: the shipped ones and your own study files.", no_args_is_help=True)


@trial_app.command("list")
def list_trials(as_json: AsJson = False) -> None:
    """List the shipped studies.

    Example: engager trial list
    """
    from engager.protocol import shipped_headings

    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "title": one.title,
            "record": one.record,
            "patients": one.n_patients,
            "arms": one.arms,
            "targets": one.n_targets,
        }
        for one in shipped_headings()
    ]
    if as_json:
        print_json(rows)
        return
    cells = [[row["id"], str(row["patients"]), _arms(row["arms"]), row["record"] or "-", row["title"]] for row in rows]
    print_table(["id", "patients", "arms", "record", "title"], cells, right=("patients",))


@trial_app.command("show")
def show_trial(
    study: StudyArgument,
    template: Annotated[
        bool, typer.Option("--as-template", help="Leave out targets, record and title, to start a study of your own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a study as a study file, with every default filled in.

    Example: engager trial show tower --as-template > my-trial.yaml
    """
    from engager.protocol import as_template, write_protocol
    from engager.study import load_protocol, outside_fit, run_notes

    protocol = load_protocol(study)
    if template:
        protocol = as_template(protocol)
    if as_json:
        print_json(protocol.model_dump(mode="json", exclude_none=True))
    else:
        typer.echo(write_protocol(protocol), nl=False)
    if template:
        remark(
            "Left out: targets, record and title, which hold for the published trial. Keep the name under `study` to"
            " compare your runs with this study in the same virtual patients; another name draws others."
        )
    for note in run_notes(protocol):
        remark(f"Note: {note}")
    _tell_outside(outside_fit(protocol))


@trial_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the study file, for editors that complete and check.

    Example: engager trial schema > study.schema.json
    """
    from engager.protocol import schema_text

    typer.echo(schema_text(), nl=False)


@trial_app.command("run")
def run_trial(
    study: StudyArgument,
    patients: Annotated[
        int | None, typer.Option(metavar="N", help="Patients of one virtual trial, all arms; default: the study's own.")
    ] = None,
    replicates: Annotated[int, typer.Option(metavar="N", help="Virtual trials to run.")] = TRIAL_REPLICATES,
    seed: Seed = 1,
    parameters: Annotated[
        str,
        typer.Option(
            metavar="PARAMETERS",
            help="posterior: each replicate another draw of the fit; posterior:tower: the same, as TOWER itself again"
            " and not a new trial; center: medians; table: unfitted; or a file of engager calibrate.",
        ),
    ] = "posterior",
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Run folder; must not exist. Default: runs/<study>-<seed>-<time>."),
    ] = None,
    threads: Threads = None,
    chunk: Annotated[
        int | None, typer.Option(metavar="N", help="Replicates saved together. Changes no number.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEDULER",
            help="Dask scheduler to simulate on, e.g. tcp://host:8786, or local. Changes no number.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="cpu, or cuda: the equations on this machine's NVIDIA GPU.")
    ] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run in --out.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run a study and compare it with what was published.

    Example: engager trial run tower --replicates 40 --seed 1 --out runs/tower
    """
    if scheduler is None and device == "cpu":
        # of two cores one would wait while this process reads; how many are worth it is known afterwards
        n_processes = min(threads or usable_cpus(), replicates, _MOST_AT_ONCE)
        start_workers(n_processes, load_module, "engager.trial.loaded")
    from engager.app.progress import run_progress
    from engager.study import load_protocol, run_notes, run_study

    protocol = load_protocol(study)
    for note in run_notes(protocol):
        remark(f"Note: {note}")
    with run_progress(quiet) as tell:
        run = run_study(
            protocol,
            replicates=replicates,
            seed=seed,
            patients=patients,
            parameters=parameters,
            out=out,
            n_threads=threads,
            chunk=chunk,
            scheduler=scheduler,
            device=device,
            progress=tell,
            resume=resume,
            tell=remark,
            report=report,
        )
    summary = run.summary()
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary, run)
    _tell_outside(run.outside_fit)
    for sentence in run.remarks:
        remark(sentence)
    remark(f"Report: {run.report}" if run.report.is_file() else f"Run: {run.path} (no report)")
    if not run.is_judged:
        raise typer.Exit(1)


trial_app.command("compare")(compare_command)
trial_app.command("export")(export_run)


def _print_summary(summary: dict[str, Any], run: RunFolder) -> None:
    size = f"{summary['replicates']} replicates of {summary['patients_per_replicate']} patients"
    verdict = run.verdict
    if summary["comparisons"]:
        print_comparisons(summary["comparisons"], verdict)
        counted = f"Inside: {verdict.headline}" if verdict.headline and run.is_judged else "Not judged"
        remark(f"{counted}; {size}, {summary['seconds']:.0f} s.")
    else:
        print_predictions(run.predictions(), verdict)
        remark(f"Nothing published to compare with; {size}, {summary['seconds']:.0f} s.")
    if verdict.remark:
        remark(verdict.remark)


def _tell_outside(sentences: list[str]) -> None:
    """The banner of a study that extrapolates."""
    if sentences:
        remark("OUTSIDE WHAT THE MODEL WAS FITTED TO: these figures are extrapolations.")
    for sentence in sentences:
        remark(f"  {sentence}")


def _arms(n_by_arm: dict[str, int]) -> str:
    return ", ".join(f"{arm} ({n})" for arm, n in n_by_arm.items())
