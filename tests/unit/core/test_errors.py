"""How a message tells what it received."""

from pathlib import Path

import pytest

from engager.core.errors import Problem, shown


def test_a_path_is_told_whole_however_long():
    path = Path("/data") / ("a-long-folder-" * 12) / "posterior.npz"
    assert str(path) in str(Problem("--out", path, "must not exist yet"))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (True, "true"),
        (None, "nothing"),
        ("x" * 90, f"'{'x' * 74} ...'"),
        (list(range(60)), "a list of 60"),
        ({f"a_key_of_some_length_{k}": 1 for k in range(7)}, "and 2 more"),
    ],
)
def test_other_values_fit_one_line(value, told):
    assert told in shown(value)
