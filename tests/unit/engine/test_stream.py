"""Chunks on disk hold what one call would have given, and work goes on after a stop."""

import numpy as np
import polars as pl
import pytest

from engager.core import InputError
from engager.engine import Action, OdeProblem, Schedule, solve, solve_in_chunks, solve_to_parquet
from engager.engine.examples import predator_and_prey, spread

TIMES = np.linspace(0.0, 4.0, 5)


def ensemble(n=23):
    system = predator_and_prey()
    schedule = Schedule.same_for_all(n, [(1.0, Action.ADD_TO_STATE, 0, 0.5), (2.5, Action.MULTIPLY_STATE, 1, 0.5)])
    return OdeProblem(system, spread(system, n), TIMES, schedule=schedule, first_step=np.linspace(0.01, 0.02, n))


def test_chunks_hold_what_one_call_gives(tmp_path):
    problem = ensemble()
    whole = solve(problem)
    seen = []
    chunks = solve_to_parquet(problem, tmp_path, chunk=7, progress=lambda done, n: seen.append((done, n)))
    table = pl.read_parquet(chunks.files)
    assert seen == [(7, 23), (14, 23), (21, 23), (23, 23)]
    assert (chunks.n_patients, chunks.n_failed, len(chunks.files)) == (23, 0, 4)
    np.testing.assert_array_equal(table["x"].to_numpy().reshape(23, 5), whole.state("x"))
    np.testing.assert_array_equal(table["patient"].to_numpy().reshape(23, 5)[:, 0], np.arange(23))
    pieces = [part.values for part in solve_in_chunks(problem, chunk=10)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole.values)


def test_work_goes_on_where_it_stopped(tmp_path):
    def stop_after_two(done, _):
        if done == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_to_parquet(ensemble(), tmp_path, chunk=7, progress=stop_after_two)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("chunk-*.parquet")}
    assert len(before) == 2
    chunks = solve_to_parquet(ensemble(), tmp_path, chunk=7)
    assert len(chunks.files) == 4
    assert all((tmp_path / name).stat().st_mtime_ns == stamp for name, stamp in before.items())


def test_a_folder_of_another_ensemble_is_refused(tmp_path):
    solve_to_parquet(ensemble(), tmp_path, chunk=7)
    with pytest.raises(InputError, match="another ensemble"):
        solve_to_parquet(ensemble(), tmp_path, chunk=7, rtol=1e-8)
    with pytest.raises(InputError, match="nobody"):
        solve_to_parquet(ensemble(), tmp_path / "new", states=("nobody",))


def test_only_the_states_asked_for_are_kept_and_failures_counted(tmp_path):
    chunks = solve_to_parquet(ensemble(), tmp_path, states=("y",), max_steps=3)
    assert pl.read_parquet(chunks.files).columns == ["patient", "time", "y", "status"]
    assert chunks.n_failed == 23
