"""The examples in docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import engager

SOURCE = Path(engager.__file__).parent
WITH_EXAMPLES = sorted(path for path in SOURCE.rglob("*.py") if re.search(r"^\s*>>> ", path.read_text(), re.MULTILINE))


def test_some_docstrings_have_examples():
    assert len(WITH_EXAMPLES) >= 6


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_examples_print_what_they_say(path):
    name = ".".join(("engager", *path.relative_to(SOURCE).with_suffix("").parts))
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0
