"""Small systems with known behavior: to try the engine on, in documentation and tests."""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray
from engager.model import Graph, System


def one_compartment() -> System:
    """dA/dt = rate - k A, with an infusion rate as input."""
    g = Graph()
    amount, k, rate = g.symbol("A"), g.symbol("k"), g.symbol("rate")
    return System(
        "one", g, ("A",), ("k",), (g.sub(rate, g.mul(k, amount)),), (g.const(0.0),), inputs=("rate",),
        defaults={"k": 0.5, "rate": 0.0},
    )  # fmt: skip


def two_compartments() -> System:
    """Central and peripheral amounts with an infusion into the first."""
    g = Graph()
    a, b = g.symbol("A"), g.symbol("B")
    k10, k12, k21, rate = (g.symbol(name) for name in ("k10", "k12", "k21", "rate"))
    out = g.mul(g.add(k10, k12), a)
    return System(
        "two", g, ("A", "B"), ("k10", "k12", "k21"),
        (g.add(g.sub(rate, out), g.mul(k21, b)), g.sub(g.mul(k12, a), g.mul(k21, b))),
        (g.const(0.0), g.const(0.0)), inputs=("rate",),
        defaults={"k10": 0.4, "k12": 0.3, "k21": 0.2, "rate": 0.0},
    )  # fmt: skip


def predator_and_prey() -> System:
    """Lotka-Volterra with a power, an exponential and explicit time: nonlinear, not autonomous, not stiff."""
    g = Graph()
    x, y, t = g.symbol("x"), g.symbol("y"), g.symbol("time")
    a, n = g.symbol("a"), g.symbol("n")
    season = g.add(g.const(1.0), g.mul(g.const(0.3), g.apply("sin", t)))
    eaten = g.mul(g.pow(x, g.add(g.const(1.0), n)), y)  # an exponent below 1 would empty x in finite time
    return System(
        "prey", g, ("x", "y"), ("a", "n"),
        (g.sub(g.mul(g.mul(a, season), x), eaten),
         g.sub(g.mul(g.const(0.7), eaten), g.mul(y, g.apply("exp", g.neg(g.div(x, g.const(10.0))))))),
        (g.const(1.0), g.const(0.5)), defaults={"a": 1.1, "n": 0.2},
    )  # fmt: skip


def explicit_trimer() -> System:
    """A bridging drug that binds target T and effector E without quasi-equilibrium; rates up to 1e5 a day."""
    g = Graph()
    names = ("D", "T", "E", "DT", "DE", "X")
    d, t, e, dt, de, x = (g.symbol(name) for name in names)
    on, off, loss = g.symbol("on"), g.symbol("off"), g.symbol("loss")
    bind_t = g.sub(g.mul(g.mul(on, d), t), g.mul(off, dt))
    bind_e = g.sub(g.mul(g.mul(on, d), e), g.mul(off, de))
    close_t = g.sub(g.mul(g.mul(on, dt), e), g.mul(off, x))
    close_e = g.sub(g.mul(g.mul(on, de), t), g.mul(off, x))
    rates = (
        g.sub(g.neg(g.add(bind_t, bind_e)), g.mul(loss, d)),
        g.neg(g.add(bind_t, close_e)),
        g.neg(g.add(bind_e, close_t)),
        g.sub(bind_t, close_t),
        g.sub(bind_e, close_e),
        g.add(close_t, close_e),
    )
    start = tuple(g.const(value) for value in (1.0, 0.5, 0.3, 0.0, 0.0, 0.0))
    defaults = {"on": 1e5, "off": 1e3, "loss": 1.0}
    return System("trimer", g, names, ("on", "off", "loss"), rates, start, defaults=defaults)


def blow_up() -> System:
    """dx/dt = x^2 reaches infinity at 1/x0 when a = 1; stays where it is when a = 0."""
    g = Graph()
    x, a = g.symbol("x"), g.symbol("a")
    return System("blow", g, ("x",), ("a",), (g.mul(a, g.mul(x, x)),), (g.const(1.0),), defaults={"a": 1.0})


def spread(system: System, n: int, seed: int = 1, width: float = 0.3) -> FloatArray:
    """Log-normal parameters around the defaults, array (patient, parameter)."""
    middle = np.array([system.defaults[name] for name in system.parameters])
    return middle * np.exp(width * np.random.default_rng(seed).standard_normal((n, middle.size)))
