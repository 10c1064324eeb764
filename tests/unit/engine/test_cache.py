"""Compiled code is kept, found again, told apart, and made anew when its file is damaged."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from engager.core.disk import kept
from engager.engine import OdeProblem, make_ready, solve
from engager.engine.examples import one_compartment, two_compartments
from engager.engine.native import backend, compiler
from engager.model import read_antimony


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(compiler, "_loaded", {})
    return tmp_path / "kept"


def answer(system):
    problem = OdeProblem(system, np.full((3, len(system.parameters)), 0.3), np.array([0.0, 1.0]),
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


def test_code_begun_in_the_background_is_what_a_solve_waits_for(cache, monkeypatch):
    built, began = [], threading.Event()
    build = compiler.build

    def slowly(*arguments):
        began.set()
        built.append(threading.current_thread().name)
        return build(*arguments)

    monkeypatch.setattr(compiler, "build", slowly)
    system = one_compartment()
    make_ready(system, "rodas5p")
    assert began.wait(60)
    values, cached = answer(system)
    assert built == ["engager-compile"]
    assert not cached
    monkeypatch.setattr(compiler, "_loaded", {})
    np.testing.assert_array_equal(answer(system)[0], values)


def test_nothing_is_begun_for_a_model_that_is_rewritten_before_it_is_solved(cache):
    for text in (
        "model pulse; A = 1; A' = piecewise(1, time > 2, 0); end",
        "model sink; species A, U; A = 10; k = 0.1; J: A -> U; k*A; end",
        "model late; A = 1; A' = -A; at (time > 1): A = 2; end",
    ):
        make_ready(read_antimony(text), "rodas5p")
    assert not [one for one in threading.enumerate() if one.name == "engager-compile"]
    assert not list(cache.glob("*.bin"))


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


def test_code_under_another_models_name_is_not_run(cache, monkeypatch):
    want, _ = answer(two_compartments())
    (theirs,) = cache.glob("*.bin")
    code = theirs.read_bytes()
    theirs.unlink()
    answer(one_compartment())
    (ours,) = cache.glob("*.bin")
    ours.rename(theirs)
    monkeypatch.setattr(compiler, "_loaded", {})
    got, cached = answer(two_compartments())
    assert not cached
    np.testing.assert_array_equal(got, want)
    assert theirs.read_bytes() == code


@pytest.mark.parametrize("rights", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_not_used_and_told_once(cache, monkeypatch, rights):
    answer(one_compartment())
    before = sorted(cache.iterdir())
    cache.chmod(rights)
    monkeypatch.setattr(compiler, "_loaded", {})
    kept._warn.cache_clear()
    with pytest.warns(RuntimeWarning, match="writable by you only"):
        _, cached = answer(one_compartment())
    assert not cached
    answer(two_compartments())  # a second warning would be an error
    assert sorted(cache.iterdir()) == before


def test_a_file_that_others_may_write_to_is_not_used(cache, monkeypatch):
    answer(one_compartment())
    (file,) = cache.glob("*.bin")
    file.chmod(0o666)
    monkeypatch.setattr(compiler, "_loaded", {})
    assert not answer(one_compartment())[1]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_no_file(cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept.os, "replace", full)
    assert np.isfinite(answer(one_compartment())[0]).all()
    assert list(cache.iterdir()) == []


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    tmp_path.chmod(0o700)
    for age, name in enumerate(("a", "b", "c")):
        kept.write_kept(tmp_path, name, bytes(1000))
        os.utime(tmp_path / name, (1e9 + age, 1e9 + age))
    assert kept.read_kept(tmp_path, "a") == bytes(1000)  # used just now
    (tmp_path / f"x{kept._HALF_WRITTEN}").write_bytes(b"")
    os.utime(tmp_path / f"x{kept._HALF_WRITTEN}", (1e9, 1e9))
    kept.trim(tmp_path, most=2200)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_without_a_home_nothing_is_kept_and_nothing_fails(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ENGAGER_CACHE_DIR", raising=False)
    monkeypatch.setattr(kept.Path, "home", homeless)
    monkeypatch.setattr(compiler, "_loaded", {})
    assert kept.cache_folder() is None
    assert np.isfinite(answer(one_compartment())[0]).all()


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
def test_ctrl_c_does_not_reach_into_the_compiler(cache, monkeypatch):
    """Between two of LLVM's calls an exception leaves objects that are released twice, or a lock that is held."""
    import llvmlite.binding as llvm

    parse, done = llvm.parse_assembly, []

    def interrupted(text):
        signal.raise_signal(signal.SIGINT)
        found = parse(text)
        done.append(text)
        return found

    monkeypatch.setattr(llvm, "parse_assembly", interrupted)
    with pytest.raises(KeyboardInterrupt):
        answer(one_compartment())
    assert len(done) == 1  # the code is made, and is not loaded any more
    monkeypatch.undo()
    assert answer(one_compartment())[0].shape == (3, 2, 1)


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
@pytest.mark.parametrize("after", [1, 2])
def test_ctrl_c_leaves_no_thread_at_work_on_arrays_that_are_freed(after, monkeypatch):
    """It may come while the threads are started, and again while they come to their end."""
    started = []

    class Pool:
        def submit(self, work, number):
            def slowly(given):
                time.sleep(0.3)
                work(given)

            started.append(_real(os.getpid()).submit(slowly, number))
            if len(started) == after:
                signal.raise_signal(signal.SIGINT)
                threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            return started[-1]

    _real = backend._pool
    monkeypatch.setattr(backend, "_pool", lambda process: Pool())
    system = one_compartment()
    problem = OdeProblem(
        system, np.full((64, len(system.parameters)), 0.3), np.array([0.0, 1.0]), inputs=np.ones((64, 1))
    )
    with pytest.raises(KeyboardInterrupt):
        solve(problem, method="rodas5p", backend="native", n_threads=2)
    assert [one.done() for one in started] == [True, True]
