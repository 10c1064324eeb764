"""A spreadsheet reads back as the tables it was made from, says what every header means, and runs nothing."""

import io
import math

import openpyxl
import polars as pl
import pytest

from engager.core import InputError, spreadsheet_bytes
from engager.core.disk import spreadsheet as module

TABLES = {
    "patients": pl.DataFrame(
        {
            "arm": ["A", "=1+1", "http://x.org"],
            "age_years": [40.5, math.nan, math.inf],
            "n": [1, None, 3],
            "cr": [True, False, None],
        }
    ),
    "empty": pl.DataFrame({"x": []}, schema={"x": pl.Float64}),
}
MEANINGS = {"patients": {"age_years": "age [years]"}}


def _read(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def test_values_read_back_and_text_is_no_formula():
    sheet = _read(spreadsheet_bytes(TABLES, MEANINGS))["patients"]
    assert [cell.value for cell in sheet[1]] == ["arm", "age_years", "n", "cr"]
    assert [cell.value for cell in sheet[2]] == ["A", 40.5, 1, True]
    assert [cell.value for cell in sheet[3]] == ["=1+1", None, None, False]
    assert sheet["A3"].data_type == "s"
    assert [cell.value for cell in sheet[4]] == ["http://x.org", "inf", 3, None]
    assert sheet["A4"].hyperlink is None


def test_first_sheet_explains_every_header():
    book = _read(spreadsheet_bytes(TABLES, MEANINGS, ["Made up."]))
    assert book.sheetnames == ["columns", "patients", "empty"]
    rows = [tuple(cell.value for cell in row) for row in book["columns"].iter_rows()]
    assert rows[0][0] == "Made up."
    assert ("patients", "age_years", "Float64", "age [years]") in rows
    assert {row[:2] for row in rows} >= {("patients", name) for name in TABLES["patients"].columns} | {("empty", "x")}


def test_same_tables_give_the_same_bytes():
    assert spreadsheet_bytes(TABLES, MEANINGS) == spreadsheet_bytes(TABLES, MEANINGS)


def test_table_longer_than_a_sheet_is_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    with pytest.raises(InputError, match=r"patients: 3 rows.; must have at most 2 rows"):
        spreadsheet_bytes(TABLES, MEANINGS)
