"""What counts as nothing is relative to what a state has been: no unit need be told, in any backend."""

import math

import numpy as np
import pytest

from engager.engine import Action, OdeProblem, Schedule, simulate_model, solve
from engager.engine.tolerance import absolute_floor, floors
from engager.model import load_model, read_antimony

REVERSIBLE = """model tiny; compartment c = 1e-16; species A in c, B in c; A = 1.66e-5; B = 0; k1 = 3000; k2 = 1000;
    J: A -> B; c*(k1*A - k2*B); {} end"""


def share(t):
    """B as a share of all."""
    return 0.75 * (1 - math.exp(-4000 * t))


@pytest.mark.parametrize(
    ("backend", "event"),
    [("native", ""), ("reference", ""), ("reference", "w = 0; late: at time > 20: w = 1;")],
)
def test_amounts_of_1e_21_keep_their_accuracy_whatever_event_never_fires(backend, event):
    course = simulate_model(read_antimony(REVERSIBLE.format(event)), 1e-3, 1e-4, backend=backend)
    expected = [1.66e-5 * share(t) for t in course.time]
    np.testing.assert_allclose(course["[B]"], expected, rtol=1e-6)


CHAIN = "model m; A = {}; B = 0; C = 0; D = 0; A' = -A; B' = A - B; C' = B - C; D' = C - D; end"


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("size", [1.0, 1e-21, 1e-60, 1e12])
def test_a_chain_that_starts_empty_is_the_same_in_every_unit(backend, size):
    course = simulate_model(read_antimony(CHAIN.format(size)), 5.0, 1.0, backend=backend)
    expected = size * course.time**3 / 6 * np.exp(-course.time)
    np.testing.assert_allclose(course["D"], expected, rtol=1e-5)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_small_dose_is_followed_as_a_large_one_and_company_changes_nothing(backend):
    system = read_antimony(CHAIN.format(0))
    sizes = np.array([1.0, 1e-19, 3.0, 1e-25])
    schedule = Schedule(
        np.arange(5), np.full(4, 0.5), np.full(4, int(Action.ADD_TO_STATE)), np.zeros(4, dtype=int), sizes
    )
    together = solve(OdeProblem(system, np.zeros((4, 0)), np.array([0.0, 3.5]), schedule=schedule), backend=backend)
    np.testing.assert_allclose(together.state("D")[:, -1], sizes * 27 / 6 * math.exp(-3), rtol=1e-4)
    for k in range(4):
        own = Schedule.same_for_all(1, [(0.5, Action.ADD_TO_STATE, 0, float(sizes[k]))])
        alone = solve(OdeProblem(system, np.zeros((1, 0)), np.array([0.0, 3.5]), schedule=own), backend=backend)
        np.testing.assert_array_equal(alone.values[0], together.values[k])


def test_a_state_that_falls_by_many_decades_is_let_go_at_its_share():
    """Six decades below the largest size, times the tolerance: no steps are spent on what is nothing."""
    course = simulate_model(read_antimony("model m; A = 1; A' = -A; end"), 200.0, 100.0, backend="reference")
    assert course.trajectories.n_steps[0] < 700


@pytest.mark.parametrize("model", ["b-all", "hosseini-2020"])
def test_models_that_ship_keep_the_usual_floor(model):
    system = load_model(model).system
    assert absolute_floor(system) == 1e-15
    asked = OdeProblem(system, np.ones((2, len(system.parameters))), np.array([0.0, 1.0]))
    assert floors(asked).tolist() == [1e-15, 1e-15]
