"""A digest is of the content: not of how a table was made or stored."""

import hashlib

import numpy as np
import polars as pl
import pytest

from engager.study.run.tables import TableDigest, read_pieces, table_digest, write_pieces

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


def test_the_digest_is_of_names_nulls_lengths_and_utf8():
    words = ["ab", None, "", "é\x1f", "ab"]
    table = pl.DataFrame({"word": words, "x": [1.5, None, 0.0, 2.0, -1.0]})
    hasher = hashlib.sha256()
    for column, values in (("word", words[1:4]), ("x", table["x"].to_list()[1:4])):
        texts = ["" if one is None else one for one in values]
        hasher.update(f"{column}\x1f{table[column].dtype}\x1f3\x1e".encode())
        hasher.update(np.array([one is None for one in values]).tobytes())
        if column == "word":
            encoded = [one.encode() for one in texts]
            hasher.update(np.array([len(one) for one in encoded], dtype=np.uint32).tobytes() + b"".join(encoded))
        else:
            hasher.update(np.array([one or 0.0 for one in values]).tobytes())
    assert table_digest(table[1:4]) == hasher.hexdigest()[:16]


def test_pieces_give_the_bytes_and_the_digest_of_the_whole(tmp_path):
    n = 7
    words = [None, "", "ä", "two words", "x" * 40, "日本"]
    whole = pl.DataFrame(
        {
            "replicate": [k // 3 for k in range(3 * n)],
            "value": [k * 0.1 for k in range(3 * n)],
            "text": [words[k % len(words)] for k in range(3 * n)],
        }
    )
    cuts = {"whole": [3 * n], "two": [6, 3 * n], "each": list(range(3, 3 * n + 1, 3))}
    found = set()
    for name, ends in cuts.items():
        pieces = (whole[first:end] for first, end in zip([0, *ends], ends, strict=False))
        # two replicates in each group of rows
        digest = write_pieces(tmp_path / name, pieces, n_patients=10_000)
        found.add((digest, (tmp_path / name).read_bytes()))
    assert len(found) == 1
    assert pl.concat(list(read_pieces(tmp_path / "each"))).equals(whole)
    assert len(list(read_pieces(tmp_path / "each"))) == 4


def test_a_digest_does_not_ask_which_piece_came_first():
    pieces = [pl.DataFrame({"replicate": [k, k], "value": [0.1 * k, 2.0]}) for k in range(4)]
    digests = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        digest = TableDigest()
        for k in order:
            digest.add(pieces[k])
        digests.append(digest.value())
    assert digests[0] == digests[1]
    twice = TableDigest()
    for k in (0, 1, 2, 3, 3):
        twice.add(pieces[k])
    assert twice.value() != digests[0]


def test_a_table_without_a_row_has_a_file_and_a_digest(tmp_path):
    empty = pl.DataFrame({"replicate": [], "value": []}, schema={"replicate": pl.Int32, "value": pl.Float64})
    digest = write_pieces(tmp_path / "e", iter([empty, empty]), n_patients=5)
    again = TableDigest()
    for piece in read_pieces(tmp_path / "e"):
        again.add(piece)
    assert again.value() == digest
