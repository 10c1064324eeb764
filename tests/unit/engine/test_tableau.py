"""Published coefficients satisfy the conditions of order they were published with."""

import numpy as np
import pytest

from engager.engine.lowering.tableau import DORMAND_PRINCE, RODAS4, RODAS5P


def weights(tableau):
    """b, alpha matrix and beta = alpha + gamma matrix of the textbook form of a Rosenbrock method."""
    alpha, gamma = (np.array(one) for one in tableau.standard)
    # the new state is X + sum m_j K_j, K = Gamma k
    m = np.array([*tableau.a[-1], 1.0])
    return m @ gamma, alpha, alpha + gamma


@pytest.mark.parametrize("tableau", [RODAS5P, RODAS4])
def test_rosenbrock_conditions_up_to_order_four(tableau):
    b, alpha, beta = weights(tableau)
    one = np.ones(len(b))
    a, g = alpha @ one, beta @ one
    third = [b @ one, b @ g, b @ a**2, b @ beta @ g]
    found = [*third, b @ a**3, b @ (a * (alpha @ g)), b @ beta @ a**2, b @ beta @ beta @ g]
    np.testing.assert_allclose(found, [1, 1 / 2, 1 / 3, 1 / 6, 1 / 4, 1 / 8, 1 / 12, 1 / 24], atol=1e-9)


def test_rodas5p_meets_conditions_of_order_five():
    b, alpha, beta = weights(RODAS5P)
    one = np.ones(len(b))
    a, g = alpha @ one, beta @ one
    found = [b @ a**4, b @ (a**2 * (alpha @ g)), b @ beta @ beta @ beta @ g, b @ beta @ a**3]
    np.testing.assert_allclose(found, [1 / 5, 1 / 10, 1 / 120, 1 / 20], atol=1e-8)


def test_stage_times_are_those_published_for_rodas5p():
    times = [0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664]
    slopes = [-0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069]
    np.testing.assert_allclose(RODAS5P.alpha[1:5], times, rtol=1e-12)
    np.testing.assert_allclose(RODAS5P.gammas[1:5], slopes, rtol=1e-12)


def test_dormand_prince_conditions_of_order_five():
    n = DORMAND_PRINCE.stages
    a = np.array([[*row, *[0.0] * (n - len(row))] for row in DORMAND_PRINCE.a])
    b, c = a[-1], np.array(DORMAND_PRINCE.nodes)
    np.testing.assert_allclose(a.sum(axis=1), c, atol=1e-14)
    found = [b.sum(), b @ c, b @ c**2, b @ a @ c, b @ c**3, b @ c**4, b @ a @ a @ a @ c]
    np.testing.assert_allclose(found, [1, 1 / 2, 1 / 3, 1 / 6, 1 / 4, 1 / 5, 1 / 120], atol=1e-14)
    assert sum(DORMAND_PRINCE.error) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("tableau", [RODAS5P, RODAS4, DORMAND_PRINCE])
def test_interpolant_follows_cubics_of_the_step(tableau):
    """On dx/dt = t^2 the increments are known; x(s) must be s^3 / 3."""
    if tableau.implicit:
        alpha, gamma = (np.array(one) for one in tableau.standard)
        nodes, slopes = alpha.sum(axis=1), gamma.sum(axis=1)
        # k = f(alpha) + gamma_i f_t(0) with J = 0 and f_t(0) = 0
        k = gamma @ (nodes**2 + 0.0 * slopes)
        new = np.array([*tableau.a[-1], 1.0]) @ k
    else:
        k = np.array(tableau.nodes) ** 2
        new = np.array([*tableau.a[-1], 0.0]) @ k
    s = np.linspace(0, 1, 7)
    d0, d1, d2 = (np.array(row) @ k for row in tableau.dense)
    found = s * (new + (1 - s) * (d0 + s * d1 + s**2 * d2))
    np.testing.assert_allclose(found, s**3 / 3, atol=1e-9)
