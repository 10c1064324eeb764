"""A device or a pipe has no size; what is read of it ends where a file may at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from engager.core import InputError
from engager.engine.simulate import load_system
from engager.evidence.records.reading import read_yaml
from engager.protocol import read_protocol_file

ENDLESS = Path("/dev/zero")


@pytest.mark.skipif(not ENDLESS.exists(), reason="needs a device")
@pytest.mark.parametrize("read", [read_protocol_file, read_yaml, load_system])
def test_a_file_without_end_is_refused_and_not_read_to_its_end(read):
    with pytest.raises(InputError, match="it holds more than"):
        read(ENDLESS)
