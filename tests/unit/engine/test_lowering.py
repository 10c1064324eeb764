"""Lowered rates equal the formulas, Jacobians equal difference quotients, compiled bits equal interpreted bits."""

import numpy as np
import pytest

from engager.core import UnsupportedModel
from engager.engine.examples import explicit_trimer, predator_and_prey
from engager.engine.lowering.layout import lane_arrays
from engager.engine.lowering.tableau import RODAS5P
from engager.engine.native.compiler import compile_system
from engager.engine.native.interpret import _matrix, run
from engager.engine.native.kernel import generate_routines
from engager.model import Graph, System


def every_operation():
    """A system whose rates use each operation on things that move."""
    g = Graph()
    x, y, p = g.symbol("x"), g.symbol("y"), g.symbol("p")
    u = g.div(g.add(g.mul(x, x), g.const(1.0)), g.add(y, p))
    one = [g.apply(op, g.div(u, g.const(9.0))) for op in (
        "neg", "abs", "sqrt", "exp", "log", "floor", "ceil", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
        "cosh", "tanh", "asinh", "atanh")]  # fmt: skip
    one.append(g.apply("acosh", g.add(u, g.const(2.0))))
    one += [g.pow(u, p), g.pow(x, g.const(3.0)), g.pow(y, g.const(-2.0)), g.pow(u, g.const(0.5)), g.pow(p, x)]
    one += [g.apply(op, u, y) for op in ("min", "max", "rem")]
    test = g.apply("or", g.apply("and", g.apply("lt", x, y), g.apply("not", g.apply("eq", x, p))), g.apply("le", u, p))
    one.append(g.select(test, g.mul(x, y), g.sub(x, y)))
    rates = (g.add(*one), g.sub(g.mul(g.const(2.0), g.sub(x, g.mul(p, y))), g.div(g.div(x, y), p)))
    return System("all", g, ("x", "y"), ("p",), rates, (g.const(1.0), g.const(2.0)), defaults={"p": 1.7})


def arrays_for(routines, system, state, time=0.3):
    n = len(system.states)
    found = {
        "P": np.array([system.defaults[name] for name in system.parameters]), "X": np.array(state, dtype=float),
        "T": np.array([time]), "U": np.zeros(0), "Q": np.zeros(routines.sizes.hoisted), "F": np.zeros(n),
        "J": np.zeros(routines.sizes.jacobian), "G": np.zeros(routines.sizes.over_time),
    }  # fmt: skip
    run(routines.prologue, found)
    return found


@pytest.mark.parametrize("system", [every_operation(), predator_and_prey(), explicit_trimer()], ids=lambda s: s.id)
def test_rates_and_jacobian_are_those_of_the_formulas(system):
    routines = generate_routines(system, RODAS5P)
    n = len(system.states)
    state = np.linspace(0.7, 1.3, n)
    arrays = arrays_for(routines, system, state)
    run(routines.slopes, arrays)
    named = dict(system.defaults) | {"time": 0.3}

    def plain(x):
        return np.array(system.graph.evaluate(system.rates, named | dict(zip(system.states, x, strict=True))))

    np.testing.assert_allclose(arrays["F"], plain(state), rtol=1e-13)
    step = 1e-6
    columns = [(plain(state + step * e) - plain(state - step * e)) / (2 * step) for e in np.eye(n)]
    # central differences: about 1e-16 / 1e-6 of the rates' size
    matrix, want = _matrix(routines.entries, arrays, n), np.array(columns).T
    np.testing.assert_allclose(matrix, want, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(plain(state)).max()))


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_compiled_rates_have_the_bits_of_interpreted_ones(width):
    system = every_operation()
    routines = generate_routines(system, RODAS5P)
    offsets, total = lane_arrays(routines.sizes, width)
    block = np.zeros(total + 8)
    compiled = compile_system(system, RODAS5P, width)
    want = []
    for lane in range(width):
        state = [0.5 + 0.1 * lane, 2.0 - 0.15 * lane]
        arrays = arrays_for(routines, system, state)
        run(routines.rates, arrays)
        want.append(arrays["F"].copy())
        for i, value in enumerate(state):
            block[offsets["Y"] + i * width + lane] = value
        for i, value in enumerate(arrays["Q"]):
            block[offsets["Q"] + i * width + lane] = value
    compiled.repeat(block.ctypes.data, 0, 0, 1)
    got = [[block[offsets["F"] + i * width + lane] for i in range(2)] for lane in range(width)]
    np.testing.assert_array_equal(np.array(got), np.array(want))


def test_a_factorial_of_a_state_is_refused_by_name():
    g = Graph()
    x = g.symbol("x")
    system = System("f", g, ("x",), (), (g.apply("factorial", x),), (g.const(1.0),))
    with pytest.raises(UnsupportedModel, match="factorial"):
        generate_routines(system, RODAS5P)


def test_generated_text_is_the_same_each_time_and_free_of_names():
    from engager.engine.native.kernel import print_kernel

    def text(prefix):
        g = Graph()
        x, k = g.symbol(prefix + "x"), g.symbol(prefix + "k")
        system = System("m", g, (prefix + "x",), (prefix + "k",), (g.mul(k, x),), (g.const(1.0),))
        return print_kernel(generate_routines(system, RODAS5P), RODAS5P, 4).text

    assert text("") == text('evil"\n ret void } ')
    assert "evil" not in text("evil")
    assert not any(flag in text("") for flag in (" fast ", "reassoc", "contract", "nnan", "afn"))
