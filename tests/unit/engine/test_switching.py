"""Formulas of time: steps end where they jump or bend, in every backend, however the formula is written."""

import math

import numpy as np
import pytest

from engager.core import UnsupportedModel
from engager.engine import Action, OdeProblem, Schedule, Status, solve
from engager.engine.switching.find import switched
from engager.engine.switching.join import switching_times, with_switches
from engager.model import load_model, read_antimony, read_sbml, to_sbml

K = 0.1


def hour(begins, ends, until=48.0, rate=100.0):
    """X at `until` after a constant rate between two times."""
    return rate / K * (1 - math.exp(-K * (ends - begins))) * math.exp(-K * (until - ends))


ONE = hour(24, 25)
PERIODIC = sum(hour(8 * k, 8 * k + 0.25) for k in range(6))
#: what is written, and X(48) in closed form
PULSES = {
    "two comparisons": ("R := piecewise(100, time >= 24 && time < 25, 0);", ONE),
    "open and closed": ("R := piecewise(100, (time > 24) && (time <= 25), 0);", ONE),
    "through parameters": ("on = 24; dur = 1; off := on + dur; R := piecewise(100, time > on && time < off, 0);", ONE),
    "negated": ("R := piecewise(0, !(time >= 24 && time < 25), 100);", ONE),
    "xor": ("R := piecewise(100, xor(time >= 24, time >= 25), 0);", ONE),
    "either": (
        "R := piecewise(100, (time >= 4 && time < 5) || (time >= 30 && time < 31), 0);",
        hour(4, 5) + hour(30, 31),
    ),
    "several pieces": (
        "R := piecewise(100, time >= 4 && time < 5, 50, time >= 30 && time < 31, 0);",
        hour(4, 5) + hour(30, 31) / 2,
    ),
    "a piecewise in a condition": (
        "a := time - 20; R := piecewise(100, piecewise(piecewise(1, a >= 4, 0), a < 5, 0) > 0.5, 0);",
        ONE,
    ),
    "products of steps": ("R := 100*piecewise(1, time >= 24, 0)*piecewise(0, time >= 25, 1);", ONE),
    "whole hours": ("R := piecewise(100, floor(time) == 24, 0);", ONE),
    "whole hours, up": ("R := piecewise(100, ceil(time) == 25, 0);", ONE),
    "every eight hours": ("tau = 8; p := time - tau*floor(time/tau); R := piecewise(100, p < 0.25, 0);", PERIODIC),
    "remainder": ("R := piecewise(100, rem(time, 8) < 0.25, 0);", PERIODIC),
    "quotient": ("R := piecewise(100, time - 8*quotient(time, 8) < 0.25, 0);", PERIODIC),
    "a parabola": ("R := piecewise(100, (time - 24)*(25 - time) > 0, 0);", ONE),
    "a wave": (
        f"R := piecewise(100, sin(2*{math.pi!r}*time/24) > cos({math.pi!r}/100), 0);",
        hour(5.88, 6.12) + hour(29.88, 30.12),
    ),
    "a narrow wave": (
        f"R := piecewise(1e4, cos(2*{math.pi!r}*(time - 24.3)/96) > cos({math.pi!r}/48000), 0);",
        hour(24.299, 24.301, rate=1e4),
    ),
    "a decay": ("R := piecewise(100, exp(-time) < exp(-24) && exp(-time) > exp(-25), 0);", ONE),
    "a clock": ("c = 0; c' = 1; R := piecewise(100, c >= 24 && c < 25, 0);", ONE),
    "a slow clock": ("c = -12; v = 0.5; c' = v; R := piecewise(100, c >= 0 && c < 0.5, 0);", ONE),
    "a constant state": ("on = 24; on' = 0; R := piecewise(100, time >= on && time < on + 1, 0);", ONE),
}  # fmt: skip


def problem(text, until=48.0, n=1, **more):
    system = read_antimony(f"model m; X = 0; {text} X' = R - {K}*X; end", **more)
    parameters = np.tile([system.defaults[name] for name in system.parameters], (n, 1))
    return OdeProblem(system, parameters, np.array([0.0, until]))


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", PULSES)
def test_a_pulse_is_not_stepped_over(name, backend):
    text, expected = PULSES[name]
    result = solve(problem(text), backend=backend, rtol=1e-9)
    assert result.status.tolist() == [Status.DONE]
    np.testing.assert_allclose(result.state("X")[0, -1], expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["rodas5p", "rodas4", "dopri5"])
def test_every_method_ends_its_steps_there(method):
    result = solve(problem(PULSES["two comparisons"][0]), method=method, rtol=1e-9)
    np.testing.assert_allclose(result.state("X")[0, -1], ONE, rtol=1e-7)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_kinks_of_min_max_and_abs_are_seen(backend):
    """A triangle of height 100 between 23 and 25 on a state at rest."""
    result = solve(problem("R := 100*max(0, 1 - abs(time - 24));"), backend=backend, rtol=1e-9)

    def ramp(t):  # integral of s*exp(K*s) from 0
        return (math.exp(K * t) * (K * t - 1) + 1) / K**2

    up = 100 * ramp(1.0)
    down = 100 * ((math.exp(K * 2) - math.exp(K)) / K * 2 - (ramp(2.0) - ramp(1.0)))
    np.testing.assert_allclose(result.state("X")[0, -1], (up + down) * math.exp(-K * 25), rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_smooth_pulse_on_a_quiet_state_is_seen(backend):
    width = 0.2
    result = solve(problem(f"R := 100*exp(-((time - 24)/{width})^2);"), backend=backend, rtol=1e-9)
    area = 100 * width * math.sqrt(math.pi)
    expected = area * math.exp((K * width / 2) ** 2) * math.exp(-K * 24)
    np.testing.assert_allclose(result.state("X")[0, -1], expected, rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_stoichiometry_and_compartments_may_jump(backend):
    text = """model m; species A, X; A = 0; X = 0; k = 100; n := piecewise(1, time >= 24 && time < 25, 0);
    J: -> n X; k; K: X -> ; 0.1*X; end"""
    system = read_antimony(text)
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    result = solve(OdeProblem(system, parameters, np.array([0.0, 48.0])), backend=backend, rtol=1e-9)
    np.testing.assert_allclose(result.state("X")[0, -1], ONE, rtol=1e-6)
    text = """model m; compartment V; V := piecewise(2, time >= 24 && time < 25, 1); species S in V; S = 1;
    X = 0; X' = S; end"""
    system = read_antimony(text)
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    result = solve(OdeProblem(system, parameters, np.array([0.0, 48.0])), backend=backend, rtol=1e-9)
    np.testing.assert_allclose(result.state("X")[0, -1], 47.5, rtol=1e-9)


def test_patients_have_switching_times_of_their_own():
    asked = problem("on = 24; R := piecewise(100, time >= on && time < on + 1, 0);", n=3)
    begins = np.array([10.0, 24.0, 40.0])
    asked.parameters[:, asked.system.parameters.index("on")] = begins
    result = solve(asked, rtol=1e-9)
    np.testing.assert_allclose(result.state("X")[:, -1], [hour(one, one + 1) for one in begins], rtol=1e-6)
    assert switching_times(asked) == [[10.0, 11.0], [24.0, 25.0], [40.0, 41.0]]
    alone = OdeProblem(asked.system, asked.parameters[1:2], asked.save_times)
    np.testing.assert_array_equal(solve(alone, rtol=1e-9).values[0], result.values[1])


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_an_input_that_a_schedule_changes_moves_the_switch(backend):
    asked = problem("on = 100; R := piecewise(100, time >= on && time < on + 1, 0);", inputs=("on",))
    on = asked.system.inputs.index("on")
    actions = [(5.0, Action.SET_INPUT, on, 24.0), (24.5, Action.SET_INPUT, on, 30.0)]
    schedule = Schedule.same_for_all(1, actions)
    result = solve(
        OdeProblem(asked.system, asked.parameters, asked.save_times, schedule=schedule), backend=backend, rtol=1e-9
    )
    np.testing.assert_allclose(result.state("X")[0, -1], hour(24, 24.5) + hour(30, 31), rtol=1e-6)
    assert result.inputs.tolist() == [[30.0]]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_reset_does_not_turn_the_clock_back_and_keeps_switches(backend):
    asked = problem("R := piecewise(100, time >= 24 && time < 25, 0);")
    schedule = Schedule.same_for_all(1, [(24.5, Action.RESET, 0, 0.0)])
    result = solve(
        OdeProblem(asked.system, asked.parameters, asked.save_times, schedule=schedule), backend=backend, rtol=1e-9
    )
    np.testing.assert_allclose(result.state("X")[0, -1], hour(24.5, 25), rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_dose_into_a_clock_moves_the_switch(backend):
    asked = problem("c = 0; c' = 1; R := piecewise(100, c >= 24 && c < 25, 0);")
    schedule = Schedule.same_for_all(1, [(10.0, Action.ADD_TO_STATE, asked.system.index("c"), 6.0)])
    result = solve(
        OdeProblem(asked.system, asked.parameters, asked.save_times, schedule=schedule), backend=backend, rtol=1e-9
    )
    np.testing.assert_allclose(result.state("X")[0, -1], hour(18, 19), rtol=1e-6)


def test_saves_in_between_change_nothing():
    asked = problem("R := piecewise(100, time - 0.7*floor(time/0.7) < 0.1, 0);")
    fine = OdeProblem(asked.system, asked.parameters, np.linspace(0, 48, 481))
    np.testing.assert_array_equal(solve(fine).values[0, -1], solve(asked).values[0, -1])


def test_more_switches_than_steps_could_follow_are_refused():
    with pytest.raises(UnsupportedModel, match="switches more than"):
        solve(problem("R := piecewise(100, floor(1e6*time) == 24, 0);"), backend="native")


@pytest.mark.parametrize("model", ["b-all", "hosseini-2020"])
def test_models_without_formulas_of_time_are_left_as_they_are(model):
    system = load_model(model).system
    assert switched(system) is None
    asked = OdeProblem(system, np.zeros((1, len(system.parameters))), np.array([0.0, 1.0]))
    assert with_switches(asked) is asked


def test_a_model_of_the_same_formulas_from_sbml_gives_the_same():
    system = problem(PULSES["two comparisons"][0]).system
    again = read_sbml(to_sbml(system))
    parameters = np.array([[again.defaults[name] for name in again.parameters]])
    result = solve(OdeProblem(again, parameters, np.array([0.0, 48.0])), rtol=1e-9)
    np.testing.assert_allclose(result.state("X")[0, -1], ONE, rtol=1e-6)


# smooth pulses of area 1 around 24.0137, far narrower than any step that a quiet state asks for
_AT = 24.0137
NARROW = {
    "a bell": f"s = 1e-4; R := exp(-(time - {_AT})^2/(2*s^2))/(s*sqrt(2*{math.pi!r}));",
    "a bell of a clock": f"c = 0; c' = 1; R := exp(-((c - {_AT})/1e-4)^2)/(1e-4*sqrt({math.pi!r}));",
    "a bell to the base of two": f"R := 2^(-((time - {_AT})/1e-4)^2)/(1e-4*sqrt({math.pi!r}/ln(2)));",
    "two sigmoids": f"R := 1e3/(1 + exp(-1e5*(time - {_AT}))) - 1e3/(1 + exp(-1e5*(time - {_AT} - 1e-3)));",
    "two steep tangents": f"R := 500*(tanh(1e6*(time - {_AT})) - tanh(1e6*(time - {_AT} - 1e-3)));",
    "two high powers": f"p := (time/{_AT})^2e5; q := (time/({_AT} + 1e-1))^2e5; R := 10*(1/(1 + q) - 1/(1 + p));",
    "a cosine": f"R := 500/cosh((time - {_AT})/1e-3)^2;",
}  # fmt: skip


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", NARROW)
def test_a_narrow_smooth_pulse_is_found_by_where_its_formula_turns(name, backend):
    result = solve(problem(NARROW[name]), backend=backend, rtol=1e-8)
    width = 0.1 if name == "two high powers" else 1e-3
    expected = math.exp(-K * (48 - _AT - width / 2))
    if name in ("a bell", "a bell of a clock", "a bell to the base of two", "a cosine"):
        expected = math.exp(-K * (48 - _AT))
    np.testing.assert_allclose(result.state("X")[0, -1], expected, rtol=1e-4)


@pytest.mark.parametrize(
    "trigger", [f"sin(2*{math.pi!r}*(time - 24)/96) > 0 && sin(2*{math.pi!r}*(time - 24.001)/96) < 0",
                "rem(time, 24) < 0.001 && time > 1", "exp(-time) < exp(-24) && exp(-time) > exp(-24.001)"],
)  # fmt: skip
def test_an_event_whose_trigger_is_true_for_a_moment_fires(trigger):
    system = read_antimony(f"model m; X = 0; X' = -{K}*X; at {trigger}: X = X + 10; end")
    result = solve(OdeProblem(system, np.zeros((1, 0)), np.array([0.0, 47.0])), rtol=1e-9)
    np.testing.assert_allclose(result.state("X")[0, -1], 10 * math.exp(-K * 23), rtol=1e-6)


UNDECIDED = [
    "S = 0; S' = 1 + 0.001*S; R := piecewise(100, S >= 24.290 && S < 25.315, 0);",
    "S = 1; S' = 0.001*S; R := piecewise(100, time >= 24*S && time < 24*S + 1, 0);",
    "S = 1; S' = -0.1*S; R := piecewise(1000, S < 0.0900 && S > 0.0892, 0);",
    "S = 0; S' = 1 + 0*S; T = 0; T' = S; R := piecewise(100, T >= 288 && T < 312.5, 0);",
]


@pytest.mark.parametrize("text", UNDECIDED, ids=["curved clock", "time against a state", "a moment", "a square"])
def test_a_jump_that_moving_states_decide_is_found_by_the_reference_and_refused_by_the_compiled_engine(text):
    asked = problem(text)
    want = solve(asked, backend="reference", rtol=1e-11)
    assert 4 < want.state("X")[0, -1] < 12
    result = solve(asked, rtol=1e-8)
    np.testing.assert_allclose(result.state("X")[0, -1], want.state("X")[0, -1], rtol=1e-5)
    with pytest.raises(UnsupportedModel, match=r"[ST]'.*decides a jump.*backend='auto'"):
        solve(asked, backend="native")


def test_a_threshold_of_a_decay_is_crossed_where_it_is():
    """X' = -0.1 X from 10 falls below 5 at 10 ln 2; a state that was 0 then rises by 1 a unit of time."""
    system = read_antimony("model m; X = 10; X' = -0.1*X; Y = 0; Y' = piecewise(1, X < 5, 0); end")
    result = solve(OdeProblem(system, np.zeros((1, 0)), np.array([0.0, 7.0, 20.0])), rtol=1e-9)
    np.testing.assert_allclose(result.state("Y")[0], [0, 7 - 10 * math.log(2), 20 - 10 * math.log(2)], rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_sigmoid_of_time_that_overflows_is_flat(backend):
    """1 / (1 + exp(x)) with x = 1e6: 0, and so is its slope."""
    result = solve(problem("R := 100/(1 + exp(-1e6*(time - 24)));"), backend=backend, rtol=1e-9)
    assert result.status.tolist() == [Status.DONE]
    np.testing.assert_allclose(result.state("X")[0, -1], hour(24, 48), rtol=1e-6)
