"""One call from a model file to a table."""

import csv
import math

import numpy as np
import pytest

from engager.core import InputError
from engager.engine import simulate_model
from engager.model import read_antimony, to_sbml

TEXT = "model m; compartment V = 2; species S in V; J: S -> ; k*S*V; S = 3; k = 0.5; y := 2*S; end"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.ant"
    path.write_text(TEXT)
    return path


def test_antimony_file_is_solved_and_tabulated(file):
    course = simulate_model(file, 2, 0.5, backend="reference")
    np.testing.assert_allclose(course.time, [0, 0.5, 1, 1.5, 2])
    np.testing.assert_allclose(course["[S]"], 3 * np.exp(-0.5 * course.time), rtol=1e-6)
    np.testing.assert_allclose(course["S"], 2 * course["[S]"])
    np.testing.assert_allclose(course["y"], 2 * course["[S]"])
    assert course.status == ["DONE"]


def test_sbml_and_antimony_are_told_apart(file, tmp_path):
    sbml = tmp_path / "model.bin"
    sbml.write_text(to_sbml(read_antimony("model m; x' = -x; x = 1; end")))
    assert simulate_model(sbml, 1, backend="reference")["x"][-1] == pytest.approx(math.exp(-1), rel=1e-6)


def test_parameters_and_states_can_be_set(file):
    course = simulate_model(file, 1, set={"k": 0, "S": 8}, backend="reference")
    np.testing.assert_allclose(course["[S]"], 4)
    with pytest.raises(InputError) as caught:
        simulate_model(file, 1, set={"kk": 0, "Z": 8})
    assert [one.value for one in caught.value.problems] == [0, 8]


def test_times_begin_at_zero_and_end_at_until(file):
    assert simulate_model(file, 1, 0.4, backend="reference").time.tolist() == [0, 0.4, 0.8, 1.0]
    assert simulate_model(file, 0.3, 0.1, backend="reference").time.tolist()[-1] == 0.3
    assert simulate_model(file, 5, backend="reference").time.size == 101


@pytest.mark.parametrize(("until", "step"), [(0, None), (-1, None), (math.nan, None), (1, 0), (1, -1), (1e9, 1e-9)])
def test_times_out_of_range_are_refused(file, until, step):
    with pytest.raises(InputError):
        simulate_model(file, until, step)


def test_table_reads_back_exactly(file, tmp_path):
    out = tmp_path / "out.csv"
    course = simulate_model(file, 1, 0.1, csv=out, backend="reference")
    with out.open() as handle:
        rows = list(csv.DictReader(handle))
    assert [float(row["time"]) for row in rows] == course.time.tolist()
    for name, values in course.columns.items():
        assert [float(row[name]) for row in rows] == values.tolist()


def test_columns_can_be_chosen(file):
    assert list(simulate_model(file, 1, columns=["y", "k"], backend="reference").columns) == ["y", "k"]
    with pytest.raises(InputError, match="columns"):
        simulate_model(file, 1, columns=["nothing"])


def test_doses_come_from_a_table_with_one_course_a_patient(file, tmp_path):
    doses = "ID,TIME,AMT,RATE\n1,0,4,0\n1,2,0,0\n2,1,4,4\n2,2,0,0\n"
    out = tmp_path / "out.csv"
    course = simulate_model(file, step=1, doses=doses, csv=out, backend="reference")
    assert course.ids == ("1", "2")
    decay = math.exp(-0.5)
    np.testing.assert_allclose(course["S"][0], [10, 10 * decay, 10 * decay**2], rtol=1e-6)
    np.testing.assert_allclose(course["S"][1], [6, 6, 6 * decay + 8 * (1 - decay)], rtol=1e-6)
    assert out.read_text().splitlines()[0].startswith("id,time,S")


def test_events_are_run(tmp_path):
    path = tmp_path / "e.ant"
    path.write_text("model m; x' = 1; x = 0; at (x > 2.5): x = 0; end")
    assert simulate_model(path, 3, 1)["x"].tolist() == pytest.approx([0, 1, 2, 0.5])


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(InputError, match="readable"):
        simulate_model(tmp_path / "nowhere.xml", 1)
    (tmp_path / "bad.xml").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(InputError):
        simulate_model(tmp_path / "bad.xml", 1)


def test_a_model_of_formulas_alone_is_tabulated(tmp_path):
    path = tmp_path / "f.ant"
    path.write_text("model m; y := 2*time; end")
    assert simulate_model(path, 2, 1)["y"].tolist() == [0, 2, 4]


def test_what_the_compiled_engine_gives_up_on_is_solved_by_the_reference(file, monkeypatch):
    """Only when the choice is free, and only the patients that failed."""
    from engager.engine import Status
    from engager.engine.native import backend

    whole = backend.solve_native

    def gives_up(*args):
        result = whole(*args)
        result.status[:], result.values[:] = Status.STEP_LIMIT, np.nan
        return result

    monkeypatch.setattr(backend, "solve_native", gives_up)
    course = simulate_model(file, 2, 1)
    np.testing.assert_allclose(course["[S]"], 3 * np.exp(-0.5 * course.time), rtol=1e-6)
    assert course.status == ["DONE"]
    assert simulate_model(file, 2, 1, backend="native").status == ["STEP_LIMIT"]
