"""The how-to's record is valid, so whoever starts from it starts well."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import yaml

from engager.evidence.records.library import parse_record

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-trial.md"


def test_example_record_of_the_how_to_is_valid():
    (block,) = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    record = parse_record(yaml.safe_load(textwrap.dedent(block)), "example-2026.yaml")
    assert len(record.outcomes) == 4
    assert record.n == 40


def test_arms_that_say_they_share_patients_are_linked():
    from engager.evidence import without_overlap

    (block,) = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    content = yaml.safe_load(textwrap.dedent(block))
    whole = content["arms"][0]
    shared = {"id": "responders", "n": 18, "shares_patients_with": ["blinatumomab"]}
    second = {**whole, **shared, "baseline": {}, "outcomes": whole["outcomes"][2:]}
    content["arms"].append(second)
    record = parse_record(content, "example-2026.yaml")
    arms = [(f"example-2026/{arm.id}", arm.n, arm.id) for arm in record.arms]
    kept, left_out = without_overlap(arms, {record.id: record})
    assert kept == ["blinatumomab"]
    assert left_out[0].why == "the record says so"
    assert record.n == 40
