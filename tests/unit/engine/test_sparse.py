"""Sparse elimination in a fixed order solves what dense elimination solves."""

import numpy as np
import pytest

from engager.engine.lowering.code import Code
from engager.engine.lowering.routine import finish
from engager.engine.lowering.sparse import eliminate, order_pivots, substitute
from engager.engine.native.interpret import run


@pytest.mark.parametrize("n", [1, 2, 7, 15])
def test_elimination_and_substitution_solve_the_system(n):
    rng = np.random.default_rng(n)
    places = {(i, j) for i in range(n) for j in range(n) if rng.random() < 0.3}
    values = {place: rng.standard_normal() for place in places}
    pattern = order_pivots(n, places)
    c = Code()
    shift = c.const(8.0)
    factors, smallest = eliminate(c, pattern, shift, {place: c.const(value) for place, value in values.items()})
    solution = substitute(c, pattern, factors, [c.load("F", i) for i in range(n)])
    routine = finish("all", c, [*((("K", i), ref) for i, ref in enumerate(solution)), (("PIVOT", 0), smallest)], {})
    arrays = {"F": rng.standard_normal(n), "K": np.zeros(n), "PIVOT": np.zeros(1)}
    run(routine, arrays)
    matrix = 8.0 * np.eye(n)
    for (i, j), value in values.items():
        matrix[i, j] -= value
    np.testing.assert_allclose(matrix @ arrays["K"], arrays["F"], atol=1e-13)
    assert arrays["PIVOT"][0] > 0


def test_an_arrow_matrix_is_ordered_without_fill():
    """A full first row and column would fill everything if taken first."""
    n = 9
    arrow = {(0, j) for j in range(n)} | {(j, 0) for j in range(n)}
    pattern = order_pivots(n, arrow)
    assert pattern.order[-1] == 0 or pattern.order[-2] == 0
    assert len(pattern.entries) == 3 * n - 2


def test_a_pivot_that_vanishes_is_reported():
    """1 - J[0, 0] is 0 where the first pivot would be."""
    pattern = order_pivots(2, {(0, 0), (0, 1), (1, 0)})
    c = Code()
    jacobian = {(i, j): c.load("J", 2 * i + j) for i, j in ((0, 0), (0, 1), (1, 0))}
    _, smallest = eliminate(c, pattern, c.const(1.0), jacobian)
    arrays = {"J": np.array([1.0, 1.0, 1.0, 0.0]), "PIVOT": np.zeros(1)}
    run(finish("pivot", c, [(("PIVOT", 0), smallest)], {}), arrays)
    assert arrays["PIVOT"][0] == 0.0
