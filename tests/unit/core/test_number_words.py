"""Numbers as they are written for readers."""

import math

import pytest

from engager.core import figure, interval, signed


@pytest.mark.parametrize(
    ("value", "said"), [(4.06, "+4.1"), (-11.64, "-11.6"), (-0.04, "+0.0"), (0.0, "+0.0"), (-0.06, "-0.1")]
)
def test_a_difference_that_rounds_to_nothing_has_no_minus(value, said):
    assert signed(value) == said


def test_an_interval_of_which_no_end_was_reached_is_left_out():
    assert figure(math.inf, math.inf, math.inf, "median") == "not reached"
    assert interval(5.0, math.inf, "median") == "5.0 to not reached"
