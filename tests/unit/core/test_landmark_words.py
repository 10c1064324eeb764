"""A landmark is told as it was meant: round months, or days."""

import pytest

from engager.core import DAYS_PER_MONTH, landmark


@pytest.mark.parametrize(
    ("months", "said"),
    [(18, "18 months"), (4.5, "4.5 months"), (100 / DAYS_PER_MONTH, "100 days"), (28 / DAYS_PER_MONTH, "28 days"),
     (12 * 5, "60 months"), (7.23456, "7.2 months")],
)  # fmt: skip
def test_months_or_days(months, said):
    assert landmark(months) == said
