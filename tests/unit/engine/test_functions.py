"""Elementary functions written in IEEE operations agree with libm, also at the edges."""

import math

import numpy as np
import pytest

from engager.engine.lowering import functions as fn
from engager.engine.lowering.code import Code
from engager.engine.lowering.routine import finish
from engager.engine.native.interpret import run


def evaluate(build, *columns):
    """One function over arrays of arguments, through the interpreter."""
    code = Code()
    result = build(code, *(code.load("X", i) for i in range(len(columns))))
    routine = finish("f", code, [(("F", 0), result)], {})
    found = []
    for row in zip(*columns, strict=True):
        arrays = {"X": np.array(row, dtype=float), "F": np.zeros(1)}
        run(routine, arrays)
        found.append(arrays["F"][0])
    return np.array(found)


def close(got, want, ulp):
    """Equal up to `ulp` units in the last place of the answer."""
    np.testing.assert_array_less(np.abs(got - want), ulp * np.spacing(np.abs(want)) + 1e-300)


RNG = np.random.default_rng(7)
SMALL = np.concatenate([RNG.uniform(-1, 1, 60), [1e-12, -1e-9, 1e-5]])
WIDE = np.concatenate([RNG.uniform(-30, 30, 60), SMALL])
POSITIVE = np.exp(RNG.uniform(-200, 200, 80))


@pytest.mark.parametrize(
    ("name", "arguments", "ulp"),
    [
        ("exp", np.concatenate([WIDE, [-700.0, 700.0]]), 3), ("expm1", WIDE, 4),
        ("log", np.concatenate([POSITIVE, 1 + SMALL / 3]), 6), ("log1p", np.abs(WIDE), 8),
        ("tanh", WIDE, 6), ("sinh", WIDE, 6), ("cosh", WIDE, 4), ("asinh", WIDE, 8), ("acosh", 1 + np.abs(WIDE), 8),
        ("atanh", SMALL * 0.999, 8), ("atan", np.concatenate([WIDE, [1e9, -1e20]]), 4),
        ("asin", SMALL, 6), ("acos", SMALL, 6),
    ],
)  # fmt: skip
def test_function_is_right_to_a_few_units_in_the_last_place(name, arguments, ulp):
    got = evaluate(getattr(fn, name), arguments)
    close(got, np.array([getattr(math, name)(x) for x in arguments]), ulp)


def test_sine_and_cosine_are_right_to_1e_15():
    angles = np.concatenate([WIDE, RNG.uniform(-1e4, 1e4, 40)])
    assert np.abs(evaluate(lambda c, x: fn.sin_cos(c, x)[0], angles) - np.sin(angles)).max() < 2e-15
    assert np.abs(evaluate(lambda c, x: fn.sin_cos(c, x)[1], angles) - np.cos(angles)).max() < 2e-15
    assert np.isnan(evaluate(lambda c, x: fn.sin_cos(c, x)[0], [1e12]))[0]


def test_power_is_right_and_keeps_the_conventions_of_c():
    base, exponent = np.exp(RNG.uniform(-12, 12, 200)), RNG.uniform(-4, 4, 200)
    got = evaluate(lambda c, b, e: fn.Power(c, b, e).value, base, exponent)
    # 2e-16 for each unit of |exponent * log2(base)|, at most 4 * 17
    assert np.max(np.abs(got / base**exponent - 1)) < 3e-14
    cases = [(0.0, 1.4, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, math.inf), (-2.0, 3.0, -8.0),
             (-2.0, 2.0, 4.0), (-2.0, 1.5, math.nan), (math.nan, 2.5, math.nan), (math.inf, 1.5, math.inf)]  # fmt: skip
    b, e, want = (np.array(column) for column in zip(*cases, strict=True))
    np.testing.assert_allclose(evaluate(lambda c, x, y: fn.Power(c, x, y).value, b, e), want, rtol=1e-15)


def test_edges_overflow_to_infinity_and_vanish_to_zero():
    np.testing.assert_array_equal(
        evaluate(fn.exp, [-np.inf, -1e4, 1e4, np.inf, np.nan]), [0.0, 0.0, np.inf, np.inf, np.nan]
    )
    np.testing.assert_array_equal(evaluate(fn.log, [0.0, -1.0, np.inf, np.nan]), [-np.inf, np.nan, np.inf, np.nan])
    np.testing.assert_array_equal(evaluate(fn.tanh, [1e5, -1e5, 0.0]), [1.0, -1.0, 0.0])


def test_remainder_has_the_sign_of_the_dividend():
    a, b = np.array([7.5, -7.5, 6.0, 1e10]), np.array([2.0, 2.0, 3.0, 7.0])
    np.testing.assert_array_equal(evaluate(fn.remainder, a, b), [math.fmod(*pair) for pair in zip(a, b, strict=True)])
