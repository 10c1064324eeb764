"""What every backend promises: the same answers, exact doses, failures told, nothing else changed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from engager.core import InputError
from engager.engine import Action, OdeProblem, Schedule, Status, Stops, solve
from engager.engine.examples import blow_up, explicit_trimer, one_compartment, predator_and_prey, spread
from engager.engine.native.backend import solve_native
from engager.model import read_antimony

TIMES = np.linspace(0.0, 6.0, 13)


def dosed(system, n, seed=1):
    """Each patient with doses of its own, at times of its own."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, n)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    time = np.concatenate([np.sort(rng.uniform(0, 6, k)) for k in counts]) if counts.sum() else np.zeros(0)
    m = len(time)
    schedule = Schedule(
        offsets, time, np.full(m, int(Action.ADD_TO_STATE)), np.zeros(m, dtype=int), rng.uniform(0, 0.3, m)
    )
    return OdeProblem(system, spread(system, n, seed), TIMES, schedule=schedule)


@pytest.mark.parametrize("system", [one_compartment(), predator_and_prey(), explicit_trimer()], ids=lambda s: s.id)
def test_native_agrees_with_the_reference(system):
    problem = dosed(system, 5)
    got = solve(problem, backend="native", rtol=1e-8)
    want = solve(problem, backend="reference", rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(got.status, want.status)
    np.testing.assert_allclose(got.values, want.values, rtol=1e-5, atol=1e-8)
    np.testing.assert_array_equal(got.inputs, want.inputs)


def subset(problem, chosen):
    schedule = problem.schedule
    pieces = [np.arange(schedule.offsets[i], schedule.offsets[i + 1]) for i in chosen]
    rows = np.concatenate(pieces).astype(int) if len(pieces) else np.zeros(0, dtype=int)
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
    part = Schedule(offsets, schedule.time[rows], schedule.action[rows], schedule.index[rows], schedule.value[rows])
    return OdeProblem(problem.system, problem.parameters[chosen], problem.save_times, schedule=part)


def test_bits_do_not_depend_on_width_threads_or_company():
    problem = dosed(predator_and_prey(), 37)
    whole = solve_native(problem, "rodas5p", 1e-6, None, 1, 10_000, width=8)
    for width in (1, 2, 4, 8):
        for threads in (1, 3):
            other = solve_native(problem, "rodas5p", 1e-6, None, threads, 10_000, width=width)
            np.testing.assert_array_equal(other.values, whole.values)
            np.testing.assert_array_equal(other.n_steps, whole.n_steps)


def test_saves_in_between_change_nothing():
    problem = dosed(predator_and_prey(), 9)
    fine = solve(problem)
    coarse = solve(OdeProblem(problem.system, problem.parameters, TIMES[::4], schedule=problem.schedule))
    np.testing.assert_array_equal(coarse.values, fine.values[:, ::4])
    np.testing.assert_array_equal(coarse.n_steps, fine.n_steps)


def test_a_course_can_be_solved_in_pieces():
    """State, inputs and step handed on: the pieces meet within the tolerance and start at full stride."""
    system = predator_and_prey()
    parameters = spread(system, 6)
    whole = solve(OdeProblem(system, parameters, TIMES), rtol=1e-9)
    first = solve(OdeProblem(system, parameters, TIMES[:7]), rtol=1e-9)
    second = solve(
        OdeProblem(system, parameters, TIMES[6:], initial=first.values[:, -1], first_step=first.last_step), rtol=1e-9
    )
    np.testing.assert_allclose(second.values, whole.values[:, 6:], rtol=1e-7)
    assert np.all(first.n_steps + second.n_steps <= whole.n_steps + 4)


@pytest.mark.parametrize("method", ["rodas5p", "rodas4", "dopri5"])
def test_one_that_blows_up_fails_alone(method):
    system = blow_up()
    parameters = np.array([[0.0], [1.0], [0.1], [np.nan]])
    result = solve(OdeProblem(system, parameters, TIMES), method=method, max_steps=5000)
    assert result.status[0] == Status.DONE
    assert result.status[2] == Status.DONE
    assert result.status[1] != Status.DONE
    assert result.status[3] != Status.DONE
    assert result.n_failed == 2
    assert np.isnan(result.values[1, TIMES > 1.0]).all()
    np.testing.assert_allclose(result.values[1, TIMES < 1.0, 0], 1 / (1 - TIMES[TIMES < 1.0]), rtol=1e-4)
    np.testing.assert_allclose(result.values[2, :, 0], 1 / (1 - 0.1 * TIMES), rtol=1e-4)


def test_the_step_limit_is_told():
    result = solve(OdeProblem(predator_and_prey(), spread(predator_and_prey(), 3), TIMES), max_steps=5)
    np.testing.assert_array_equal(result.status, Status.STEP_LIMIT)
    assert np.isnan(result.values[:, -1]).all()
    assert np.isfinite(result.values[:, 0]).all()


def test_no_patients_and_one_time_are_fine():
    system = one_compartment()
    empty = solve(OdeProblem(system, np.zeros((0, 1)), TIMES), backend="native")
    assert empty.values.shape == (0, 13, 1)
    instant = solve(OdeProblem(system, np.ones((3, 1)), np.array([2.0])), backend="native")
    np.testing.assert_array_equal(instant.values, np.zeros((3, 1, 1)))
    assert instant.n_failed == 0


def test_all_problems_of_a_call_are_told_together():
    system = one_compartment()
    schedule = Schedule.same_for_all(2, [(1.0, Action.ADD_TO_STATE, 4, 1.0)])
    problem = OdeProblem(system, np.ones((2, 3)), np.array([1.0, 0.5]), schedule=schedule)
    with pytest.raises(InputError) as caught:
        solve(problem, rtol=2.0, method="euler", backend="abacus", n_threads=0)
    told = {one.where for one in caught.value.problems}
    assert told == {"rtol", "method", "backend", "n_threads", "parameters", "save_times", "schedule.index[0]"}


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("given", [False, True], ids=["own start", "start given"])
@pytest.mark.parametrize("atol", [None, 1e-9], ids=["floor", "atol"])
def test_some_of_many_are_solved_by_their_rows_as_copies_of_them_are(backend, given, atol):
    system, rows = predator_and_prey(), np.array([7, 2, 2, 30])
    parameters = spread(system, 37, 1)
    initial = np.random.default_rng(4).uniform(0.5, 2.0, (37, len(system.states))) if given else None
    actions = [(1.0, Action.ADD_TO_STATE, 0, 0.5), (2.0, Action.RESET, 0, 0.0), (2.5, Action.ADD_TO_STATE, 1, 0.2)]
    schedule = Schedule.same_for_all(4, actions)
    by_row = OdeProblem(system, parameters, TIMES, initial=initial, schedule=schedule, rows=rows)
    copied = OdeProblem(
        system, parameters[rows], TIMES, initial=None if initial is None else initial[rows], schedule=schedule
    )
    found, wanted = (solve(one, backend=backend, atol=atol) for one in (by_row, copied))
    assert found.values.shape == (4, TIMES.size, len(system.states))
    np.testing.assert_array_equal(found.values, wanted.values)
    np.testing.assert_array_equal(found.last_step, wanted.last_step)


REWRITTEN = pytest.mark.parametrize(
    "text",
    ["model sink; species A, U; A = 10; k = 0.1; J: A -> U; k*A; end",
     "model pulse; A = 1; k = 0.1; A' = piecewise(k, time > k*10, 0); end"],
    ids=["a state without a value", "a jump at a time of the patient's own"],
)  # fmt: skip


@REWRITTEN
def test_rows_reach_models_that_are_rewritten_before_they_are_solved(text):
    system, rows = read_antimony(text), np.array([3, 0])
    parameters = np.linspace(0.1, 0.4, 4)[:, None]
    found = solve(OdeProblem(system, parameters, TIMES, rows=rows), backend="native")
    wanted = solve(OdeProblem(system, parameters[rows], TIMES), backend="native")
    np.testing.assert_array_equal(found.values, wanted.values)
    assert not np.array_equal(found.state("A")[0], found.state("A")[1])


@pytest.mark.parametrize("rows", [[0, 2], [-1, 0], [[0, 1]]])
def test_rows_that_are_not_there_are_told(rows):
    problem = OdeProblem(one_compartment(), np.ones((2, 1)), TIMES, rows=np.array(rows))
    with pytest.raises(InputError, match="rows"):
        solve(problem)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("chosen", [None, [4, 1, 6]])
@pytest.mark.parametrize("atol", [None, 1e-9])
def test_in_place_the_states_at_the_end_stand_where_those_at_the_start_did(backend, chosen, atol):
    system = predator_and_prey()
    parameters, start = spread(system, 7, 2), np.random.default_rng(5).uniform(0.5, 2.0, (7, 2))
    rows = None if chosen is None else np.array(chosen)
    problem = OdeProblem(system, parameters, np.array([0.0, 2.0, 5.0]), initial=start.copy(), rows=rows)
    whole = solve(problem, backend=backend, atol=atol)
    states = start.copy()
    placed = solve(replace(problem, initial=states, in_place=True), backend=backend, atol=atol)
    touched = np.arange(7) if rows is None else rows
    np.testing.assert_array_equal(states[touched], whole.values[:, -1])
    others = np.setdiff1d(np.arange(7), touched)
    np.testing.assert_array_equal(states[others], start[others])
    np.testing.assert_array_equal(placed.values, whole.values[:, 1:-1])
    for name in ("status", "n_steps", "last_step", "end_time"):
        np.testing.assert_array_equal(getattr(placed, name), getattr(whole, name))


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_in_place_the_saves_on_the_way_are_kept_and_none_that_fills_up_a_row(backend):
    system = predator_and_prey()
    parameters, start = spread(system, 3, 2), np.array([[1.0, 2.0]] * 3)
    times = np.array([[0.0, 1.0, 2.0, 4.0], [0.0, 3.0, 3.0, 3.0], [0.5, 0.5, 2.5, 2.5]])
    stops = Stops(np.array([[1.0, 0.0]]), np.array([[np.inf], [np.inf], [1e-3]]))
    problem = OdeProblem(system, parameters, times, initial=start.copy(), stops=stops)
    whole = solve(problem, backend=backend)
    assert whole.stopped.tolist() == [-1, -1, 0]
    found = solve(replace(problem, initial=start, in_place=True), backend=backend).values
    is_kept = np.array([[True, True], [False, False], [True, False]])
    np.testing.assert_array_equal(found, np.where(is_kept[:, :, None], whole.values[:, 1:-1], 0.0))


@REWRITTEN
def test_in_place_reaches_models_that_are_rewritten_before_they_are_solved(text):
    system = read_antimony(text)
    start = np.array([[1.0, np.nan][: len(system.states)]] * 2)
    problem = OdeProblem(system, np.array([[0.1], [0.3]]), np.array([0.0, 4.0]), initial=start.copy())
    whole = solve(problem)
    states = start.copy()
    solve(replace(problem, initial=states, in_place=True))
    np.testing.assert_array_equal(states, whole.values[:, -1])


def test_in_place_who_fails_has_no_states_and_a_reset_still_goes_back_to_the_start():
    system = blow_up()
    states = np.array([[1.0]] * 3)
    parameters = np.array([[0.1], [30.0], [0.1]])
    problem = OdeProblem(system, parameters, np.array([0.0, 0.5]), initial=states, in_place=True)
    found = solve(problem)
    assert [bool(one) for one in found.status] == [False, True, False]
    assert np.isnan(states[:, 0]).tolist() == [False, True, False]

    decay = one_compartment()
    first = np.full((1, len(decay.states)), 8.0)
    reset = Schedule.same_for_all(1, [(1.0, Action.RESET, 0, 0.0)])
    made = OdeProblem(decay, spread(decay, 1, 1), np.array([0.0, 2.0]), initial=first, schedule=reset)
    whole = solve(made).values[:, -1]
    solve(replace(made, in_place=True))
    np.testing.assert_array_equal(first, whole)


@pytest.mark.parametrize(
    ("initial", "rows", "told"),
    [
        (None, None, "initial: must be a contiguous"),
        (np.ones((2, 2), dtype=np.float32), None, "ndarray of float32"),
        (np.ones((2, 2), order="F")[::-1], None, "contiguous"),
        (np.ones((2, 2)), np.array([1, 1]), "rows: got 1"),
    ],
)
def test_only_a_callers_own_states_are_written_over_and_each_row_once(initial, rows, told):
    system = predator_and_prey()
    problem = OdeProblem(system, spread(system, 2, 1), np.array([0.0, 1.0]), initial=initial, rows=rows, in_place=True)
    with pytest.raises(InputError, match=told):
        solve(problem)


def test_events_are_refused_by_name_when_native_is_asked_for():
    from engager.core import UnsupportedModel
    from engager.model import Event, System

    plain = one_compartment()
    g = plain.graph
    event = Event("flush", g.apply("lt", g.const(1.0), g.symbol("time")), (("A", g.const(0.0)),))
    system = System("one", g, plain.states, plain.parameters, plain.rates, plain.initial, plain.inputs, events=(event,))
    with pytest.raises(UnsupportedModel, match="flush"):
        solve(OdeProblem(system, np.ones((1, 1)), TIMES), backend="native")


def test_method_is_chosen_by_the_model_alone():
    from engager.engine.native.stiffness import choose_method

    assert choose_method(predator_and_prey(), 10.0) == "dopri5"
    assert choose_method(explicit_trimer(), 10.0) == "rodas5p"


PROBLEMS = [dosed(one_compartment(), 23), dosed(predator_and_prey(), 23)]
WHOLE = [solve(problem, backend="native", n_threads=1) for problem in PROBLEMS]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 22), min_size=1, max_size=30), st.integers(1, 4), st.integers(0, 1))
def test_bits_do_not_depend_on_chunk_order_or_threads(chosen, threads, which):
    """Patients drawn in any order, repeated or left out."""
    part = solve(subset(PROBLEMS[which], chosen), backend="native", n_threads=threads)
    np.testing.assert_array_equal(part.values, WHOLE[which].values[chosen])
    np.testing.assert_array_equal(part.last_step, WHOLE[which].last_step[chosen])
    np.testing.assert_array_equal(part.n_rejected, WHOLE[which].n_rejected[chosen])


def test_an_interrupt_ends_a_long_solve_soon():
    """Compiled code sees no signal; the waiting thread does, and leaves the workers no more patients."""
    import signal
    import threading
    import time

    system = predator_and_prey()
    problem = OdeProblem(system, spread(system, 60_000), np.linspace(0.0, 50.0, 3))
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        solve(problem, backend="native", method="rodas5p", rtol=1e-10, n_threads=1)
    assert time.perf_counter() - start < 10.0
