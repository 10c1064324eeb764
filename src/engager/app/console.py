"""Where things are printed: tables to stdout, remarks to stderr, JSON as one object."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

PLAIN_WIDTH = 160


def print_json(content: Any) -> None:
    """One JSON value on stdout."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


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
