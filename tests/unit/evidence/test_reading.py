"""Records are YAML 1.2, as study files are."""

from __future__ import annotations

from datetime import date

import pytest

from engager.core import InputError
from engager.evidence import record
from engager.evidence.records.reading import parse_yaml


def test_scalars_are_those_of_yaml_1_2():
    text = "a: 010\nb: yes\nc: 1:30\nd: 2016-01-04\ne: 2.0e6\nf: true\n"
    assert parse_yaml(text, "x.yaml") == {
        "a": 10, "b": "yes", "c": "1:30", "d": "2016-01-04", "e": 2.0e6, "f": True,
    }  # fmt: skip


def test_days_of_a_record_are_days():
    assert record("tower-2017").design.data_cutoff == date(2016, 1, 4)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", r"x\.yaml: line 2, column 11: .*key 'c' is written twice"),
        ("a: !!python/object:os.system {}\n", "must be YAML"),
        ("[" * 300, "deep nesting"),
        ("a: &a {b: *a}\n", "x.yaml"),
        ("- 1\n", "must be a mapping of keys"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(text, rule):
    with pytest.raises(InputError, match=rule):
        parse_yaml(text, "x.yaml")
