"""Shares of patients as a record prints them: of those known, from counts or as they stand."""

import pytest

from engager.evidence import published_share


def test_counts_are_of_those_of_whom_it_is_known():
    assert published_share({"events": 3, "n": 12, "unknown": 1, "missing": 1}) == pytest.approx(0.3)
    assert published_share({"first": 4, "later": 4, "unknown": 2, "n": 10}, "first") == pytest.approx(0.5)
    assert published_share({"first": 1, "later": 3}, "first") == pytest.approx(0.25)  # no n: of all categories


def test_a_number_with_decimals_is_a_share_already():
    assert published_share({"proportion": 0.4}) == 0.4
    assert published_share({"first": 0.67, "second": 0.32, "n": 109}, "first") == 0.67


def test_what_was_not_printed_has_none():
    assert published_share({}) is None
    assert published_share({"median": 3, "n": 9}) is None
    assert published_share({"first": 4, "n": 10}, "third") is None
    assert published_share({"first": 4, "n": 10}, "n") is None  # no category
