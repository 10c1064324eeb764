"""Tables for other programs, every header explained: one spreadsheet, or a folder of CSV files.

In: frames and what their columns mean. Out: an ``.xlsx`` file with a sheet a table and, before them, a sheet that
explains the headers; or a CSV file a table and ``columns.csv``. The bytes are the same for the same tables. Text stays
text: a cell that begins with ``=`` is no formula. Spreadsheets need XlsxWriter (extra ``xlsx``).
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engager.core.disk.files import whole_folder, write_whole
from engager.core.disk.places import problems_of, writing_to
from engager.core.errors import InputError, Problem

if TYPE_CHECKING:
    import polars as pl

# What a sheet can hold, without the header, and the characters of a cell.
MOST_ROWS = 1_048_575
_MOST_CHARACTERS = 32_767
_WIDEST = 60
_EXPLAINED = "columns"


def check_tables_path(path: Path, option: str = "--tables") -> None:
    """Refuse a place for tables before any work is done.

    Raises
    ------
    InputError
        When the place exists or cannot be written, or its ending is neither ``.xlsx`` nor that of a folder.
    """
    problems = []
    if path.suffix not in ("", ".xlsx"):
        rule = "must end in .xlsx, or have no ending for a folder of CSV files"
        problems.append(Problem(option, path, rule, f"Write {path.with_suffix('.xlsx')} or {path.with_suffix('')}."))
    problems += problems_of(option, path, is_new=True)
    if problems:
        raise InputError(problems)
    if path.suffix == ".xlsx":
        _xlsxwriter()


def write_tables(
    path: Path,
    tables: Mapping[str, pl.DataFrame],
    meanings: Mapping[str, Mapping[str, str]],
    about: Sequence[str] = (),
    option: str = "--tables",
) -> Path:
    """Write the tables as a workbook when the path ends in ``.xlsx``, else as a folder of CSV files.

    Parameters
    ----------
    tables, meanings, about : as of `spreadsheet_bytes`. option : what the command calls the path.

    Raises
    ------
    InputError
        When the path cannot be written, XlsxWriter is not installed, or a table is longer than a sheet.
    """
    with writing_to(option, path):
        if path.suffix == ".xlsx":
            write_whole(path, spreadsheet_bytes(tables, meanings, about))
        else:
            _write_csv(path, tables, meanings)
    return path


def _write_csv(target: Path, tables: Mapping[str, pl.DataFrame], meanings: Mapping[str, Mapping[str, str]]) -> None:
    import polars as pl

    rows = [
        {"table": name, "column": column, "type": str(dtype), "meaning": meanings.get(name, {}).get(column, "")}
        for name, table in tables.items()
        for column, dtype in table.schema.items()
    ]
    with whole_folder(target) as folder:
        pl.DataFrame(rows).write_csv(folder / f"{_EXPLAINED}.csv")
        for name, table in tables.items():
            table.write_csv(folder / f"{name}.csv")


def spreadsheet_bytes(
    tables: Mapping[str, pl.DataFrame], meanings: Mapping[str, Mapping[str, str]], about: Sequence[str] = ()
) -> bytes:
    """The tables as a workbook.

    Parameters
    ----------
    tables : by name of the sheet, at most 31 characters.
    meanings : by table: what each of its columns holds, with the unit.
    about : sentences above the explanations.

    Raises
    ------
    InputError
        When XlsxWriter is not installed, or tables are longer than a sheet; all of them together.
    """
    xlsxwriter = _xlsxwriter()
    long = [
        Problem(
            "table", f"{name}: {table.height} rows", f"must have at most {MOST_ROWS} rows", "Export fewer replicates."
        )
        for name, table in tables.items()
        if table.height > MOST_ROWS
    ]
    if long:
        raise InputError(long)
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        # A file that says when it was written would differ from one minute to the next.
        book.set_properties({"created": datetime(2000, 1, 1)})
        bold = book.add_format({"bold": True, "bottom": 1})
        _explain(book, bold, tables, meanings, about)
        for name, table in tables.items():
            _write(book.add_worksheet(name), bold, table)
    return buffer.getvalue()


def _explain(
    book: Any,
    bold: Any,
    tables: Mapping[str, pl.DataFrame],
    meanings: Mapping[str, Mapping[str, str]],
    about: Sequence[str],
) -> None:
    sheet = book.add_worksheet(_EXPLAINED)
    lines = [*about, "Empty: not known or not applicable. inf: not reached within the observation."]
    for row, text in enumerate(lines):
        sheet.write_string(row, 0, text)
    top = len(lines) + 1
    for place, (head, width) in enumerate({"sheet": 14, "column": 26, "type": 10, "meaning": 90}.items()):
        sheet.write_string(top, place, head, bold)
        sheet.set_column(place, place, width)
    row = top + 1
    for name, table in tables.items():
        for column, dtype in table.schema.items():
            for place, text in enumerate((name, column, str(dtype), meanings.get(name, {}).get(column, ""))):
                sheet.write_string(row, place, text)
            row += 1


def _write(sheet: Any, bold: Any, table: pl.DataFrame) -> None:
    for place, (name, column) in enumerate(zip(table.columns, table.iter_columns(), strict=True)):
        sheet.write_string(0, place, name, bold)
        widest = len(name)
        for row, value in enumerate(column.to_list(), start=1):
            widest = max(widest, _cell(sheet, row, place, value))
        sheet.set_column(place, place, min(widest + 2, _WIDEST))
    sheet.freeze_panes(1, 0)
    if table.height and table.width:
        sheet.autofilter(0, 0, table.height, table.width - 1)


def _cell(sheet: Any, row: int, place: int, value: Any) -> int:
    """Write one value; how many characters it takes."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return 0
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
        return 5
    if isinstance(value, int | float) and math.isfinite(value):
        sheet.write_number(row, place, value)
        return min(len(f"{value:g}"), 10)
    text = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    sheet.write_string(row, place, text[:_MOST_CHARACTERS])
    return len(text)


def _xlsxwriter() -> ModuleType:
    try:
        import xlsxwriter
    except ImportError as error:
        rule = "needs XlsxWriter, which writes spreadsheets"
        raise InputError(Problem("format", "xlsx", rule, "Install it with pip install 'engager[xlsx]'.")) from error
    found: ModuleType = xlsxwriter
    return found
