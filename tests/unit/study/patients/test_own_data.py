"""Observations of one's own: what is read, what is left out, what is refused."""

from __future__ import annotations

import pytest

from engager.core import InputError
from engager.study import read_own_data


def test_observations_are_read_and_doses_left_out():
    found = read_own_data("id,time,dv,evid,blq\n1,0,.,1,0\n1,24,5.5,0,0\n2,48,1,0,1\n")
    assert found.points == (("1", 1.0, 5.5, False), ("2", 2.0, 1.0, True))
    assert found.left_out == 1


def test_times_may_be_days_and_columns_in_any_order():
    assert read_own_data("DV,ID,TIME,SEX\n3,a,7,M\n", "day").points == (("a", 7.0, 3.0, False),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "header line"),
        ("ID,TIME\n1,0\n", "missing: DV"),
        ("ID,TIME,DV\n1,0\n", "line 2"),
        ("ID,TIME,DV\n1,x,3\n", "line 2, TIME"),
        ("ID,TIME,DV\n1,0,inf\n", "line 2, DV"),
        ("ID,TIME,DV,MDV\n1,0,3,1\n", "must hold an observation"),
        ("ID,TIME,DV\n" + "1,0,1\n" * 5001, "at most 5000"),
    ],
)
def test_what_is_wrong_is_told_by_line(text, words):
    with pytest.raises(InputError, match=words):
        read_own_data(text)


def test_many_mistakes_are_told_ten_at_a_time():
    with pytest.raises(InputError) as refused:
        read_own_data("ID,TIME,DV\n" + "1,x,1\n" * 100)
    assert len(refused.value.problems) == 10
