"""Compiled code is kept, found again, told apart, and made anew when its file is damaged."""

import numpy as np
import pytest

from engager.engine import Problem, solve
from engager.engine.examples import one_compartment, two_compartments
from engager.engine.native import compiler


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(compiler, "_loaded", {})
    return tmp_path / "kept"


def answer(system):
    problem = Problem(system, np.full((3, len(system.parameters)), 0.3), np.array([0.0, 1.0]),
                      inputs=np.ones((3, 1)))  # fmt: skip
    result = solve(problem, method="rodas5p", backend="native")
    return result.values, result.info["from_cache"]


def test_a_second_process_finds_the_code_of_the_first(cache, monkeypatch):
    first, cached = answer(one_compartment())
    assert not cached
    monkeypatch.setattr(compiler, "_loaded", {})
    second, cached = answer(one_compartment())
    assert cached
    np.testing.assert_array_equal(first, second)
    answer(two_compartments())
    assert len(list(cache.glob("*.bin"))) == 2


@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b[:-1], lambda b: b[:60] + b"x" + b[61:]])
def test_a_damaged_file_is_made_anew(cache, monkeypatch, damage):
    want, _ = answer(one_compartment())
    (file,) = cache.glob("*.bin")
    file.write_bytes(damage(file.read_bytes()))
    monkeypatch.setattr(compiler, "_loaded", {})
    got, cached = answer(one_compartment())
    assert not cached
    np.testing.assert_array_equal(got, want)
    monkeypatch.setattr(compiler, "_loaded", {})
    assert answer(one_compartment())[1]


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(blocked))
    monkeypatch.setattr(compiler, "_loaded", {})
    assert np.isfinite(answer(one_compartment())[0]).all()


def test_models_with_the_same_names_and_other_equations_are_told_apart():
    one, two = compiler.describe(one_compartment()), compiler.describe(two_compartments())
    assert one != two
    assert one == compiler.describe(one_compartment())
