"""The evidence as tables, and the schema for people who add records."""

from __future__ import annotations

import json

import duckdb
import polars as pl
import pytest

from engager.core import InputError
from engager.evidence import export_evidence, load_records, record_schema
from engager.evidence.records.export import COLUMNS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("evidence") / "tables"
    export_evidence(place)
    return place


def test_one_row_per_figure_in_csv_and_parquet(folder):
    parquet = pl.read_parquet(folder / "outcomes.parquet")
    assert parquet.height == sum(len(entry.outcomes) for entry in load_records().values())
    assert parquet.columns == list(COLUMNS["outcomes"])
    csv = pl.read_csv(folder / "outcomes.csv", infer_schema_length=None)
    assert csv.columns == parquet.columns
    assert csv["value"].to_list() == parquet["value"].to_list()


def test_database_holds_every_table_and_says_what_its_columns_are(folder):
    with duckdb.connect(str(folder / "evidence.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT table_name, column_name, comment FROM duckdb_columns()").fetchall()
        told = {(table, column): comment for table, column, comment in found}
        for table, columns in COLUMNS.items():
            for column, words in columns.items():
                assert told[(table, column)] == words
        hr = connection.execute(
            "SELECT value, low, high FROM outcomes WHERE record = 'tower-2017' AND endpoint = 'OS' "
            "AND statistic = 'hazard_ratio'"
        ).fetchall()
    assert hr == [(0.71, 0.55, 0.93)]


def test_computed_intervals_stand_apart_from_published_ones(folder):
    table = pl.read_parquet(folder / "outcomes.parquet")
    row = table.filter((pl.col("record") == "camera-2004") & (pl.col("endpoint") == "CR")).row(0, named=True)
    assert row["low"] is None
    assert 0.4 < row["exact_low"] < 75 / 135 < row["exact_high"] < 0.7


def test_schema_file_names_every_column(folder):
    text = (folder / "schema.md").read_text(encoding="utf-8")
    for columns in COLUMNS.values():
        for column in columns:
            assert f"| {column} |" in text


def test_folder_in_use_is_refused_and_nothing_is_left_behind(folder):
    before = sorted(path.name for path in folder.parent.iterdir())
    with pytest.raises(InputError, match="empty folder"):
        export_evidence(folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == before


@pytest.mark.parametrize("error", [OSError("No space left on device"), duckdb.IOException("IO Error: no space left")])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_disk_that_fails_is_one_message_and_leaves_no_folder_behind(tmp_path, monkeypatch, error, is_there):
    def fail(frames, path):
        raise error

    if is_there:
        (tmp_path / "found").mkdir()
    monkeypatch.setattr("engager.evidence.records.export._write_database", fail)
    with pytest.raises(InputError, match=r"(?i)can be written .*no space"):
        export_evidence(tmp_path / "found")
    assert [one.name for one in tmp_path.iterdir()] == (["found"] if is_there else [])
    assert not is_there or not list((tmp_path / "found").iterdir())


def test_json_schema_knows_the_keys_of_a_record():
    schema = json.loads(record_schema())
    assert {"id", "citation", "arms", "sources", "notes"} <= set(schema["required"])
    assert schema["additionalProperties"] is False
    assert "outcomes" in schema["$defs"]["PublishedArm"]["properties"]


def test_shipped_json_schema_is_the_one_of_the_code():
    from engager.evidence.records.vocabulary import DATA

    assert (DATA / "record.schema.json").read_text(encoding="utf-8") == record_schema()
