"""Courses that end early: at the exact instant, alike in every backend, whatever else is asked."""

from dataclasses import replace

import numpy as np
import pytest

from engager.core import InputError
from engager.engine import Action, OdeProblem, Schedule, Stops, solve
from engager.engine.examples import one_compartment, predator_and_prey, spread
from engager.engine.native.backend import solve_native

BACKENDS = ["native", "reference"]
TIMES = np.linspace(0.0, 6.0, 13)


def watching(system, problem, limits, state=0, weight=1.0):
    weights = np.zeros((1, len(system.states)))
    weights[0, state] = weight
    return replace(problem, stops=Stops(weights, np.broadcast_to(limits, (problem.parameters.shape[0], 1))))


def decaying(limits):
    """dx/dt = -k x + infusion from x = 1 with k = 1, watched until it has fallen to a limit."""
    system = one_compartment()
    limits = np.asarray(limits, dtype=float)[:, None]
    n = len(limits)
    problem = OdeProblem(system, np.ones((n, len(system.parameters))), TIMES, initial=np.ones((n, len(system.states))))
    return watching(system, problem, -limits, weight=-1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_instant_is_that_of_the_closed_form(backend):
    limits = np.array([0.9, 0.5, 0.1, 0.01, 0.0])
    found = solve(decaying(limits), backend=backend, rtol=1e-9)
    assert found.stopped.tolist() == [0, 0, 0, 0, -1]
    np.testing.assert_allclose(found.end_time[:4], -np.log(limits[:4]), rtol=1e-6)
    assert found.end_time[4] == TIMES[-1]
    # from the stop on, every save holds the state at the stop
    np.testing.assert_allclose(found.values[1, np.log(2) < TIMES, 0], 0.5, rtol=1e-6)
    np.testing.assert_allclose(found.values[1, np.log(2) > TIMES, 0], np.exp(-TIMES[np.log(2) > TIMES]), rtol=1e-6)


def test_backends_agree_where_two_sums_are_watched():
    system = predator_and_prey()
    n = 12
    weights = np.array([[1.0, 1.0], [0.0, -1.0]])
    limits = np.column_stack([np.linspace(2.0, 4.0, n), np.linspace(-0.2, -0.9, n)])
    problem = OdeProblem(system, spread(system, n), TIMES, stops=Stops(weights, limits))
    got, want = solve(problem, rtol=1e-9), solve(problem, backend="reference", rtol=1e-10, atol=1e-13)
    assert set(got.stopped.tolist()) >= {0, 1}
    np.testing.assert_array_equal(got.stopped, want.stopped)
    np.testing.assert_allclose(got.end_time, want.end_time, rtol=1e-6)
    np.testing.assert_allclose(got.values, want.values, rtol=1e-5, atol=1e-8)


def test_bits_depend_on_no_save_time_width_thread_or_company():
    limits = np.linspace(0.95, 0.02, 11)
    problem = decaying(limits)
    whole = solve(problem, method="rodas5p")
    coarse = solve(replace(problem, save_times=TIMES[[0, -1]]), method="rodas5p")
    np.testing.assert_array_equal(coarse.end_time, whole.end_time)
    np.testing.assert_array_equal(coarse.values[:, -1], whole.values[:, -1])
    for width in (1, 2, 8):
        other = solve_native(solve_ready(problem), "rodas5p", 1e-6, None, 3, 10_000, width=width)
        np.testing.assert_array_equal(other.end_time, whole.end_time)
    alone = solve(decaying(limits[4:5]), method="rodas5p")
    assert alone.end_time[0] == whole.end_time[4]


def solve_ready(problem):
    stops = Stops(np.ascontiguousarray(problem.stops.weights), np.ascontiguousarray(problem.stops.limits))
    return replace(problem, stops=stops)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_done_to_a_patient_after_its_stop(backend):
    dose = Schedule.same_for_all(2, [(1.0, Action.ADD_TO_STATE, 0, 5.0)])
    found = solve(replace(decaying([0.5, 0.01]), schedule=dose), backend=backend, rtol=1e-9)
    assert found.values[0, -1, 0] == pytest.approx(0.5, rel=1e-6)  # stopped at ln 2, before the dose
    later = 1.0 + np.log((np.exp(-1.0) + 5.0) / 0.01)  # beyond the last save
    assert later > TIMES[-1]
    assert found.stopped.tolist() == [0, -1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("time", [0.0, 2.0])
def test_a_limit_reached_by_an_action_ends_the_course_there(backend, time):
    system = one_compartment()
    problem = OdeProblem(system, np.ones((1, len(system.parameters))), TIMES, initial=np.ones((1, len(system.states))))
    dose = Schedule.same_for_all(1, [(time, Action.ADD_TO_STATE, 0, 5.0)])
    found = solve(watching(system, replace(problem, schedule=dose), 4.0), backend=backend, rtol=1e-9)
    assert found.stopped.tolist() == [0]
    assert found.end_time[0] == time
    assert found.values[0, -1, 0] == pytest.approx(np.exp(-time) + 5.0, rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_patient_may_have_times_of_its_own(backend):
    system = predator_and_prey()
    own = np.array([[0.0, 1.0, 2.0], [3.0, 3.5, 3.5], [1.0, 1.0, 6.0]])
    parameters = spread(system, 3)
    together = solve(OdeProblem(system, parameters, own), backend=backend)
    for i, times in enumerate(own):
        alone = solve(OdeProblem(system, parameters[i : i + 1], np.unique(times)), backend=backend)
        place = np.searchsorted(np.unique(times), times)
        np.testing.assert_array_equal(together.values[i], alone.values[0, place])
    np.testing.assert_array_equal(together.end_time, own[:, -1])


def test_wrong_stops_are_told_together():
    problem = decaying([0.5])
    wrong = Stops(np.full((9, 1), np.nan), np.full((1, 9), np.nan))
    with pytest.raises(InputError) as caught:
        solve(replace(problem, stops=wrong))
    told = str(caught.value)
    assert "at most 8" in told
    assert "must be finite" in told
    assert "infinite where a patient never stops" in told
