"""Derivatives of graph formulas against central differences."""

import math

import pytest

from engager.model import Graph, derivative, read_antimony

FORMULAS = (
    "x^3", "x^y", "y^x", "1/x", "x/(y + x)", "exp(-x*y)", "ln(x)", "sqrt(x + y)", "sin(x)*cos(x)", "tan(x/4)",
    "sinh(x)", "cosh(x)", "tanh(x)", "arcsin(x/4)", "arccos(x/4)", "arctan(x)", "arcsinh(x)", "arccosh(1 + x)",
    "arctanh(x/4)", "abs(x - 3)", "max(x, y)*x", "min(x, y^2)*x", "piecewise(x^2, x < y, 3*x)", "rem(5*x, y)",
    "floor(x) + x", "-x*-x",
)  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_derivative_agrees_with_central_differences(formula):
    system = read_antimony(f"model m; x = 1; y = 2; f := {formula}; end")
    graph, root = system.graph, system.outputs["f"]
    slope = derivative(graph, root, "x")
    for x, y in ((1.3, 1.7), (2.2, 0.9)):
        step = 1e-6
        ends = [graph.evaluate([root], {"x": x + side * step, "y": y})[0] for side in (1, -1)]
        found = graph.evaluate([slope], {"x": x, "y": y})[0]
        assert found == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-7, abs=1e-8)


def test_derivative_by_something_else_is_zero():
    graph = Graph()
    x = graph.symbol("x")
    assert graph.constant_value(derivative(graph, graph.apply("exp", x), "y")) == 0.0


def test_power_of_a_negative_base_has_a_derivative():
    graph = Graph()
    x = graph.symbol("x")
    slope = derivative(graph, graph.pow(x, graph.const(3.0)), "x")
    assert math.isclose(graph.evaluate([slope], {"x": -2.0})[0], 12.0)
