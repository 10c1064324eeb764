"""One- and two-compartment courses against their closed forms: bolus, infusion, reset, at tight tolerance."""

import numpy as np
import pytest

from engager.engine import Action, OdeProblem, Schedule, solve
from engager.engine.examples import one_compartment, spread, two_compartments

METHODS = ["rodas5p", "rodas4", "dopri5"]
TIMES = np.linspace(0.0, 12.0, 49)


def infused(k, rate, start, stop, times):
    """Amount from an infusion at `rate` from `start` to `stop` with first-order loss `k`."""
    on = np.clip(times - start, 0.0, stop - start)
    after = np.clip(times - stop, 0.0, None)
    return rate / k * (1 - np.exp(-k * on)) * np.exp(-k * after)


@pytest.mark.parametrize("method", METHODS)
def test_one_compartment_bolus_and_infusion(method):
    system = one_compartment()
    parameters = spread(system, 11)
    actions = [(1.0, Action.ADD_TO_STATE, 0, 5.0), (2.5, Action.SET_INPUT, 0, 3.0), (7.125, Action.SET_INPUT, 0, 0.0)]
    result = solve(
        OdeProblem(system, parameters, TIMES, schedule=Schedule.same_for_all(11, actions)), method=method, rtol=1e-10
    )
    k = parameters[:, :1]
    bolus = 5.0 * np.exp(-k * (TIMES - 1.0)) * (TIMES >= 1.0)
    want = bolus + infused(k, 3.0, 2.5, 7.125, TIMES)
    assert result.n_failed == 0
    np.testing.assert_allclose(result.state("A"), want, rtol=2e-8, atol=2e-9)


@pytest.mark.parametrize("method", METHODS)
def test_two_compartment_infusion_then_reset(method):
    """Reset empties both compartments and stops the infusion; what follows starts afresh."""
    system = two_compartments()
    parameters = spread(system, 9)
    actions = [(0.0, Action.SET_INPUT, 0, 2.0), (5.0, Action.RESET, 0, 0.0), (6.0, Action.ADD_TO_STATE, 0, 4.0)]
    result = solve(
        OdeProblem(system, parameters, TIMES, schedule=Schedule.same_for_all(9, actions)), method=method, rtol=1e-10
    )
    for i, (k10, k12, k21) in enumerate(parameters):
        matrix = np.array([[-(k10 + k12), k21], [k12, -k21]])
        rates, modes = np.linalg.eig(matrix)
        steady = np.linalg.solve(matrix, [-2.0, 0.0])
        for j, t in enumerate(TIMES):
            if t < 5.0:
                want = steady + modes @ (np.exp(rates * t) * np.linalg.solve(modes, -steady))
            elif t < 6.0:
                want = np.zeros(2)
            else:
                want = modes @ (np.exp(rates * (t - 6.0)) * np.linalg.solve(modes, [4.0, 0.0]))
            np.testing.assert_allclose(result.values[i, j], want, rtol=2e-8, atol=2e-9)
    np.testing.assert_array_equal(result.inputs, 0.0)


def test_states_can_be_set_and_multiplied_at_an_instant_in_the_order_given():
    system = one_compartment()
    actions = [
        (1.0, Action.SET_STATE, 0, 2.0), (1.0, Action.ADD_TO_STATE, 0, 1.0), (1.0, Action.MULTIPLY_STATE, 0, 0.5),
    ]  # fmt: skip
    times = np.array([0.0, 0.5, 1.0, 2.0])
    result = solve(OdeProblem(system, np.array([[0.5]]), times, schedule=Schedule.same_for_all(1, actions)), rtol=1e-9)
    np.testing.assert_allclose(result.values[0, :, 0], [0.0, 0.0, 1.5, 1.5 * np.exp(-0.5)], rtol=1e-7)


def test_actions_before_the_start_are_ignored_and_at_the_start_and_end_are_seen():
    system = one_compartment()
    actions = [
        (-1.0, Action.ADD_TO_STATE, 0, 100.0), (0.0, Action.ADD_TO_STATE, 0, 1.0), (2.0, Action.ADD_TO_STATE, 0, 7.0),
        (3.0, Action.ADD_TO_STATE, 0, 50.0),
    ]  # fmt: skip
    times = np.array([0.0, 1.0, 2.0])
    result = solve(OdeProblem(system, np.array([[0.5]]), times, schedule=Schedule.same_for_all(1, actions)), rtol=1e-9)
    np.testing.assert_allclose(result.values[0, :, 0], [1.0, np.exp(-0.5), np.exp(-1.0) + 7.0], rtol=1e-7)
