"""`engager evidence`: list, show, cite and check the published evidence.

Data go to stdout (tables, CSV, JSON, citations), everything else to stderr. Computes nothing itself.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engager.app.commands import (
    evidence_synthesis as evidence_synthesis_commands,
    evidence_use as evidence_use_commands,
)
from engager.app.options import AsJson, RecordArgument, Regimens, complete_record

if TYPE_CHECKING:
    from rich.console import Console

    from engager.evidence import Outcome, Record

evidence_app = typer.Typer(
    help="Published evidence: records, pooled estimates, figures, citations.", no_args_is_help=True
)

AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


@evidence_app.command("list")
def list_records(
    regimen: Regimens = None,
    drug_class: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Class of regimen, e.g. t_cell_engager.")
    ] = None,
    setting: Annotated[
        str | None, typer.Option(metavar="SETTING", help="E.g. relapsed_refractory, mrd_positive.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="ENDPOINT", help="Records with a figure of it, e.g. CR.")
    ] = None,
    design: Annotated[
        str | None, typer.Option(metavar="DESIGN", help="E.g. randomized_trial, single_arm_trial.")
    ] = None,
    year: Annotated[str | None, typer.Option(metavar="YEAR", help="2015, 2010-2016, 2010- or -2005.")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """List the records, filtered.

    Example: engager evidence list --regimen blinatumomab --endpoint OS
    """
    from engager.evidence import find_records, summary

    found = find_records(regimen or (), drug_class, setting, endpoint, design, year)
    rows = [summary(record) for record in found]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif as_csv:
        typer.echo(_csv(rows), nl=False)
    else:
        _print_list(rows)
        typer.echo(f"{len(rows)} record{'' if len(rows) == 1 else 's'}", err=True)


@evidence_app.command("show")
def show_record(
    record_id: RecordArgument,
    as_json: AsJson = False,
) -> None:
    """Show one record: every figure with its source, and what was never seen in one.

    Example: engager evidence show tower-2017
    """
    from engager.evidence import record, summary

    entry = record(record_id)
    if as_json:
        content = entry.model_dump(mode="json", by_alias=True, exclude_none=True)
        figures = [outcome.as_dict() for outcome in entry.outcomes]
        typer.echo(json.dumps({**summary(entry), **content, "outcomes": figures}, indent=2, ensure_ascii=False))
    else:
        _print_card(entry)


@evidence_app.command("cite")
def cite_record(
    record_id: Annotated[
        str | None, typer.Argument(metavar="RECORD", help="A record, e.g. tower-2017.", autocompletion=complete_record)
    ] = None,
    style: Annotated[str, typer.Option("--format", metavar="FORMAT", help="bibtex, ris, csl-json or text.")] = "text",
    everything: Annotated[bool, typer.Option("--all", help="The review's 42 references, corrected.")] = False,
) -> None:
    """Cite one record, or with --all the review's whole reference list, corrected.

    Example: engager evidence cite tower-2017 --format bibtex
    """
    from engager.core import InputError, Problem
    from engager.evidence import citation_corrections, cite, cite_all, load_records, record

    if everything == (record_id is not None):
        given = f"{record_id} and --all" if everything else "neither"
        rule = "must be either a record ID or --all"
        raise InputError(Problem("evidence cite", given, rule, "`engager evidence list` shows the ids."))
    typer.echo(cite_all(style) if record_id is None else cite(record(record_id), style))
    cited = [one for one in load_records().values() if one.reference] if record_id is None else [record(record_id)]
    for one in cited:
        if told := citation_corrections(one):
            typer.echo(f"Note: {one.id}: {told}.", err=True)


@evidence_app.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(metavar="PATH", help="A record file to contribute.")],
    as_json: AsJson = False,
) -> None:
    """Check a record file: list everything that is wrong in it, or sum up what it holds.

    Example: engager evidence check my-record.yaml
    """
    from engager.core import InputError
    from engager.evidence import contribution_remarks, contribution_words, read_record, summary

    if not as_json:
        entry = read_record(file)
        for note in contribution_remarks(entry):
            typer.echo(note, err=True)
        typer.echo(f"{file}: {contribution_words(entry)}")
        return
    try:
        answer: dict[str, Any] = {"valid": True, "problems": [], "record": summary(read_record(file))}
    except InputError as error:
        told = [
            {"where": p.where, "value": str(p.value), "rule": p.rule, "next_step": p.next_step} for p in error.problems
        ]
        answer = {"valid": False, "problems": told, "record": None}
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    if not answer["valid"]:
        raise typer.Exit(2)


@evidence_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a record file.

    Example: engager evidence schema > record.schema.json
    """
    from engager.evidence import record_schema

    typer.echo(record_schema(), nl=False)


@evidence_app.command("export")
def export_tables(
    place: Annotated[Path, typer.Argument(metavar="PATH", help="New or empty folder, or a new .xlsx file.")],
) -> None:
    """Write all figures: a folder with CSV, Parquet, DuckDB and their schema, or one spreadsheet.

    Example: engager evidence export evidence.xlsx
    """
    from engager.evidence import export_evidence, write_evidence_sheets

    for path in [write_evidence_sheets(place)] if place.suffix == ".xlsx" else export_evidence(place):
        typer.echo(str(path))


evidence_synthesis_commands.add_to(evidence_app)
evidence_use_commands.add_to(evidence_app)


def _csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV; lists are joined by semicolons."""
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: "; ".join(map(str, v)) if isinstance(v, list | tuple) else v for k, v in row.items()})
    return buffer.getvalue()


def _console() -> Console:
    """Stdout; when it is not a terminal, wide enough that no id is cut."""
    import sys

    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)


def _print_list(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("ref", justify="right")
    table.add_column("id", no_wrap=True)
    table.add_column("year")
    table.add_column("kind", no_wrap=True)
    table.add_column("setting", no_wrap=True)
    table.add_column("n", justify="right")
    table.add_column("figures", justify="right")
    table.add_column("regimens")
    for row in rows:
        cells = ("reference", "id", "year", "kind", "setting", "n", "n_outcomes")
        table.add_row(*(_cell(row[key]) for key in cells), ", ".join(row["regimens"]))
    _console().print(table)


def _print_card(entry: Record) -> None:
    from rich.markup import escape
    from rich.table import Table

    from engager.evidence import citation_remarks, cite, quantity_words

    console = _console()
    console.print(f"[bold]{entry.id}[/bold]  {entry.kind.replace('_', ' ')}", highlight=False)
    console.print(escape(cite(entry)), highlight=False)
    if noted := citation_remarks(entry):
        console.print(escape(f"on the citation: {noted}"), highlight=False)
    people = entry.population
    facts = [
        f"age {people.age_group}",
        f"lineage {people.lineage}",
        f"Ph {people.ph}",
        f"setting {people.setting}",
    ]
    console.print(", ".join(facts).replace("_", " "), highlight=False)
    for text in entry.eligibility:
        console.print(f"  - {escape(text)}", highlight=False)
    for arm in entry.arms:
        n = "n not seen" if arm.n is None else f"n = {arm.n}"
        console.print(f"\n[bold]{arm.id}[/bold] ({n}; regimen {arm.regimen})", highlight=False)
        console.print(escape(arm.description), highlight=False)
        if arm.baseline:
            _print_baseline(console, arm.baseline, arm.source)
        _print_figures(console, [o for o in entry.outcomes if o.arm == arm.id and o.subgroup is None])
    own = {arm.id for arm in entry.arms}
    between = [o for o in entry.outcomes if o.arm not in own and o.subgroup is None]
    if between:
        console.print("\n[bold]Between groups[/bold]")
        _print_figures(console, between, with_arm=True)
    parts = [o for o in entry.outcomes if o.subgroup is not None]
    if parts:
        console.print("\n[bold]Subgroups[/bold]")
        _print_figures(console, parts, with_arm=True)
    if entry.quantities:
        console.print("\n[bold]Quantities[/bold]")
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("what", "value", "source"):
            table.add_column(name)
        for quantity in entry.quantities:
            table.add_row(escape(quantity.name), escape(quantity_words(quantity)), _joined(quantity.source))
        console.print(table)
    console.print("\n[bold]Sources[/bold]")
    for name, source in entry.sources.items():
        seen = "" if source.seen else "  (not seen)"
        console.print(f"  {name}  {escape(source.what)}; {escape(source.where)}{seen}", highlight=False)
    console.print("\n[bold]Notes[/bold]\n" + escape(entry.notes), highlight=False)
    console.print("\n[bold]Never seen in a source[/bold] (believed only; never used as data)")
    for claim in entry.unseen:
        console.print(f"  {escape(claim.claim)}: {escape(claim.believed)}", highlight=False)
    if not entry.unseen:
        console.print("  nothing noted")


def _print_baseline(console: Console, baseline: dict[str, dict[str, Any]], arm_source: Any) -> None:
    from rich.markup import escape

    from engager.evidence import span_words

    for trait, values in baseline.items():
        source = values.get("source", arm_source)
        told = ", ".join(f"{key} {span_words(value)}" for key, value in values.items() if key != "source")
        named = f"  [{_joined(source)}]" if source else ""
        console.print(f"  {trait.replace('_', ' ')}: {escape(told + named)}", highlight=False)


def _print_figures(console: Console, outcomes: list[Outcome], with_arm: bool = False) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not outcomes:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    if with_arm:
        table.add_column("group")
    for name in ("endpoint", "statistic", "value", "interval", "events/n", "source", "remarks"):
        table.add_column(name)
    for outcome in outcomes:
        group = [f"{outcome.arm}: {outcome.subgroup}" if outcome.subgroup else outcome.arm] if with_arm else []
        remarks = [outcome.window, outcome.definition, outcome.note, f"p {outcome.p}" if outcome.p else None]
        remarks.append("derived" if outcome.derived else None)
        row = [
            *group,
            outcome.endpoint,
            _statistic(outcome),
            _value(outcome),
            _interval(outcome),
            _counts(outcome),
            ", ".join(outcome.source),
            "; ".join(text for text in remarks if text),
        ]
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def _statistic(outcome: Outcome) -> str:
    at = f" {outcome.time_months:.3g} mo" if outcome.time_months is not None else ""
    return outcome.statistic.replace("_", " ") + at


def _value(outcome: Outcome) -> str:
    from engager.evidence import span_words

    if outcome.value is None:
        return span_words(outcome.spread) if outcome.spread else "-"
    if outcome.unit == "fraction":
        return f"{100 * outcome.value:.3g} %"
    unit = {"months": " mo", "days": " d", "per_patient_year": " /py"}.get(outcome.unit, "")
    return f"{outcome.value:.3g}{unit}"


def _interval(outcome: Outcome) -> str:
    if outcome.low is None and outcome.high is None:
        return ""
    scale = 100.0 if outcome.unit == "fraction" else 1.0
    low, high = ("not reached" if v is None else f"{scale * v:.3g}" for v in (outcome.low, outcome.high))
    level = "" if outcome.level == 0.95 else f" ({100 * outcome.level:g} % interval)"
    return f"{low} to {high}{level}"


def _counts(outcome: Outcome) -> str:
    if outcome.events is None and outcome.n is None:
        return ""
    return f"{_cell(outcome.events)}/{_cell(outcome.n)}" + (" (arm)" if outcome.is_n_of_arm else "")


def _joined(source: Any) -> str:
    return source if isinstance(source, str) else ", ".join(source)


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
