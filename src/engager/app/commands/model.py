"""`engager model`: the models that ship, and model files of your own."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engager.app.console import print_json, print_table, remark
from engager.app.options import AsJson, complete_model

model_app = typer.Typer(
    help="Models of the disease: equations, parameters, sources; SBML and Antimony files.", no_args_is_help=True
)


@model_app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the shipped models.

    Example: engager model list
    """
    from engager.model import load_model, model_ids

    rows = []
    for model_id in model_ids():
        model = load_model(model_id)
        rows.append(
            {
                "id": model.id,
                "title": model.title,
                "states": len(model.system.states),
                "parameters": len(model.parameters),
                "fitted": sum(row.is_fitted for row in model.parameters.values()),
                "hash": model.hash,
            }
        )
    if as_json:
        print_json(rows)
        return
    columns = ["id", "states", "parameters", "fitted", "title"]
    print_table(columns, [[str(row[name]) for name in columns] for row in rows], right=tuple(columns[1:4]))


@model_app.command("show")
def show_model(
    model_id: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model of `engager model list`.", autocompletion=complete_model)
    ],
    as_json: AsJson = False,
) -> None:
    """Show a model's parameters: value, unit, variability, and source or the assumption behind it.

    Example: engager model show b-all
    """
    from engager.model import load_model

    model = load_model(model_id)
    rows = [_parameter(row) for row in model.parameters.values()]
    if as_json:
        print_json(
            {
                "id": model.id,
                "title": model.title,
                "hash": model.hash,
                "states": list(model.system.states),
                "parameters": rows,
                "sources": model.sources,
            }
        )
        return
    typer.echo(f"{model.title}\nStates: {', '.join(model.system.states)}\n")
    columns = ["name", "value", "unit", "sd_log", "range", "from", "meaning"]
    print_table(columns, [[_cell(row[name]) for name in columns] for row in rows], right=("value", "sd_log"))


def _parameter(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": row.value,
        "unit": row.unit,
        "sd_log": row.sd_log,
        "range": None if row.low is None else [row.low, row.high],
        "from": row.source or f"assumed: {row.assumed}",
        "meaning": row.meaning,
        "fitted": row.is_fitted,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " to ".join(f"{item:g}" for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


@model_app.command("export")
def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A shipped model, or an SBML or Antimony file.", autocompletion=complete_model
        ),
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="sbml (Level 3 Version 2) or antimony.")
    ] = "sbml",
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="New file; default: stdout.")] = None,
) -> None:
    """Write a model in a format for other software.

    Example: engager model export b-all --format sbml --out b-all.xml
    """
    from engager.core import InputError, Problem, nearest, write_whole, writing_to
    from engager.model import to_antimony, to_sbml

    writers = {"sbml": to_sbml, "antimony": to_antimony}
    if form not in writers:
        raise InputError(Problem("--format", form, "must be sbml or antimony", nearest(form, writers)))
    if out is not None and out.exists():
        raise InputError(Problem("--out", out, "must not exist yet", "Name a new file."))
    text = writers[form](_system(model))
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    with writing_to("--out", out):
        write_whole(out, text)
    remark(f"Wrote {out}")


def _system(model: str) -> Any:
    """The equations of a shipped model or of a file; what begins with < is SBML."""
    from engager.core import InputError, Problem, read_at_most
    from engager.model import load_model, read_antimony, read_sbml

    path = Path(model)
    if not path.suffix and len(path.parts) == 1:
        return load_model(model).system
    try:
        content = read_at_most(path, 64 * 2**20)
    except OSError as error:
        raise InputError(Problem("model", model, f"must be a readable file ({error.strerror})")) from error
    if content.lstrip().startswith(b"<"):
        return read_sbml(content, where=path.name)
    return read_antimony(content.decode("utf-8", errors="replace"), where=path.name)


@model_app.command("simulate")
def simulate(
    file: Annotated[Path, typer.Argument(metavar="PATH", help="SBML or Antimony.")],
    until: Annotated[float | None, typer.Option(metavar="NUMBER", help="Last time, in the model's unit.")] = None,
    step: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Time between outputs; default: a hundredth of --until.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A new value; may be repeated.")
    ] = None,
    doses: Annotated[Path | None, typer.Option(metavar="PATH", help="NONMEM-style table of doses.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", metavar="COLUMN", help="Only this column; may be repeated.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="PATH", help="Write here instead of to stdout.")] = None,
    backend: Annotated[str, typer.Option(metavar="BACKEND", help="auto, native, reference or cuda.")] = "auto",
    rtol: Annotated[float, typer.Option(metavar="NUMBER", help="Relative tolerance of a step.")] = 1e-8,
    atol: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Absolute tolerance; default: 1e-6 of --rtol times the largest size of each state so far.",
        ),
    ] = None,
) -> None:
    """Solve a model file and print its course as CSV.

    Example: engager model simulate model.xml --until 10 --csv course.csv
    """
    import csv as csv_module

    from engager.engine import simulate_model

    course = simulate_model(
        file, until, step, set=read_changes(changes or []), doses=doses, csv=csv, columns=columns or None,
        backend=backend, rtol=rtol, atol=atol,
    )  # fmt: skip
    if csv is None:
        course.write(csv_module.writer(sys.stdout, lineterminator="\n"))
    else:
        remark(f"Wrote {csv}")
    for note in course.notes:
        remark(note)
    failed = [status for status in course.status if status != "DONE"]
    if failed:
        remark(f"{len(failed)} of {len(course.status)} patients failed: {', '.join(sorted(set(failed)))}")
        raise typer.Exit(1)


@model_app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(metavar="PATH", help="Cases of the SBML semantic test suite.")],
    backend: Annotated[str, typer.Option(metavar="BACKEND", help="reference or native.")] = "reference",
    as_json: AsJson = False,
) -> None:
    """Run cases of the SBML semantic test suite: which passed, failed or were refused; exit code 1 if one failed.

    Example: engager model verify cases/semantic
    """
    from engager.engine import verify_directory

    report = verify_directory(folder, backend=backend)
    if as_json:
        print_json(report.to_json())
    else:
        shown = [[case, one.status, one.reason] for case, one in sorted(report.cases.items()) if one.status != "passed"]
        if shown:
            print_table(["case", "status", "why"], shown)
        typer.echo(f"{report.passed} passed, {report.failed} failed, {report.refused} refused")
    if report.failed:
        raise typer.Exit(1)


def read_changes(changes: list[str]) -> dict[str, float]:
    """``NAME=VALUE`` options as a mapping.

    Raises
    ------
    InputError
        With all options that cannot be read.
    """
    from engager.core import InputError, Problem
    from engager.protocol import what_to_write

    found: dict[str, float] = {}
    problems = []
    for change in changes:
        name, equals, text = change.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not name.strip() or not equals or not math.isfinite(value):
            hint = what_to_write(text, (name.strip(),)) if equals else ""
            rule = "must be NAME=VALUE with a finite number"
            problems.append(Problem("--set", change, rule, hint or "E.g. --set k=0.3"))
        elif name.strip() in found:
            problems.append(Problem("--set", change, f"must name {name.strip()} once"))
        found[name.strip()] = value
    if problems:
        raise InputError(problems)
    return found
