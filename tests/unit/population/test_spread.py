"""Spreads of covariates."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from engager.population import spread

U = np.linspace(0.0005, 0.9995, 4001)


@given(
    median=st.floats(-50, 50),
    below=st.floats(0.0, 100),
    above=st.floats(0.0, 100),
)
def test_median_range_keeps_its_median_and_range(median, below, above):
    quantile = spread.median_range(median, median - below, median + above)
    values = quantile(U)
    assert values.min() >= median - below - 1e-9
    assert values.max() <= median + above + 1e-9
    assert quantile(np.array([0.5]))[0] == pytest.approx(median, abs=1e-6)
    assert np.all(np.diff(values) >= -1e-9)


def test_median_range_of_tower_has_towers_mean_age():
    # TOWER, blinatumomab arm: median 37, range 18 to 80, mean 40.8 (evidence record tower-2017, S2 and S4)
    ages = spread.median_range(37, 18, 80)(U)
    assert ages.mean() == pytest.approx(40.8, abs=1.0)


def test_bins_have_their_shares():
    quantile = spread.bins([(50.0, 100.0), (5.0, 50.0)], [0.7, 0.3])
    values = quantile(U)
    assert np.mean(values < 50) == pytest.approx(0.3, abs=1e-3)
    assert values.min() >= 5
    assert values.max() <= 100


def test_categories_and_shares():
    values = spread.categories([1, 2, 3], [0.5, 0.25, 0.25])(U)
    assert np.mean(values == 1) == pytest.approx(0.5, abs=1e-3)
    assert np.mean(spread.share(0.35)(U)) == pytest.approx(0.35, abs=1e-3)


def test_truncated_normal_stays_inside():
    values = spread.normal(75, 16, 45, 90)(U)
    assert values.min() >= 45
    assert values.max() <= 90
