"""`engager regimen`: the published regimens, and which of them can be run as a trial arm."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import typer

from engager.app.options import AsJson, RegimenArgument

regimen_app = typer.Typer(help="Regimens: drugs, doses, days, cycles, with their sources.", no_args_is_help=True)


@regimen_app.command("list")
def list_regimens(as_json: AsJson = False) -> None:
    """List all regimens, and mark those whose doses were not seen or that cannot be an arm.

    Example: engager regimen list
    """
    from engager.evidence import load_regimens, regimen_summary

    rows = [regimen_summary(entry) for entry in load_regimens().values()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    _print_list(rows)
    typer.echo(f"{len(rows)} regimens", err=True)
    for row in rows:
        if row["not_an_arm_because"]:
            typer.echo(f"{row['slug']}: no arm of a trial; {row['not_an_arm_because']}", err=True)


@regimen_app.command("show")
def show_regimen(
    slug: RegimenArgument,
    as_json: AsJson = False,
) -> None:
    """Show one regimen: each dose with unit, route, days and cycles, and where it was seen.

    Example: engager regimen show blinatumomab
    """
    from engager.evidence import regimen

    entry = regimen(slug)
    if as_json:
        typer.echo(json.dumps(entry.as_dict(), indent=2, ensure_ascii=False))
        return
    _print_regimen(entry)


def _print_list(rows: list[dict[str, Any]]) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("slug", no_wrap=True)
    table.add_column("class", no_wrap=True)
    table.add_column("cycle", justify="right")
    table.add_column("doses", no_wrap=True)
    table.add_column("arm", no_wrap=True)
    table.add_column("drugs")
    for row in rows:
        doses = "complete" if row["is_complete"] else ("not seen" if row["status"] == "unseen" else "partly seen")
        cycle = "-" if row["cycle_days"] is None else f"{row['cycle_days']} d"
        arm = "yes" if row["runs_as_arm"] else "no"
        table.add_row(row["slug"], row["drug_class"], cycle, doses, arm, ", ".join(row["drugs"]))
    (Console() if sys.stdout.isatty() else Console(width=160)).print(table)


def _print_regimen(entry: Any) -> None:
    import sys

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(f"[bold]{entry.slug}[/bold]  {escape(', '.join(entry.names))}", highlight=False)
    console.print(escape(entry.class_text) + (f"; {escape(entry.setting)}" if entry.setting else ""), highlight=False)
    cycle = "cycle length not seen" if entry.cycle_days is None else f"cycle of {entry.cycle_days} days"
    if entry.cycle_days_range:
        cycle = f"cycle of {entry.cycle_days_range[0]} to {entry.cycle_days_range[1]} days"
    if entry.cycle_days_continued:
        cycle += f", later {entry.cycle_days_continued} days"
    most = "" if entry.cycles_max is None else f", at most {entry.cycles_max} cycles"
    console.print(cycle + most, highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("drug", "dose", "route", "days", "cycles", "part", "role", "remarks"):
        table.add_column(name)
    for dose in entry.drugs:
        table.add_row(*(escape(cell) for cell in _dose_row(dose)))
    if entry.drugs:
        console.print(table)
    for reason in entry.incomplete_because:
        console.print(f"[bold]incomplete[/bold]: {escape(reason)}", highlight=False)
    if entry.given_as is not None:
        doses = ", then ".join(f"{dose.amount:g} {dose.unit}" for dose in _steps(entry.given_as.drugs))
        given = f"{doses}, {entry.given_as.cycles} x {entry.given_as.cycle_days} days; {entry.given_as.because}"
        console.print(f"[bold]as a trial arm[/bold]: {escape(given)}", highlight=False)
    if entry.not_an_arm_because:
        console.print(f"[bold]no arm of a trial[/bold]: {escape(entry.not_an_arm_because)}", highlight=False)
    for title, lines in (("Rules", entry.rules), ("Unseen", entry.unseen), ("Seen in", entry.sources)):
        if lines:
            console.print(f"[bold]{title}[/bold]")
        for line in lines:
            console.print(f"  {escape(line)}", highlight=False)
    if entry.notes:
        console.print(escape(entry.notes), highlight=False)
    console.print(f"Records: {', '.join(entry.evidence)}", highlight=False)


def _steps(doses: Any) -> list[Any]:
    """The doses without those that repeat the amount before."""
    return [dose for before, dose in pairwise((None, *doses)) if not before or before.amount != dose.amount]


def _dose_row(dose: Any) -> list[str]:
    amount = "not seen" if dose.amount is None else f"{dose.amount:g} {dose.unit}"
    if dose.amount_range:
        amount = f"{dose.amount_range[0]:g} to {dose.amount_range[1]:g} {dose.unit}"
    if dose.every_hours:
        amount += f" every {dose.every_hours} h"
    if dose.cap is not None:
        amount += f", at most {dose.cap:g} {dose.cap_unit}"
    days = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in dose.days)
    if not days:
        days = dose.days_text or (f"from {dose.start_day}" if dose.start_day is not None else "not seen")
    cycles = "all" if dose.cycles is None else ", ".join(map(str, dose.cycles))
    hours = f" over {dose.infusion_hours:g} h" if dose.infusion_hours else ""
    remarks = "; ".join(text for text in (f"until {dose.stop}" if dose.stop else None, dose.note) if text)
    return [
        dose.drug,
        amount,
        (dose.route or "not seen") + hours,
        days,
        cycles,
        dose.part or "",
        dose.role,
        remarks,
    ]
