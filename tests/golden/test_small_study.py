"""A small study gives what it gave; refresh with `python tests/golden/small_study.py` and tell why it moved."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import small_study


def test_small_study_is_as_before():
    golden = json.loads(small_study.GOLDEN.read_text())
    moved = small_study.differences(small_study.summary(), golden)
    assert not moved, "\n".join(moved)
