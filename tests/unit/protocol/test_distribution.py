"""Spreads of covariates: what a study file may write, and what it may not."""

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from engager.protocol import Bins, Constant, MeanSpread, MedianRange, Share
from engager.protocol.distribution import read_numeric, read_share, read_table

age = read_numeric(0, 110)
REFUSED = (PydanticCustomError, ValidationError)


def test_each_form_is_told_from_the_others():
    assert age(40) == Constant(value=40)
    assert age("1e1") == Constant(value=10)
    assert age({"median": 37, "range": [18, 80]}) == MedianRange(median=37, range=(18, 80))
    assert age({"mean": 40, "sd": 17}) == MeanSpread(mean=40, sd=17)
    assert isinstance(age({"bins": {"18-40": 0.5, "40-80": 0.5}}), Bins)
    assert read_share(0.35) == Share(share=0.35)
    assert read_share(True) == Share(share=1)


@pytest.mark.parametrize(
    "written",
    [
        {"median": 90, "range": [18, 80]},
        {"median": 37, "range": [80, 18]},
        {"median": 37, "range": [18, 180]},
        {"median": 37},
        {"mean": 40, "sd": 0},
        {"mean": 40, "sd": 5, "range": [90, 100]},
        {"mean": 40, "sd": 17, "iqr": 3},
        {"bins": {"5-49": 0.3, "50-100": 0.6}},
        {"bins": {"5-60": 0.3, "50-100": 0.7}},
        {"bins": {"60-50": 1.0}},
        {"bins": {}},
        {"foo": 1},
        float("nan"),
        float("inf"),
        True,
        None,
        "old",
        [18, 80],
    ],
)
def test_impossible_spreads_are_refused(written):
    with pytest.raises(REFUSED):
        age(written)


@pytest.mark.parametrize("written", [42, -0.1, "many", None, {"a": 1}])
def test_a_share_lies_between_0_and_1(written):
    with pytest.raises(REFUSED):
        read_share(written)


def test_open_classes_end_at_what_is_possible():
    spread = age({"bins": {"<18": 0.2, "18-65": 0.5, "65+": 0.3}})
    assert spread.edges == ((0, 18), (18, 65), (65, 110))


def test_rounded_shares_are_scaled_to_one():
    table = read_table({1: 0.33, 2: 0.33, "3+": 0.33})
    assert sum(table.shares) == pytest.approx(1, abs=1e-15)
    assert list(table.table) == ["1", "2", "3+"]


def test_one_category_stands_for_everyone():
    assert read_table(1).table == {"1": 1.0}
    assert read_table("2+").table == {"2+": 1.0}


@pytest.mark.parametrize("written", [{1: 0.5, 2: 0.2}, {"1+": 0.5, 2: 0.5}, {"a": 1}, {}, 1.5, {1: -0.5, 2: 1.5}])
def test_impossible_tables_are_refused(written):
    with pytest.raises(REFUSED):
        read_table(written)
