"""States without a value in the file: they are unknown, and what does not need them is not."""

import numpy as np
import pytest

from engager.engine import Action, OdeProblem, Schedule, simulate_model, solve
from engager.model import read_antimony

SINK = "model sink; species A, U; A = 10; k = 0.1; J: A -> U; k*A; end"


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_sink_without_a_value_leaves_its_source_alone(backend):
    course = simulate_model(read_antimony(SINK), 10, 5, backend=backend)
    np.testing.assert_allclose(course["A"], 10 * np.exp(-0.1 * course.time), rtol=1e-6)
    assert np.isnan(course["U"]).all()
    assert course.status == ["DONE"]
    assert any(note.startswith("U has no value") for note in course.notes)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_value_that_is_set_is_used(backend):
    course = simulate_model(read_antimony(SINK), 10, 5, set={"U": 1}, backend=backend)
    np.testing.assert_allclose(course["U"], 11 - 10 * np.exp(-0.1 * course.time), rtol=1e-6)
    assert course.notes == ()
    course = simulate_model(read_antimony(SINK), 10, 5, set={"A": 20}, backend=backend)
    np.testing.assert_allclose(course["A"], 20 * np.exp(-0.1 * course.time), rtol=1e-6)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_what_depends_on_it_is_unknown_and_the_name_is_told(backend):
    system = read_antimony("model m; species A, U; A = 10; k = 0.1; J: A -> U; k*A*U; end")
    course = simulate_model(system, 10, 5, backend=backend)
    assert course.status == ["NOT_FINITE"]
    assert any("U" in note for note in course.notes)
    course = simulate_model(read_antimony("model m; A = 10; A' = -k*A; end"), 10, 5, backend=backend)
    assert course.status == ["NOT_FINITE"]
    assert any(note.startswith("k has no value") for note in course.notes)


def test_places_of_states_and_doses_are_kept():
    system = read_antimony("model m; species U, A; A = 10; k = 0.1; J: A -> U; k*A; end")
    place = system.index("A")
    doses = [(5.0, Action.ADD_TO_STATE, place, 3.0), (5.0, Action.ADD_TO_STATE, system.index("U"), 1.0)]
    asked = OdeProblem(system, np.array([[0.1]]), np.array([0.0, 5.0]), schedule=Schedule.same_for_all(1, doses))
    for backend in ("native", "reference"):
        result = solve(asked, backend=backend, rtol=1e-9)
        np.testing.assert_allclose(result.state("A")[0], [10.0, 10 * np.exp(-0.5) + 3], rtol=1e-8)
