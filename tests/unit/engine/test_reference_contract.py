"""The reference engine keeps the contract of `Problem` and `Trajectories`."""

import math

import numpy as np
import pytest

from engager.engine import Action, OdeProblem, Schedule, Status
from engager.engine.reference.backend import solve_reference
from engager.model import read_antimony

DECAY = "model m; x' = rate - k*x; y' = x; x = 1; y = 0; k = 0.5; rate = 0; end"


def problem(actions=(), times=(0.0, 1.0, 2.0, 4.0), n=1, text=DECAY, inputs=("rate",), **more):
    system = read_antimony(text, inputs=inputs)
    parameters = np.tile([system.defaults[name] for name in system.parameters], (n, 1))
    schedule = Schedule.same_for_all(n, list(actions))
    return OdeProblem(system, parameters, np.array(times), schedule=schedule, **more)


def solve(*args, **more):
    return solve_reference(problem(*args, **more), rtol=1e-10, atol=1e-13)


def test_saves_are_right_continuous():
    result = solve([(1.0, Action.ADD_TO_STATE, 0, 5.0), (2.0, Action.SET_STATE, 0, 3.0)])
    np.testing.assert_allclose(result.state("x")[0], [1, math.exp(-0.5) + 5, 3, 3 * math.exp(-1)], rtol=1e-9)


def test_actions_of_one_instant_happen_in_order():
    kinds = [(Action.SET_STATE, 2.0), (Action.MULTIPLY_STATE, 3.0), (Action.ADD_TO_STATE, 1.0)]
    actions = [(1.0, kind, 0, value) for kind, value in kinds]
    assert solve(actions).state("x")[0, 1] == 7.0


def test_inputs_last_until_they_change_and_are_handed_back():
    result = solve([(0.0, Action.SET_INPUT, 0, 2.0), (2.0, Action.SET_INPUT, 0, 0.0), (4.0, Action.SET_INPUT, 0, 9.0)])
    at_2 = 4 + (1 - 4) * math.exp(-1)
    np.testing.assert_allclose(result.state("x")[0, 2:], [at_2, at_2 * math.exp(-1)], rtol=1e-9)
    assert result.inputs.tolist() == [[9.0]]


def test_reset_puts_states_back_and_inputs_to_zero():
    result = solve([(0.0, Action.SET_INPUT, 0, 2.0), (2.0, Action.RESET, 0, 0.0)])
    np.testing.assert_allclose(result.values[0, 2], [1.0, 0.0])
    np.testing.assert_allclose(result.values[0, 3, 0], math.exp(-1), rtol=1e-9)
    assert result.inputs.tolist() == [[0.0]]


def test_actions_outside_the_save_times_are_ignored():
    actions = [(-1.0, Action.SET_STATE, 0, 9.0), (7.0, Action.SET_STATE, 0, 9.0)]
    np.testing.assert_array_equal(solve(actions).values, solve().values)


def test_results_do_not_depend_on_the_save_times():
    few = solve(times=(0.0, 4.0)).values[0, -1]
    many = solve(times=np.linspace(0, 4, 101)).values[0, -1]
    np.testing.assert_array_equal(few, many)


def test_given_initial_states_replace_the_models():
    result = solve(n=2, initial=np.array([[1.0, 0.0], [3.0, 0.0]]))
    np.testing.assert_allclose(result.state("x")[:, 1], np.array([1, 3]) * math.exp(-0.5), rtol=1e-9)


def test_a_failed_patient_is_nan_from_then_on_and_alone():
    text = "model m; x' = x^2; x = 1; end"
    result = solve(text=text, inputs=(), n=2, times=(0.0, 0.5, 2.0), initial=np.array([[1.0], [0.1]]))
    assert result.status[0] != Status.DONE
    np.testing.assert_allclose(result.values[0, :2, 0], [1, 2], rtol=1e-8)
    assert np.isnan(result.values[0, 2, 0])
    np.testing.assert_allclose(result.values[1, :, 0], [0.1, 0.1 / 0.95, 0.125], rtol=1e-8)
    assert result.n_failed == 1


def test_step_limit_is_a_status():
    result = solve_reference(problem(times=(0.0, 1000.0)), max_steps=5)
    assert result.status.tolist() == [Status.STEP_LIMIT]


@pytest.mark.parametrize("method", ["LSODA", "Radau", "BDF", "DOP853"])
def test_methods_agree(method):
    result = solve_reference(problem(), rtol=1e-8, atol=1e-11, method=method)
    np.testing.assert_allclose(result.state("x")[0], np.exp(-0.5 * result.time), rtol=1e-6)


def test_start_need_not_be_zero():
    result = solve(text="model m; x' = time; x = 1; end", inputs=(), times=(2.0, 3.0))
    np.testing.assert_allclose(result.state("x")[0], [1, 3.5], rtol=1e-10)


def test_nan_actions_fail_the_patient():
    result = solve([(1.0, Action.ADD_TO_STATE, 0, math.nan)])
    assert result.status.tolist() == [Status.NOT_FINITE]
    assert np.isnan(result.values[0, 1:]).all()
    assert np.isfinite(result.values[0, 0]).all()
