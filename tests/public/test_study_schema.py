"""The published JSON Schema is the one the package reads by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engager.protocol
from engager.protocol import schema_text

SHIPPED = Path(engager.protocol.__file__).parent / "data" / "study.schema.json"


def test_the_shipped_schema_is_current():
    hint = "Refresh it: engager trial schema > src/engager/protocol/data/study.schema.json"
    assert SHIPPED.read_text(encoding="utf-8") == schema_text(), hint


def test_the_schema_names_every_block_and_refuses_others():
    schema = json.loads(schema_text())
    assert {"study", "population", "arms", "targets"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"study", "arms"}


@pytest.mark.parametrize("definition", ["Arm", "Regimen", "DoseLine", "Target", "Visits", "Allocation"])
def test_every_block_refuses_unknown_keys(definition):
    assert json.loads(schema_text())["$defs"][definition]["additionalProperties"] is False
