"""Constants stand in `core`: a second copy of one is found by what it looks like in the source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "engager"
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if "core" not in path.relative_to(SOURCE).parts[:1]]
COPIES = {
    "days of a month or year": r"(?<![\w.\"])(365\.25|30\.4375|30\.44)(?!\d)(?=[^\"'\n]*$)",
    "window of a response": r"(?i)window\w*(: float( \| None)?)? ?= ?84\b",
    "days of one patient": r"(?i)\bdays\w*(: float)?(.*\])? ?= ?84\b",
    "alias of an array": r"^\w*Array\w* = NDArray\[",
    "what everything says of itself": r"never advice on treating",
    "default replicates": r"(?i)^\s*\w*replicates\w*(: .*)? = \d",
}


def without_docstrings(text: str) -> str:
    return re.sub(r'"""(.*?)"""', lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


@pytest.mark.parametrize("what", COPIES)
def test_no_constant_is_written_again(what):
    pattern = re.compile(COPIES[what])
    found = []
    for path in FILES:
        text = re.sub(
            r'"""(.*?)"""', lambda m: "\n" * m[0].count("\n"), path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line.partition("#")[0]):
                found.append(f"{path.relative_to(SOURCE)}:{number}: {line.strip()}")
    assert not found


def test_the_patterns_find_what_they_are_for():
    lines = (
        "_DAYS = 365.25 / 12",
        "_USUAL_WINDOW_DAYS = 84.0",
        "    days: float = 84.0,",
        "FloatArray = NDArray[np.float64]",
        'USE = "For research and teaching; never advice on treating a patient."',
        "    replicates: int = 40,",
    )
    assert all(re.search(pattern, line) for pattern, line in zip(COPIES.values(), lines, strict=True))
