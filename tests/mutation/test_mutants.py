"""The run itself: what is changed, that the changed module is the one that is run, and that its tests notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mutants import mutants_of
from run import layers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = '''"""A module with 1 docstring."""
from __future__ import annotations

def share(length: int | None, whole: float = 2.0, *, strict: bool = False) -> float | None:
    """Part of 100."""
    if length is None or not length > 0:
        return -1
    return length * sum(zip([whole], strict=True))
'''


def test_operators_and_numbers_are_changed_one_at_a_time_and_annotations_are_not():
    found = {(one.before, one.after) for one in mutants_of("x", SOURCE)}
    assert found == {
        ("2.0", "4.0"), ("False", "True"), ("length is None or not length > 0", "length is None and (not length > 0)"),
        ("length is None", "length is not None"), ("not length > 0", "not not length > 0"),
        ("length > 0", "length >= 0"), ("length > 0", "length < 0"), ("0", "1"), ("-1", "--1"), ("1", "2"),
        ("length * sum(zip([whole], strict=True))", "length / sum(zip([whole], strict=True))"),
    }  # fmt: skip


def test_a_mutant_is_the_module_with_its_change():
    source = "def double(x):\n    return x * 2\n"
    results = []
    for one in mutants_of("x", source):
        space = {}
        exec(one.code(source, "x.py"), space)
        results.append(space["double"](6))
    assert results == [3, 18]


def test_every_module_and_every_test_that_is_named_exists():
    for module, tests in layers().items():
        assert (ROOT / "src" / "engager" / f"{module}.py").is_file(), module
        assert tests
        for test in tests:
            assert (ROOT / "tests" / test).is_file(), test
            assert "golden" not in test


@pytest.mark.skipif(sys.platform == "win32", reason="processes are split off by fork")
def test_a_run_reports_what_its_tests_notice(tmp_path):
    out = tmp_path / "found.json"
    command = [sys.executable, str(HERE / "run.py"), "trial/assumptions", "--sample", "2", "--seed", "3",
               "--json", str(out), "--least", "0"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 tried" in done.stdout
    assert "of 2 mutants caught" in done.stdout
    assert out.is_file()
    assert not list((ROOT / "src" / "engager" / "trial").glob("*.orig"))
