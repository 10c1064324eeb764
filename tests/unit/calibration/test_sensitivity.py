"""Sobol indices, tornadoes and rank correlations against functions whose answers are known."""

import sys

import numpy as np
import pytest

from engager.calibration import rank_correlations, saltelli_points, sobol_indices, tornado
from engager.core import InputError

ISHIGAMI = ("x1", "x2", "x3")


def ishigami(points):
    """On (0, 1); indices by Ishigami and Homma 1990 with a = 7, b = 0.1."""
    x = np.pi * (2 * points - 1)
    return (np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))[:, None]


@pytest.fixture(scope="module")
def of_ishigami():
    pytest.importorskip("SALib")
    points = saltelli_points(3, 1024, seed=1)
    return sobol_indices(ishigami(points), ["y"], ISHIGAMI, seed=1)


@pytest.mark.parametrize(
    ("factor", "first", "total"), [("x1", 0.3139, 0.5576), ("x2", 0.4424, 0.4424), ("x3", 0.0, 0.2437)]
)
def test_indices_of_the_ishigami_function_lie_within_their_own_limits(of_ishigami, factor, first, total):
    indices, n_left_out = of_ishigami
    assert n_left_out == 0
    found = next(one for one in indices if one.factor == factor)
    # Limits hold 95 % of the time; half as much again leaves a fair test for one fixed seed.
    assert abs(found.first - first) < 1.5 * (found.first_high - found.first)
    assert abs(found.total - total) < 1.5 * (found.total_high - found.total)
    assert found.total_high - found.total < 0.12


def test_more_samples_narrow_the_limits(of_ishigami):
    few, _ = sobol_indices(ishigami(saltelli_points(3, 64, seed=1)), ["y"], ISHIGAMI, seed=1)
    many, _ = of_ishigami
    assert all(b.total_high - b.total < a.total_high - a.total for a, b in zip(few, many, strict=True))


def test_a_point_that_fails_takes_only_its_base_sample_with_it(of_ishigami):
    points = saltelli_points(3, 256, seed=1)
    values = ishigami(points)
    values[7] = np.nan
    indices, n_left_out = sobol_indices(values, ["y"], ISHIGAMI, seed=1)
    assert n_left_out == 1
    assert all(np.isfinite(one.total) for one in indices)


def test_an_output_that_never_varies_has_no_drivers(of_ishigami):
    indices, _ = sobol_indices(np.ones((5 * 64, 1)), ["y"], ISHIGAMI, seed=1)
    assert [(one.first, one.total) for one in indices] == [(0.0, 0.0)] * 3


def test_a_rare_yes_has_indices_and_no_warning(of_ishigami):
    values = np.zeros((5 * 64, 1))
    values[7] = 1.0
    indices, _ = sobol_indices(values, ["y"], ISHIGAMI, seed=1)
    assert len(indices) == 3


@pytest.mark.parametrize("n_base", [0, 1, 100])
def test_base_samples_must_be_a_power_of_two(n_base):
    with pytest.raises(InputError, match="power of two"):
        saltelli_points(3, n_base, seed=1)


def test_a_missing_salib_is_told_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib", None)
    with pytest.raises(InputError, match=r"engager\[calibration\]"):
        saltelli_points(3, 64, seed=1)


def test_tornado_of_a_linear_function_is_its_slopes():
    slopes = np.array([3.0, -1.0, 0.0])
    swings = tornado(lambda points: (points @ slopes)[:, None] + 5, ["y"], ["a", "b", "c"])
    assert [one.at_center for one in swings] == pytest.approx([6.0] * 3)
    assert [one.at_high - one.at_low for one in swings] == pytest.approx(0.9 * slopes)
    assert [one.width for one in swings] == pytest.approx([2.7, 0.9, 0.0])


def test_tornado_records_factors_in_their_own_unit():
    swings = tornado(lambda points: points, ["y"], ["a"], value_of=lambda k, share: 100 * share)
    assert (swings[0].low_value, swings[0].high_value) == pytest.approx((5.0, 95.0))


def test_rank_correlation_sees_order_not_shape():
    x = np.random.default_rng(1).normal(size=(200, 2))
    found = rank_correlations(x, np.exp(3 * x[:, :1]), ["y"], ["a", "b"])
    assert found[0].value == pytest.approx(1.0)
    assert found[1].low < 0 < found[1].high
