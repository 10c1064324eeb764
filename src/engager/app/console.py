"""Where things are printed: tables to stdout, remarks to stderr, JSON as one object."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

PLAIN_WIDTH = 160


def print_json(content: Any) -> None:
    """One JSON value on stdout."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def answer_alone() -> Callable[[str], None]:
    """Keep stdout for one answer: returns what prints it, and sends all else to stderr for the rest of the program.

    Libraries in C and Fortran write to file descriptor 1 themselves, and what they have buffered comes at the very end,
    so the descriptor is not given back.
    """
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # replaced by something that is no file, as in a notebook or a test
        return lambda text: print(text)
    kept = os.fdopen(os.dup(number), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), number)

    def answer(text: str) -> None:
        print(text, file=kept, flush=True)

    return answer


def remark(text: str) -> None:
    """A line for the reader, not for a pipe."""
    typer.echo(text, err=True)


def print_table(columns: list[str], rows: list[list[str]], right: tuple[str, ...] = ()) -> None:
    """A table on stdout; in a pipe it is plain and wide enough not to wrap."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    (Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)).print(table)


def print_comparisons(entries: list[dict[str, Any]], with_trial: bool = False) -> None:
    """Published beside simulated, one row a figure; `with_trial` adds the study and how the figure is used."""
    columns = ["arm", "endpoint", "statistic", "published (95% CI)", "simulated (95% prediction)", "inside"]
    rows = [_comparison(entry) for entry in entries]
    if with_trial:
        columns = ["trial", "use", *columns]
        rows = [[entry["trial"], entry["use"] or "", *row] for entry, row in zip(entries, rows, strict=True)]
    print_table(columns, rows)


def print_predictions(entries: list[dict[str, Any]]) -> None:
    """Simulated figures alone, one row each."""
    rows = [
        [
            entry["arm"],
            f"{entry['endpoint']} ({entry['definition']})" if entry.get("definition") else entry["endpoint"],
            _statistic(entry),
            _figure(entry["median"], entry["low"], entry["high"], entry["statistic"]),
        ]
        for entry in entries
    ]
    print_table(["arm", "endpoint", "statistic", "simulated (95% prediction)"], rows)


def _statistic(entry: dict[str, Any]) -> str:
    at = f" {round(entry['time_months'], 1):g} mo" if entry["time_months"] else ""
    if entry["statistic"] == "curve":
        return f"curve, farthest{at}"
    found: str = entry["statistic"].replace("_", " ") + at
    return found


def _comparison(entry: dict[str, Any]) -> list[str]:
    published, simulated, statistic = entry["published"], entry["simulated"], entry["statistic"]
    group = f" [{entry['subgroup']}]" if entry.get("subgroup") else ""
    inside = {True: "yes", False: "NO", None: "-"}[entry["inside"]]
    return [
        entry["arm"],
        entry["endpoint"] + group,
        _statistic(entry),
        _figure(published["value"], published["low"], published["high"], statistic),
        _figure(simulated["median"], simulated["low"], simulated["high"], statistic),
        inside,
    ]


def _figure(value: float | None, low: float | None, high: float | None, statistic: str) -> str:
    shown = _number(value, statistic)
    if low is None and high is None:
        return shown
    return f"{shown} ({_number(low, statistic)} to {_number(high, statistic)})"


def _number(value: float | None, statistic: str) -> str:
    is_share = statistic in ("proportion", "survival_at", "cumulative_at", "curve")
    if value is None:
        return "-" if is_share else "not reached"
    if is_share:
        return f"{100 * value:.1f} %"
    unit = " mo" if statistic in ("median", "follow_up_median") else ""
    return f"{value:.2f}{unit}"
