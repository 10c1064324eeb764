"""Scalars are those of YAML 1.2, and no text grows without end."""

from __future__ import annotations

import time
from importlib import resources

import pytest
import yaml

from engager.core import PlainDumper, compose_plain, read_plain, read_shipped_data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10), ("0o10", 8), ("0x1F", 31), ("-3", -3), ("+7", 7), ("0", 0),
        ("1e5", 1e5), ("1.5e-3", 1.5e-3), (".5", 0.5), ("5.", 5.0), ("-.inf", float("-inf")),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("No", "No"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("1_000", "1_000"), ("0b11", "0b11"),
        ("2020-01-01", "2020-01-01"), ("=", "="), ("'010'", "010"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_yaml_1_2_says(text, value):
    found = read_plain(f"key: {text}\n")["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["1e5", "0o10", "0x1F", "010", "1:30", "yes", "true", "~", "2020-01-01", "1_000", "<<"]
)
def test_text_that_looks_like_a_value_is_written_in_quotes(text):
    assert read_plain(yaml.dump({"key": text}, Dumper=PlainDumper)) == {"key": text}


def test_aliases_and_merges_of_real_files_are_read():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n"
    assert read_plain(text) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}


def bomb(link):
    lines = ["a0: &a0 {k: 1}", *(link.format(i=i, j=i - 1) for i in range(1, 30))]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb("a{i}: &a{i} {{<<: [*a{j}, *a{j}, *a{j}]}}"),
        bomb("a{i}: &a{i} [*a{j}, *a{j}, *a{j}]"),
        "a: &a [*a]",
        "[" * 3000,
        "{" * 3000,
    ],
    ids=["merges", "aliases", "itself", "lists", "mappings"],
)
def test_a_text_that_grows_without_end_is_refused_at_once(text):
    begun = time.process_time()
    with pytest.raises(ValueError, match=r"written out|nested deeper"):
        compose_plain(text)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "text", ["a: 010\nb: yes\nc: 1:30\nd: 2020-01-01\ne: 2.0e6\nf: .5e3\ng: 0x1F\nh: ~\ni:\n", "- {a: [1, .inf]}\n", ""]
)
def test_the_quick_reader_reads_the_same(text):
    assert compose_plain(text, is_quick=True)[1] == compose_plain(text)[1]


def test_the_quick_reader_refuses_what_grows_without_end():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + k)}: &{chr(98 + k)} [{','.join([f'*{chr(97 + k)}'] * 9)}]\n" for k in range(8)
    )
    with pytest.raises(ValueError, match="values once aliases"):
        compose_plain(bomb, is_quick=True)


@pytest.mark.parametrize("is_quick", [False, True])
@pytest.mark.parametrize("text", ["- " * 400_000, "a: " + "-  " * 400_000, "? " * 400_000, "[" * 400_000])
def test_lists_within_lists_without_end_are_refused(text, is_quick):
    with pytest.raises(ValueError, match="nested deeper"):
        compose_plain(text, is_quick=is_quick)


def test_the_packages_studies_read_the_same_by_either_parser():
    for path in sorted((resources.files("engager.protocol") / "data" / "protocols").iterdir()):
        text = path.read_text(encoding="utf-8")
        slow, quick = compose_plain(text), compose_plain(text, is_quick=True)
        assert slow[1] == quick[1], path.name
        assert [key.start_mark.line for key, _ in slow[0].value] == [key.start_mark.line for key, _ in quick[0].value]


def test_the_packages_data_read_as_by_the_plain_safe_loader():
    names = ("engager.model/data/b-all/parameters.yaml", "engager.trial/data/assumptions.yaml")
    for name in names:
        package, _, path = name.partition("/")
        text = resources.files(package).joinpath(path).read_text(encoding="utf-8")
        assert read_shipped_data(text) == yaml.safe_load(text)
