"""A digest is of the content: not of how a table was made or stored."""

from types import SimpleNamespace

import polars as pl
import pytest

from engager.study.run.tables import TABLES, digests, join_tables, read_table, table_digest, write_tables

BASE = pl.DataFrame(
    {"a": [1, 2, None], "b": ["x", None, "z"], "c": [0.5, float("nan"), None], "d": [True, None, False]}
)


def test_chunks_and_storage_do_not_matter(tmp_path):
    pieces = pl.concat([BASE[:1], BASE[1:]], rechunk=False)
    assert table_digest(pieces) == table_digest(BASE)
    BASE.write_parquet(tmp_path / "t.parquet")
    assert table_digest(pl.read_parquet(tmp_path / "t.parquet")) == table_digest(BASE)


@pytest.mark.parametrize(
    "changed",
    [
        BASE.with_columns(a=pl.col("a").fill_null(0)),
        BASE.with_columns(b=pl.col("b").fill_null("")),
        BASE.with_columns(d=pl.col("d").fill_null(False)),
        BASE.with_columns(c=pl.col("c") + 1e-16 + 2e-16),
        BASE.with_columns(a=pl.col("a").cast(pl.Int32)),
        BASE.rename({"a": "e"}),
        BASE.reverse(),
        BASE[:2],
    ],
)
def test_every_change_of_content_matters(changed):
    assert table_digest(changed) != table_digest(BASE)


def test_pieces_on_disk_have_the_digests_and_rows_of_the_whole(tmp_path):
    tables = {
        name: BASE.with_columns(replicate=pl.lit(0), arm=pl.lit("a"), patient=pl.int_range(pl.len())) for name in TABLES
    }
    whole = SimpleNamespace(**tables)
    for k, rows in enumerate((slice(0, 1), slice(1, None))):
        folder = tmp_path / str(k)
        folder.mkdir()
        write_tables(SimpleNamespace(**{name: table[rows] for name, table in tables.items()}), folder)
    (tmp_path / "whole").mkdir()
    write_tables(whole, tmp_path / "whole")
    pieces = [tmp_path / "0", tmp_path / "1"]
    assert digests(pieces) == digests([tmp_path / "whole"])
    assert digests(pieces)["visits"] == table_digest(tables["visits"])
    (tmp_path / "joined").mkdir()
    join_tables(pieces, tmp_path / "joined")
    for name in TABLES:
        assert read_table(tmp_path / "joined", name).equals(tables[name])
