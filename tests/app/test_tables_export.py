"""Tables of runs, comparisons and evidence as spreadsheets and CSV: whole, explained, refused when wrong."""

from __future__ import annotations

import json

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from engager.analysis.estimate import estimate_schema
from engager.app.cli import app
from engager.core import ESTIMATES
from engager.protocol import shipped_protocol
from engager.study import run_study


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    return run_study(shipped_protocol("mt103-206"), replicates=2, patients=12, out=folder, report=False)


def call(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_spreadsheet_holds_every_table_of_one_trial_and_explains_it(run, tmp_path):
    target = tmp_path / "run.xlsx"
    done = call("trial", "export", run.path, "--out", target, "--replicate", "1", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]
    assert rows["patients"] == 12
    assert rows["estimates"] == run.table("estimates").height
    book = openpyxl.load_workbook(target)
    assert book.sheetnames == ["columns", *rows]
    patients = list(book["patients"].iter_rows(values_only=True))
    own = run.table("patients").filter(pl.col("replicate") == 1)
    place = patients[0].index("age_years")
    assert [row[place] for row in patients[1:]] == pytest.approx(own["age_years"].to_list())
    told = [row for row in book["columns"].iter_rows(values_only=True) if row[0] in rows]
    assert {row[:2] for row in told} == {
        (name, cell) for name in rows for cell in next(book[name].iter_rows(values_only=True))
    }
    assert all(row[3] for row in told)


def test_csv_folder_has_a_file_a_table_and_one_of_their_columns(run, tmp_path):
    done = call("trial", "export", run.path, "--out", tmp_path / "csv", "--format", "csv")
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "csv").iterdir()}
    assert {"columns.csv", "comparisons.csv", "estimates.csv", "patients.csv", "visits.csv"} <= names
    shown = pl.read_csv(tmp_path / "csv" / "comparisons.csv")
    assert shown["published"].to_list() == pytest.approx([one["published"]["value"] for one in run.comparisons])


def test_estimates_are_explained_column_by_column():
    assert [one.name for one in ESTIMATES] == list(estimate_schema())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--out", "run.ods", "--format", "xlsx"], "must end in .xlsx"),
        (["--out", "run.xlsx", "--replicate", "2"], "must be from 0 to 1"),
        (["--out", "run.xlsx", "--format", "sas"], "must be one of xlsx, csv, adam"),
    ],
)
def test_what_cannot_be_exported_is_refused(run, tmp_path, monkeypatch, more, said):
    monkeypatch.chdir(tmp_path)
    done = call("trial", "export", run.path, *more)
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output
    assert not list(tmp_path.iterdir())


def test_comparison_and_evidence_are_spreadsheets_too(run, tmp_path):
    done = call("trial", "compare", run.path, run.path, "--report", tmp_path / "beside.xlsx")
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(tmp_path / "beside.xlsx")
    head, *rows = book["figures"].iter_rows(values_only=True)
    assert "difference_median" in head
    assert rows
    assert all(row[3] for row in book["columns"].iter_rows(values_only=True) if row[0] == "figures")
    done = call("evidence", "export", tmp_path / "evidence.xlsx")
    assert done.exit_code == 0, done.output
    outcomes = openpyxl.load_workbook(tmp_path / "evidence.xlsx", read_only=True)["outcomes"]
    assert next(outcomes.iter_rows(values_only=True))[:2] == ("record", "reference")


SINGLE_ARM = """
study: single
simulated_only: true
arms: {a: {n: 12, regimen: blinatumomab}}
follow_up: {months: 3, accrual_months: 2}
endpoints: [{id: CR, window_weeks: 8}]
design: {primary: CR, test: exact, null_share: 0.15}
"""


@pytest.fixture(scope="module")
def design_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("designs") / "single.yaml"
    path.write_text(SINGLE_ARM, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("command", "sheets"),
    [
        (("evidence", "pool", "--endpoint", "CR"), ["studies", "estimates", "leave_one_out", "left_out"]),
        (("review",), ["references", "figures", "checks", "not_compared"]),
        (("validate", "--against", "mt103-206", "--replicates", 2), ["figures", "bands"]),
        (("design", "STUDY", "--replicates", 3), ["designs", "looks", "trials", "exact"]),
        (
            ("sensitivity", "tower", "--outputs", "il6_peak", "--samples", 2, "--out", "FOLDER"),
            ["sobol", "tornado", "unknowns", "correlations", "held"],
        ),
    ],
    ids=lambda value: value[0],
)
def test_every_command_with_tables_explains_every_column(tmp_path, monkeypatch, design_file, command, sheets):
    # Drawing takes longer than the analysis and is no part of this claim.
    monkeypatch.setattr("engager.study.write_sensitivity", lambda found, folder: folder)
    places = {"STUDY": design_file, "FOLDER": tmp_path / "folder"}
    line = [places.get(word, word) for word in command]
    quiet = [] if command[0] in ("review", "evidence") else ["--quiet"]
    done = call(*line, *quiet, "--tables", tmp_path / "all.xlsx")
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(tmp_path / "all.xlsx")
    assert book.sheetnames == ["columns", *sheets]
    told = {row[:2]: row[3] for row in book["columns"].iter_rows(values_only=True) if row[0] in sheets}
    heads = [(name, cell) for name in sheets for cell in next(book[name].iter_rows(values_only=True))]
    assert [one for one in heads if not told.get(one)] == []


def test_a_path_without_ending_is_a_folder_of_csv_and_figures_are_those_of_json(tmp_path):
    done = call("review", "--tables", tmp_path / "csv", "--json")
    assert done.exit_code == 0, done.output
    figures = [one for row in json.loads(done.stdout)["rows"] for one in row["figures"]]
    seen = pl.read_csv(tmp_path / "csv" / "figures.csv", infer_schema_length=None)
    assert seen["simulated"].to_list() == pytest.approx([one["simulated"]["median"] for one in figures], nan_ok=True)
    assert {path.name for path in (tmp_path / "csv").iterdir()} == {
        "columns.csv", "references.csv", "figures.csv", "checks.csv", "not_compared.csv"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"), [("all.ods", "must end in .xlsx"), ("here", "must not exist yet"), ("no/all.xlsx", "exists")]
)
def test_a_place_that_cannot_hold_tables_is_refused_before_any_work(tmp_path, name, said):
    (tmp_path / "here").mkdir()
    done = call("validate", "--tables", tmp_path / name)
    assert done.exit_code != 0
    assert said in str(done.exception)


def test_a_place_that_cannot_be_written_to_is_told_before_any_work(engager, tmp_path):
    for option in ("--markdown", "--summary", "--report"):
        found = engager("review", "--replicates", 50, option, tmp_path / "nowhere" / "file")
        assert (found.code, f"{option}: got" in found.err) == (2, True)
    (tmp_path / "folder").mkdir()
    found = engager("review", "--markdown", tmp_path / "folder")
    assert (found.code, "--markdown: got" in found.err) == (2, True)
