"""Where things are printed: tables to stdout, remarks to stderr, JSON as one object."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from engager.report import Verdict

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


def print_comparisons(entries: list[dict[str, Any]], verdict: Verdict, with_trial: bool = False) -> None:
    """Published beside simulated, one row a figure, in the words of the report; `with_trial` adds the study.

    Parameters
    ----------
    entries : comparisons as in ``comparisons.json``. verdict : of all of them; its coverage heads the intervals.
    """
    from engager.core import figure
    from engager.report import distance, mark, use_words, what, without_repeats

    columns = ["arm", "outcome", "use", "published (95 % CI)", f"simulated ({verdict.interval_words})", "difference"]
    rows = []
    entries = [dict(one) for one in without_repeats(entries)]
    for one in entries:
        published, simulated, statistic = one["published"], one["simulated"], one["statistic"]
        rows.append(
            [
                one["arm"],
                what(one),
                use_words(one),
                figure(published["value"], published["low"], published["high"], statistic),
                figure(
                    simulated["median"], simulated["low"], simulated["high"], statistic, simulated.get("reason", "")
                ),
                distance(one),
                mark(one).replace("outside", "OUTSIDE"),
            ]
        )
    columns = [*columns, "verdict"]
    if with_trial:
        columns = ["trial", *columns]
        rows = [[entry["trial"], *row] for entry, row in zip(entries, rows, strict=True)]
    print_table(columns, rows)


def print_predictions(entries: list[dict[str, Any]], verdict: Verdict) -> None:
    """Simulated figures alone, one row each."""
    from engager.core import figure
    from engager.report import what

    rows = [
        [
            entry["arm"],
            f"{what(entry)} ({entry['definition']})" if entry.get("definition") else what(entry),
            figure(entry["median"], entry["low"], entry["high"], entry["statistic"], entry.get("reason", "")),
        ]
        for entry in entries
    ]
    print_table(["arm", "outcome", f"simulated ({verdict.interval_words})"], rows)
