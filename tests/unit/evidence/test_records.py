"""Shipped records: all there, all valid, told apart from what is not."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from engager.core import InputError
from engager.evidence import load_records, load_regimens, read_record, record
from engager.evidence.records.library import parse_record
from engager.evidence.records.vocabulary import DATA


def _raw(record_id: str) -> dict:
    return yaml.safe_load((DATA / "records" / f"{record_id}.yaml").read_text(encoding="utf-8"))


def _problems(content: dict) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_record(content, f"{content['id']}.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_every_record_file_loads_and_the_review_has_42_references():
    records = load_records()
    assert set(records) == {path.stem for path in (DATA / "records").glob("*.yaml")}
    assert len(records) >= 53
    assert sorted(r.reference for r in records.values() if r.reference is not None) == list(range(1, 43))


def test_every_figure_of_a_record_becomes_an_outcome():
    for entry in load_records().values():
        printed = sum(len(arm.figures) for arm in entry.arms) + len(entry.comparisons) + len(entry.subgroups)
        pairs = sum(isinstance(contrast.value, tuple) for contrast in entry.comparisons)
        assert len(entry.outcomes) == printed + pairs, entry.id


def test_unknown_record_offers_nearest_names():
    with pytest.raises(InputError, match="tower-2017"):
        record("tower-2016")


def test_unknown_key_is_refused_with_its_path():
    content = _raw("tower-2017")
    content["arms"][0]["outcomes"][2]["event"] = 3
    assert any("tower-2017.yaml: arms[0].outcomes[2].event" in text for text in _problems(content))


def test_more_events_than_patients_is_refused():
    content = _raw("tower-2017")
    content["arms"][0]["outcomes"][0]["events"] = 272
    assert any("arms[0].outcomes[0].events" in text and "271" in text for text in _problems(content))


def test_interval_that_does_not_hold_its_value_is_refused():
    content = _raw("tower-2017")
    content["comparisons"][0]["ci95"] = [0.75, 0.93]
    assert any("comparisons[0].ci95" in text for text in _problems(content))


def test_interval_of_counts_alone_must_hold_events_over_n():
    content = _raw("tower-2017")
    figure = content["arms"][0]["outcomes"][0]
    del figure["proportion"]
    figure["ci95"] = [0.4, 0.5]
    assert any("arms[0].outcomes[0].ci95" in text for text in _problems(content))


def test_proportion_must_match_events_over_n():
    content = _raw("tower-2017")
    content["arms"][0]["outcomes"][0]["proportion"] = 0.36
    assert any("outcomes[0].proportion" in text and "0.336" in text for text in _problems(content))


def test_source_that_is_not_listed_is_refused():
    content = _raw("tower-2017")
    content["arms"][1]["outcomes"][0]["source"] = "S99"
    assert any("arms[1].outcomes[0].source" in text and "S99" in text for text in _problems(content))


def test_unseen_source_cannot_carry_a_figure():
    content = _raw("tower-2017")
    content["sources"]["S1"]["seen"] = False
    assert any("nobody saw" in text for text in _problems(content))


def test_problems_of_a_file_are_told_together():
    content = _raw("tower-2017")
    content["arms"][0]["outcomes"][0]["events"] = 999
    content["arms"][1]["outcomes"][0]["source"] = "S99"
    content["comparisons"][0]["ci95"] = [2, 1]
    assert len(_problems(content)) >= 3


def test_missing_and_wrongly_typed_keys_are_told_together():
    content = _raw("weiss-2002")
    del content["notes"]
    content["arms"][0]["n"] = "29"
    content["kind"] = "trial"
    text = "\n".join(_problems(content))
    assert "weiss-2002.yaml: notes" in text
    assert "weiss-2002.yaml: arms[0].n" in text
    assert "weiss-2002.yaml: kind" in text


def test_endpoint_outside_the_vocabulary_needs_a_definition():
    content = _raw("weiss-2002")
    figure = content["arms"][0]["outcomes"][0]
    figure["endpoint"] = "CRX"
    assert any("outcomes[0].endpoint" in text for text in _problems(content))
    figure["definition"] = "a remission of a kind of its own"
    assert parse_record(content, "weiss-2002.yaml").outcomes[0].endpoint == "CRX"


def test_key_written_twice_is_refused(tmp_path: Path):
    text = (DATA / "records" / "weiss-2002.yaml").read_text(encoding="utf-8")
    file = tmp_path / "weiss-2002.yaml"
    file.write_text(text + "kind: review\n", encoding="utf-8")
    with pytest.raises(InputError, match="twice"):
        read_record(file)


def test_malformed_yaml_names_line(tmp_path: Path):
    file = tmp_path / "broken.yaml"
    file.write_text("id: broken\narms: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.yaml: line"):
        read_record(file)


def test_mutated_content_is_not_shared_between_tests():
    content = copy.deepcopy(_raw("tower-2017"))
    assert parse_record(content, "tower-2017.yaml").id == "tower-2017"


def test_wrong_types_do_not_hide_what_else_is_wrong():
    content = _raw("tower-2017")
    arm = content["arms"][0]
    arm["n"], arm["colour"] = "forty", "blue"
    arm["outcomes"][0]["events"] = 900
    arm["outcomes"][1]["source"] = "S99"
    with pytest.raises(InputError) as caught:
        parse_record(content, "x.yaml")
    told = {problem.where.removeprefix("x.yaml: ") for problem in caught.value.problems}
    assert {"arms[0].n", "arms[0].colour", "arms[0].outcomes[0].events", "arms[0].outcomes[1].source"} <= told


def test_a_value_that_cannot_be_left_aside_is_told_alone():
    content = _raw("tower-2017")
    content["arms"] = "none"
    with pytest.raises(InputError) as caught:
        parse_record(content, "x.yaml")
    assert [problem.where for problem in caught.value.problems] == ["x.yaml: arms"]


def test_counts_in_the_readme_and_the_docs_are_those_of_the_data():
    root = Path(__file__).parents[3]
    records, regimens = load_records(), load_regimens()
    extra = sum(entry.reference is None for entry in records.values())
    runnable = sum(entry.not_an_arm_because is None for entry in regimens.values())
    readme = (root / "README.md").read_text(encoding="utf-8")
    docs = (root / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert f"{len(records)} published records" in readme
    assert f"{len(records)} records" in readme
    assert f"The base holds {len(records)} records" in docs
    assert f"and {extra} found since" in docs
    assert f"With them come {len(regimens)} regimens" in docs
    assert f"{runnable} of them can be an arm" in docs


def test_a_clock_that_starts_elsewhere_is_kept_apart_and_a_wrong_one_refused():
    content = _raw("tower-2017")
    figure = content["arms"][0]["outcomes"][0]
    figure["origin"] = "hsct"
    outcome = parse_record(content, "tower-2017.yaml").outcomes[0]
    assert outcome.origin == "hsct"
    figure["origin"] = "transplant"
    assert any("arms[0].outcomes[0].origin" in text and "hsct" in text for text in _problems(content))


@pytest.mark.parametrize(
    ("record_id", "arm", "endpoint", "statistic", "value"),
    [
        ("greil-2020-hsct", "adults-1995-2018", "CIR", "cumulative_at", 0.41),
        ("greil-2020-hsct", "adults-1995-2018", "NRM", "cumulative_at", 0.28),
        ("jabbour-2018-after-blinatumomab", "after-failure", "alive", "proportion", 0.13),
        ("jabbour-2018-after-blinatumomab", "after-failure", "cd19_negative_at_failure", "proportion", 0.08),
        ("badar-2021-hsct", "hsct-after-blinatumomab", "OS", "survival_at", 0.58),
        ("blast-2014", "blinatumomab", "fatal_AE", "proportion", 2 / 116),
        ("ino-vate-2016", "standard", "MRD_response", "proportion", 0.281),
    ],
)
def test_figures_of_transplant_failure_and_safety_stand_as_their_abstracts_print_them(
    record_id, arm, endpoint, statistic, value
):
    found = [
        outcome.value
        for outcome in record(record_id).outcomes
        if (outcome.arm, outcome.endpoint, outcome.statistic, outcome.subgroup) == (arm, endpoint, statistic, None)
    ]
    assert found == [pytest.approx(value)]
