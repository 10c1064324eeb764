"""Days and cycles are read as people write them, and nothing else is."""

import pytest
from pydantic_core import PydanticCustomError

from engager.protocol.spans import read_spans


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ("1-7", ((1, 7),)),
        ("2+", ((2, None),)),
        ("1,8,15", ((1, 1), (8, 8), (15, 15))),
        ("15, 1, 8-9", ((1, 1), (8, 9), (15, 15))),
        (1, ((1, 1),)),
        ([1, 8], ((1, 1), (8, 8))),
    ],
)
def test_spans_are_read(written, pieces):
    assert read_spans(written).pieces == pieces


def test_written_spans_read_back():
    for text in ("1-7", "2+", "1,8-9,15+"):
        assert str(read_spans(text)) == text


@pytest.mark.parametrize("written", ["", "0", "7-1", "x", "1-", "+2", "-1", "1-7,7", "2+,5", 1.5, True, None, {}])
def test_other_spellings_are_refused(written):
    with pytest.raises(PydanticCustomError):
        read_spans(written)


def test_membership_and_open_end():
    spans = read_spans("1,3-4,6+")
    assert [n for n in range(1, 9) if n in spans] == [1, 3, 4, 6, 7, 8]
    assert spans.last is None
    assert spans.closed(9) == ((1, 1), (3, 4), (6, 9))
