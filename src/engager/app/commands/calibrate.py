"""`engager calibrate`: fit the population to the figures marked for fitting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, Quiet, Tables, Threads, complete_fitted
from engager.core import whole_percent

if TYPE_CHECKING:
    from engager.study import Calibration

TIME_COURSES = "time-courses"
REGIMENS = "regimens"
_DEFAULT_OUT = {TIME_COURSES: "time-course-fit.yaml", REGIMENS: "regimen-strength.yaml", None: "posterior-b-all.json"}


def calibrate(
    targets: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STUDY",
            help="Study file or id whose `use: fit` targets are fitted; may be repeated. The word time-courses:"
            " individual courses instead of trials; regimens: strengths of chemotherapy regimens."
            " Default: the shipped fit.",
            autocompletion=complete_fitted,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="New file for the fit. Default: posterior-b-all.json in this folder."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="With time-courses: also write an HTML page with the estimates and individual patients.",
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Keep finished rounds here; default: beside --out until it is done."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Default: the shipped fit's.")] = None,
    members: Annotated[
        int | None, typer.Option(metavar="N", help="Draws of the posterior; default: the shipped fit's.")
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(metavar="N", help="Rounds in which all draws are simulated; default: the shipped fit's."),
    ] = None,
    recover: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Instead of a fit: simulate this many known truths and report whether small fits recover them.",
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="With --recover: also write this document; an old one is replaced."),
    ] = None,
    tables: Tables = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Fit the population's values to several trials at once and write the posterior.

    Example: engager calibrate --members 100 --rounds 2 --out posterior.json
    """
    from engager.calibration import emulator_path
    from engager.core import InputError, Problem, check_tables_path, clear_away, problems_of, reserved

    if recover is not None:
        if tables is not None:
            raise InputError(Problem("--tables", tables, "does not go with --recover", "Use --markdown or --json."))
        _recover(recover, targets or [], out, report, work, markdown, seed, members, rounds, threads, quiet, as_json)
        return
    word = next((one for one in (TIME_COURSES, REGIMENS) if one in (targets or [])), None)
    if word and len(targets or []) > 1:
        raise InputError(Problem("--targets", word, "must be given without studies", "Run the command twice."))
    out = out or Path(_DEFAULT_OUT[word])
    problems = []
    if tables is not None and word:
        problems.append(Problem("--tables", tables, "goes with a fit to studies only", "Leave it out."))
    elif tables is not None:
        check_tables_path(tables)
    if markdown is not None:
        problems.append(Problem("--markdown", markdown, "goes with --recover only", "Leave it out."))
    beside = () if word else (emulator_path(out),)
    if not word and out.exists():
        clear_away(_rounds_place(out))  # a kill between the file and the end left them
    problems += problems_of("--out", out, is_new=True)
    problems += [Problem("--out", path, "must not exist yet", "Name a new one.") for path in beside if path.exists()]
    if report is not None and word != TIME_COURSES:
        problems.append(Problem("--report", report, f"goes with --targets {TIME_COURSES} only"))
    elif report is not None:
        problems += problems_of("--report", report, is_new=False)
    if problems:
        raise InputError(problems)
    with reserved("--out", out):
        if word == TIME_COURSES:
            _fit_courses(out, report, seed, quiet, as_json)
        elif word == REGIMENS:
            _fit_regimens(out, quiet, as_json)
        else:
            _fit_population(out, targets or (), members, rounds, seed, work, tables, threads, quiet, as_json)


def _rounds_place(out: Path) -> Path:
    """Where the rounds of a fit are kept until its file is there."""
    return out.with_name(f".{out.stem}.rounds")


def _fit_population(
    out: Path,
    targets: Sequence[str],
    members: int | None,
    rounds: int | None,
    seed: int | None,
    work: Path | None,
    tables: Path | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """The population's values, to figures of several trials."""
    from engager.app.progress import share_progress
    from engager.core import clear_away, writing_to
    from engager.study import calibrate_population

    place = work or _rounds_place(out)
    with share_progress(quiet) as tell:
        found = calibrate_population(
            targets, members=members, rounds=rounds, seed=seed, work=place, n_threads=threads, progress=tell
        )
    with writing_to("--out", out):
        found.write(out)
    if tables is not None:
        remark(f"Tables: {found.write_tables(tables)}")
    if work is None:
        clear_away(place)
    if as_json:
        print_json({"out": str(out), **found.as_json()})
    else:
        _print_summary(found)
    remark(f"Wrote {out}; use it with --parameters {out}")


def _recover(
    truths: int,
    targets: list[str],
    out: Path | None,
    report: Path | None,
    work: Path | None,
    markdown: Path | None,
    seed: int | None,
    members: int | None,
    rounds: int | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Small fits to synthetic figures: ranks of the truths, and how often intervals hold them."""
    from engager.app.progress import share_progress
    from engager.calibration import recover, recovery_plan
    from engager.core import InputError, Problem, problems_of, write_whole, writing_to
    from engager.study import recovery_json, recovery_rows, recovery_text

    problems = problems_of("--markdown", markdown, is_new=False) if markdown is not None else []
    if truths < 1:
        problems.append(Problem("--recover", truths, "must be at least 1"))
    others = {"--targets": targets[0] if targets else None, "--out": out, "--report": report}
    problems += [
        Problem(option, given, "does not go with --recover", "It fits its own studies and keeps no posterior.")
        for option, given in others.items()
        if given is not None
    ]
    if problems:
        raise InputError(problems)
    plan = recovery_plan(members, rounds, seed)
    with share_progress(quiet) as tell:
        found = recover(plan, truths, work=work, progress=tell, n_threads=threads)
    if markdown is not None:
        made = f"engager calibrate --recover {truths} --markdown {markdown}"
        with writing_to("--markdown", markdown):
            write_whole(markdown, recovery_text(plan, found, made))
        remark(f"Wrote {markdown}")
    if as_json:
        print_json(recovery_json(plan, found))
        return
    print_table(["of", "90 % intervals", "ranks in fifths"], recovery_rows(plan, found), right=("90 % intervals",))


def _print_summary(found: Calibration) -> None:
    rows = []
    for row in found.summary():
        parts = (row["prior"], row["posterior"])
        shown = [f"{part['median']:.3g} ({part['low']:.3g} to {part['high']:.3g})" for part in parts]
        rows.append([row["name"], *shown, whole_percent(row["width_left"])])
    print_table(["unknown", "prior (95 %)", "posterior (95 %)", "width left"], rows, right=("width left",))
    made = found.posterior.provenance
    history = ", ".join(f"{value:.1f}" for value in made["misfit_of_each_round"])
    remark(f"Misfit of each round (about 1 when all is explained): {history}")
    if errors := made["emulation_error_of_each_round"]:
        away = ", ".join(f"{value:.2f}" for value in errors)
        remark(f"Emulated figures away from those then simulated, in standard errors, round by round: {away}")


def _fit_courses(out: Path, report: Path | None, seed: int | None, quiet: bool, as_json: bool) -> None:
    from engager.app.progress import share_progress
    from engager.calibration import calibrate_time_courses, write_time_course_fit

    with share_progress(quiet) as tell:
        fit = calibrate_time_courses(1 if seed is None else seed, progress=lambda share: tell("fitting courses", share))
    write_time_course_fit(fit, out)
    if report is not None:
        from engager.study import calibration_content, write_credibility

        command = f"engager calibrate --targets {TIME_COURSES} --seed {fit.provenance['seed']} --report {report}"
        write_credibility(calibration_content(fit, command), report)
        remark(f"Wrote {report}")
    if as_json:
        print_json({"out": str(out), "population": fit.population, "standard_errors_log": fit.standard_errors})
    else:
        rows = []
        for name, value in fit.population.items():
            error = fit.standard_errors.get(name)
            rows.append([name, f"{value:.4g}", whole_percent(error)])
        print_table(["value", "fitted", "standard error"], rows, right=("standard error",))
    remark(f"Wrote {out}")


def _fit_regimens(out: Path, quiet: bool, as_json: bool) -> None:
    from engager.app.progress import share_progress
    from engager.calibration import calibrate_regimens, shipped_posterior, write_regimen_strengths
    from engager.core import InputError, Problem

    posterior = shipped_posterior("b-all")
    if posterior is None:
        rule = "needs the population's posterior"
        raise InputError(Problem("--targets", REGIMENS, rule, "Run engager calibrate first."))
    with share_progress(quiet) as tell:
        found = calibrate_regimens(posterior, progress=lambda share: tell("fitting regimens", share))
    write_regimen_strengths(found, out)
    if as_json:
        print_json({"out": str(out), **found})
    else:
        rows = [
            [slug, f"{row['strength']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}", row["endpoint"],
             f"{row['events']}/{row['n']}", "" if row["is_reached"] else "rate not reached"]
            for slug, row in found["regimens"].items()
        ]  # fmt: skip
        print_table(["regimen", "strength", "95 %", "endpoint", "published", ""], rows, right=("strength",))
    remark(f"Wrote {out}")
