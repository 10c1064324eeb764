"""A digest is of the content: not of how a table was made or stored."""

import polars as pl
import pytest

from engager.study.run.tables import table_digest

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
