"""Events and discontinuities of the reference engine, against closed forms."""

import math

import numpy as np
import pytest

from engager.engine import Action, OdeProblem, Schedule, Status
from engager.engine.reference.backend import solve_reference
from engager.model import read_antimony


def solve(text, times, **more):
    system = read_antimony(f"model m; {text}; end")
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    result = solve_reference(
        OdeProblem(system, parameters, np.array(times, dtype=float)), rtol=1e-10, atol=1e-13, **more
    )
    return {name: result.values[0, :, k] for k, name in enumerate(system.states)}, result


def test_crossings_are_found_to_the_last_digit():
    found, _ = solve("x' = 1; x = 0; hit' = 0; hit = 0; at (x >= sqrt(2)): hit = time", [0, 2])
    assert found["hit"][1] == pytest.approx(math.sqrt(2), rel=1e-12)


def test_event_at_a_save_time_happens_before_the_save():
    found, _ = solve("x' = 0; x = 1; at (time >= 5): x = 2", [0, 4.999, 5, 6])
    assert found["x"].tolist() == [1, 1, 2, 2]


def test_strict_comparison_holds_only_after_its_time():
    found, _ = solve("x' = 0; x = 1; at (time > 5): x = 2", [0, 5, 5.000001])
    assert found["x"].tolist() == [1, 1, 2]


def test_short_windows_of_time_are_not_stepped_over():
    found, _ = solve("x' = piecewise(1e6, time >= 3 && time < 3.000001, 0); x = 0", [0, 1000])
    assert found["x"][1] == pytest.approx(1.0, rel=1e-6)


def test_short_dips_of_a_state_are_seen():
    text = "x' = -10*sin(10*time); x = 1; n' = 0; n = 0; at (x < -0.95): n = n + 1"
    found, _ = solve(text, [0, 10])
    expected = sum(1 for k in range(100) if (2 * k + 1) * math.pi / 10 < 10)
    assert found["n"][1] == expected


def test_floor_in_a_rate_changes_where_it_should():
    # slope 0, 1, 2, ... less one for every begun three of x; worked by hand, stretch by stretch
    found, _ = solve("x' = floor(time) - ceil(x/3); x = 0", [0, 3.3, 4.9, 7, 7.1])
    np.testing.assert_allclose(found["x"][1:], [1.6, 4.8, 89 / 9, 10.1888888888889], rtol=1e-9)


def test_equality_fires_at_its_instant():
    found, _ = solve("x' = 1; x = 0; n' = 0; n = 0; at (x == 0.7): n = n + 1; at (time == 2): n = n + 10", [0, 1, 3])
    assert found["n"].tolist() == [0, 1, 11]


def test_events_in_an_endless_circle_fail():
    _, result = solve("x' = 0; x = 0; at (x < 1 && time > 1): x = 2; at (x > 1): x = 0", [0, 2])
    assert result.status.tolist() == [Status.STEP_LIMIT]
    assert np.isnan(result.values[0, 1]).all()


def test_sliding_along_a_switch_is_a_failure_not_a_number():
    found, result = solve("x' = piecewise(1, x < 0.5, -1); x = 0", [0, 0.25, 2], max_steps=3000)
    assert result.status[0] in (Status.STEP_LIMIT, Status.STEP_TOO_SMALL)
    assert found["x"][1] == pytest.approx(0.25)
    assert np.isnan(found["x"][2])


def test_simultaneous_events_see_the_values_of_their_trigger_time():
    found, _ = solve("a' = 0; b' = 0; a = 1; b = 2; at (time >= 1): a = b; at (time >= 1): b = a", [0, 2])
    assert (found["a"][1], found["b"][1]) == (2, 1)


def test_priority_orders_events_that_use_values_of_execution():
    text = """a' = 0; a = 1; at (time >= 1), priority={}, fromTrigger=false: a = a*10;
        at (time >= 1), priority=5, fromTrigger=false: a = a + 1"""
    assert solve(text.format(9), [0, 2])[0]["a"][1] == 11
    assert solve(text.format(1), [0, 2])[0]["a"][1] == 20


def test_event_that_is_not_persistent_is_dropped_when_its_trigger_falls():
    text = "x' = 1; x = 0; a' = 0; a = 0; at 2 after (x > 1 && x < 2), persistent={}: a = 1"
    assert solve(text.format("false"), [0, 5])[0]["a"][1] == 0
    assert solve(text.format("true"), [0, 5])[0]["a"][1] == 1


def test_delay_takes_values_when_asked():
    text = "x' = 1; x = 0; a' = 0; a = 0; at 2 after (x >= 1), fromTrigger={}: a = x"
    assert solve(text.format("true"), [0, 5])[0]["a"][1] == pytest.approx(1)
    assert solve(text.format("false"), [0, 5])[0]["a"][1] == pytest.approx(3)


def test_trigger_true_at_the_start_fires_only_when_it_was_false_before():
    text = "a' = 0; a = 0; at (time >= 0), t0={}: a = 1"
    assert solve(text.format("false"), [0, 1])[0]["a"].tolist() == [1, 1]
    assert solve(text.format("true"), [0, 1])[0]["a"].tolist() == [0, 0]


def test_compartment_event_keeps_amounts():
    found, _ = solve("compartment V; V = 2; species S in V; S = 3; at (time >= 1): V = 6", [0, 2])
    assert found["V"].tolist() == [2, 6]
    assert found["S"].tolist() == [6, 6]


def dosed(text, actions, times):
    system = read_antimony(text)
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    schedule = Schedule.same_for_all(1, actions)
    return solve_reference(OdeProblem(system, parameters, np.array(times, dtype=float), schedule=schedule), rtol=1e-10)


THRESHOLD = "model m; C = 0; n = 0; C' = -0.1*C; up: at {}C > 50: n = n + 1; end"


@pytest.mark.parametrize("time", [0.0, 1.0])
def test_a_dose_that_lifts_a_state_over_a_threshold_fires_at_the_start_as_later(time):
    result = dosed(THRESHOLD.format(""), [(time, Action.ADD_TO_STATE, 0, 60.0)], [0, 1, 2])
    assert result.state("n")[0, -1] == 1


def test_a_reset_cancels_what_is_pending():
    actions = [(1.0, Action.ADD_TO_STATE, 0, 60.0), (3.0, Action.RESET, 0, 0.0)]
    assert dosed(THRESHOLD.format("5 after "), actions, [0, 20]).state("n")[0, -1] == 0


def test_after_a_reset_a_threshold_is_watched_anew():
    actions = [(1.0, Action.ADD_TO_STATE, 0, 60.0), (3.0, Action.RESET, 0, 0.0), (3.0, Action.ADD_TO_STATE, 0, 60.0)]
    assert dosed(THRESHOLD.format(""), actions, [0, 20]).state("n")[0, -1] == 1


def test_instants_one_rounding_apart_are_one():
    """0.1 + 0.2 and 0.3: actions, an event of time, a formula of time and saves."""
    text = """model m; x = 0; x' = 1; n = 0; y = 0; y' = piecewise(1, time >= 0.1 + 0.2, 0);
    e: at time >= 0.1*3: n = 1; end"""
    times = [0.0, 0.3, math.nextafter(0.3, 1), 1.0]
    actions = [(0.3, Action.ADD_TO_STATE, 0, 1.0), (0.1 + 0.2, Action.ADD_TO_STATE, 0, 1.0)]
    result = dosed(text, actions, times)
    assert result.status.tolist() == [Status.DONE]
    np.testing.assert_allclose(result.state("x")[0, -1], 3.0, rtol=1e-9)
    np.testing.assert_allclose(result.state("y")[0, -1], 0.7, rtol=1e-9)
    assert result.state("n")[0, -1] == 1
