"""Numbers as they are written for readers."""

import pytest

from engager.core import signed


@pytest.mark.parametrize(
    ("value", "said"), [(4.06, "+4.1"), (-11.64, "-11.6"), (-0.04, "+0.0"), (0.0, "+0.0"), (-0.06, "-0.1")]
)
def test_a_difference_that_rounds_to_nothing_has_no_minus(value, said):
    assert signed(value) == said
