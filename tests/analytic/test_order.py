"""Error falls with the number of steps at the order promised; a rearranged sum would drop it to 2."""

import numpy as np
import pytest

from engager.engine import OdeProblem, solve
from engager.engine.examples import explicit_trimer, predator_and_prey

TIMES = np.linspace(0.0, 10.0, 41)


@pytest.mark.parametrize(("method", "order"), [("rodas5p", 5), ("rodas4", 4), ("dopri5", 5)])
def test_error_falls_with_the_order_of_the_method(method, order):
    """Nonlinear, with a power, an exponential and explicit time (so the df/dt term counts)."""
    system = predator_and_prey()
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    best = solve(OdeProblem(system, parameters, TIMES), method="dopri5", rtol=1e-13, atol=1e-14)
    steps, errors = [], []
    for rtol in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9):
        result = solve(OdeProblem(system, parameters, TIMES), method=method, rtol=rtol, atol=rtol * 1e-3)
        steps.append(result.n_steps[0])
        errors.append(np.abs(result.values[:, -1] - best.values[:, -1]).max())
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    # half an order of room: the step controller does not scale all steps alike
    assert slope < -(order - 0.5)


@pytest.mark.parametrize("method", ["rodas5p", "rodas4", "dopri5"])
def test_interpolated_saves_are_as_good_as_steps(method):
    system = predator_and_prey()
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    best = solve(OdeProblem(system, parameters, TIMES), method="dopri5", rtol=1e-13, atol=1e-14)
    result = solve(OdeProblem(system, parameters, TIMES), method=method, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(result.values, best.values, rtol=1e-5, atol=1e-5)


def test_a_sine_is_integrated_by_time_alone():
    from engager.model import Graph, System

    g = Graph()
    t = g.symbol("time")
    system = System("clock", g, ("x",), (), (g.apply("cos", t),), (g.const(0.0),))
    for method in ("rodas5p", "rodas4", "dopri5"):
        result = solve(OdeProblem(system, np.zeros((1, 0)), TIMES), method=method, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(result.values[0, :, 0], np.sin(TIMES), atol=2e-8)


def test_explicit_trimer_with_fast_binding_keeps_its_totals():
    """Rates of 1e5 a day: stiff from the first instant. Molecules are conserved where nothing is lost."""
    system = explicit_trimer()
    rng = np.random.default_rng(3)
    n = 24
    parameters = np.column_stack([10 ** rng.uniform(3, 5, n), 10 ** rng.uniform(1, 3, n), np.zeros(n)])
    result = solve(OdeProblem(system, parameters, np.linspace(0, 30.0, 31)), method="rodas5p", rtol=1e-8)
    assert result.n_failed == 0
    d, t, e, dt, de, x = np.moveaxis(result.values, -1, 0)
    np.testing.assert_allclose(d + dt + de + x, 1.0, rtol=1e-9)
    np.testing.assert_allclose(t + dt + x, 0.5, rtol=1e-9)
    np.testing.assert_allclose(e + de + x, 0.3, rtol=1e-9)
    # equilibrium of each binding at the end
    k = parameters[:, 1] / parameters[:, 0]
    np.testing.assert_allclose(d[:, -1] * t[:, -1] / dt[:, -1], k, rtol=1e-6)
    np.testing.assert_allclose(dt[:, -1] * e[:, -1] / x[:, -1], k, rtol=1e-6)
    # far fewer steps than stability of an explicit method would ask for (1e5 a day over 30 days)
    assert result.n_steps.max() < 2000
