"""`engager validate`: published figures beside their predictions, over several studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engager.app.console import print_comparisons, print_json, print_table, remark
from engager.app.options import AsJson, Quiet, Seed, Tables, Threads, complete_left_out, complete_validated
from engager.core import VALIDATION_REPLICATES, whole_percent

if TYPE_CHECKING:
    from engager.study import Validation

OBSERVATIONS = "observations"
_OBSERVATION_KEYS = ("id", "use", "quantity", "observed", "simulated", "low", "high", "inside")
_USES = (("fit", "fitted"), ("check", "checked"), (None, "unmarked"))


def validate(
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STUDY",
            help="A study file or id; may be repeated. observations: courses within patients instead of trials."
            " Default: every shipped study.",
            autocompletion=complete_validated,
        ),
    ] = None,
    replicates: Annotated[int, typer.Option(metavar="N", help="Virtual trials of each study.")] = VALIDATION_REPLICATES,
    seed: Seed = 1,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STUDY",
            help="Predict this study of the fit from the others; may be repeated. each: every study in turn.",
            autocompletion=complete_left_out,
        ),
    ] = None,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="With --leave-out: predict from earlier studies only.")
    ] = False,
    parameters: Annotated[
        str,
        typer.Option(
            metavar="PARAMETERS",
            help="posterior; posterior:own: each study as itself again, not as a new trial; center; table; or a file of"
            " engager calibrate.",
        ),
    ] = "posterior",
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Also split the scatter into patients, parameters and Monte Carlo error."),
    ] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write everything to this document; an old one is replaced."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Also write one self-contained HTML page with figures, individual patients and what drives"
            " the outcomes; an old one is replaced.",
        ),
    ] = None,
    tables: Tables = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Compare virtual trials with every published figure, those the model was fitted to and those it was not.

    A figure outside its interval is a finding, not an error: the exit code is 0.

    It is 1 when the solver failed in more than one patient in a thousand of a study, which is then not judged.

    Example: engager validate --against tower --replicates 40 --report trust.html
    """
    from engager.app.progress import share_progress
    from engager.core import InputError, Problem, check_places, check_tables_path
    from engager.study import studies_named, studies_with_targets, validate_studies, write_validation_tables

    if tables is not None:
        check_tables_path(tables)
    if OBSERVATIONS in (against or []):
        if len(against or []) > 1:
            rule = "must be given without other studies"
            raise InputError(Problem("--against", OBSERVATIONS, rule, "Run the command twice."))
        check_places(replaced={"--report": report})
        _against_observations(seed, as_json, report, tables)
        return
    check_places(replaced={"--markdown": markdown, "--report": report})
    if leave_out:
        if tables is not None:
            raise InputError(Problem("--tables", tables, "does not go with --leave-out", "Use --json."))
        _leave_out(leave_out, in_order, parameters, seed, threads, markdown, quiet, as_json)
        return
    if in_order:
        raise InputError(Problem("--in-order", "given", "goes with --leave-out only", "Add --leave-out each."))
    studies = studies_named(against) if against else studies_with_targets()
    for study in studies:
        for note in study.notes() if against else ():
            remark(f"Note: {note}")
    with share_progress(quiet) as tell:
        found = validate_studies(
            studies, replicates=replicates, seed=seed, parameters=parameters, n_threads=threads, progress=tell
        )
    if markdown is not None or report is not None:
        _write(markdown, report, found, against or [])
    if tables is not None:
        remark(f"Tables: {write_validation_tables(found, tables)}")
    if as_json:
        print_json(found.as_json())
    else:
        from engager.report import verdict_of

        told = [one.as_json() for one in found.comparisons]
        print_comparisons(told, verdict_of(told, found.replicates), with_trial=True)
        if uncertainty:
            _print_uncertainty(found)
        _tell_counts(found)
    if found.unjudged:
        remark(f"Too many patients failed for a verdict: {', '.join(found.unjudged)}.")
        raise typer.Exit(1)


def _leave_out(
    names: list[str],
    in_order: bool,
    parameters: str,
    seed: int,
    threads: int | None,
    markdown: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Studies of the fit predicted without themselves; the markdown file gets a section of its own at its end."""
    from engager.app.progress import share_progress
    from engager.calibration import fit_defaults
    from engager.core import write_whole, writing_to
    from engager.study import emulator_named, leave_out, left_out_text, posterior_named

    model = fit_defaults()["model"]
    posterior, emulator = posterior_named(parameters, model), emulator_named(parameters, model)
    with share_progress(quiet) as tell:
        found = leave_out(posterior, emulator, names, seed=seed, in_order=in_order, n_threads=threads, progress=tell)
    others = "the studies published before it" if in_order else "the other studies of the fit"
    text = left_out_text(found, f"Each study predicted by {others}.")
    if markdown is not None:
        asked = "".join(f" --leave-out {name}" for name in names) + (" --in-order" if in_order else "")
        title = "Studies in order of publication" if in_order else "Studies left out"
        head = f"# {title}\n\nMade by `engager validate{asked} --seed {seed} --markdown {markdown}`.\n\n"
        with writing_to("--markdown", markdown):
            write_whole(markdown, f"{head}{text}\n")
        remark(f"Wrote {markdown}")
    if as_json:
        print_json({"left_out": [one.as_json() for one in found]})
    else:
        typer.echo(text)


def _tell_counts(found: Validation) -> None:
    from engager.report import verdict_of

    for use, words in _USES:
        inside, n = found.inside(use)
        if n:
            remark(f"{inside} of {n} {words} figures inside ({100 * inside / n:.0f} %).")
    if found.width_ratio is not None:
        remark(f"Prediction intervals are {found.width_ratio:.2f} times as wide as the published ones (median).")
    for band in found.acceptance():
        if band.is_met is not None:
            remark(
                f"{'Met' if band.is_met else 'NOT met'}: {band.words} {band.found:.2f};"
                f" wanted: at {'most' if band.is_most else 'least'} {band.limit:g}."
            )
    few = verdict_of([one.as_json() for one in found.comparisons], found.replicates).remark
    if few:
        remark(few)
    for note in found.notes:
        remark(f"Note: {note}")
    for text in found.not_simulated:
        remark(f"Not simulated: {text}")
    if found.n_failed:
        remark(f"{found.n_failed} patients could not be followed to the end and are left out of the figures.")


def _print_uncertainty(found: Validation) -> None:
    rows = []
    for one, split in zip(found.comparisons, found.uncertainties, strict=True):
        share = split.parameter_share
        rows.append(
            [
                one.study, one.arm, one.endpoint, one.statistic.replace("_", " "), split.scale,
                *(_decimal(value) for value in (split.between_patients, split.parameters)),
                whole_percent(share),
                _decimal(split.monte_carlo[0]),
            ]
        )  # fmt: skip
    columns = [
        "trial", "arm", "endpoint", "statistic", "scale", "patients", "parameters", "variance from parameters",
        "Monte Carlo",
    ]  # fmt: skip
    print_table(columns, rows)


def _decimal(value: float) -> str:
    return f"{value:.3f}" if value == value else "-"


def _against_observations(seed: int, as_json: bool, report: Path | None, tables: Path | None) -> None:
    """Courses and facts within patients beside the model's."""
    from engager.calibration import validate_observations
    from engager.study import write_validation_tables

    remark("Simulating the patients behind the observations; a few seconds.")
    rows = validate_observations(seed)
    listed = [{key: _plain(row[key]) for key in _OBSERVATION_KEYS} for row in rows]
    if report is not None:
        from engager.study import credibility_content, write_credibility

        command = f"engager validate --against {OBSERVATIONS} --seed {seed} --report {report}"
        told = [{key: _plain(value) for key, value in row.items()} for row in rows]
        write_credibility(credibility_content(None, told, command, seed), report)
        remark(f"Wrote {report}")
    if tables is not None:
        told = [{key: _plain(value) for key, value in row.items()} for row in rows]
        remark(f"Tables: {write_validation_tables(None, tables, told)}")
    if as_json:
        print_json({"targets": listed})
        return
    marks = {True: "yes", False: "NO", None: "-"}
    cells = [[*(_shown(row[key]) for key in _OBSERVATION_KEYS[:-1]), marks[row["inside"]]] for row in listed]
    print_table(list(_OBSERVATION_KEYS), cells)
    for use, words in _USES[:2]:
        judged = [row["inside"] for row in listed if row["use"] == use and row["inside"] is not None]
        if judged:
            remark(f"{sum(judged)} of {len(judged)} {words} observations inside.")


def _plain(value: Any) -> Any:
    """NumPy scalars as plain ones; what JSON cannot hold as null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(markdown: Path | None, report: Path | None, found: Validation, against: list[str]) -> None:
    from engager.core import write_whole, writing_to
    from engager.study import credibility_content, validation_text, write_credibility

    rows: list[dict[str, Any]] = []
    if not against:
        from engager.calibration import validate_observations

        remark("Simulating the patients behind the observations; a few seconds.")
        rows = [{key: _plain(value) for key, value in row.items()} for row in validate_observations(found.seed)]
    chosen = "".join(f" --against {name}" for name in against)
    command = (
        f"engager validate{chosen} --replicates {found.replicates} --seed {found.seed} --parameters {found.parameters}"
    )
    if markdown is not None:
        text = validation_text(found, f"{command} --markdown {markdown}", rows)
        with writing_to("--markdown", markdown):
            write_whole(markdown, text)
        remark(f"Wrote {markdown}")
    if report is not None:
        content = credibility_content(found, rows, f"{command} --report {report}", found.seed)
        with writing_to("--report", report):
            write_credibility(content, report)
        remark(f"Wrote {report}")
