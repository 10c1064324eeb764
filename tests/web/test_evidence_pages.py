"""Forest plot, network and map as pages; a record of one's own by form, checked as the command line checks it."""

from __future__ import annotations

import pytest

FIELDS = {
    "id": "doe-2024", "title": "A trial", "authors": "Doe J; Roe R", "journal": "Blood", "year": "2024",
    "kind": "single_arm_trial", "age_group": "adult", "lineage": "B", "ph": "any", "setting": "relapsed_refractory",
    "arm": "blinatumomab", "regimen": "blinatumomab", "description": "as the label", "n": "30", "source": "abstract",
    "where": "PubMed", "notes": "made up for a test",
}  # fmt: skip
FIGURES = [
    {"endpoint": "CR", "events": "12", "n": "30"},
    {"endpoint": "OS", "months": "7.5"},
    {"endpoint": "", "n": "5"},
]


def test_a_forest_plot_stands_with_its_numbers_remarks_and_citations(client):
    page = client.get("/evidence/forest?endpoint=CR&drug_class=t_cell_engager").text
    assert "<svg" in page
    assert "pooled (glmm)" in page
    assert "91/271" in page  # TOWER's own count
    assert "engager evidence forest --endpoint CR --class t_cell_engager" in page


def test_what_cannot_be_pooled_is_told_in_words(client):
    answer = client.get("/evidence/forest?endpoint=nonsense")
    assert answer.status_code == 200
    assert 'class="error"' in answer.text


def test_figures_follow_the_page_into_the_dark(client):
    import re

    for path in ("/evidence/forest?endpoint=CR", "/evidence/network?endpoint=OS", "/evidence/map"):
        drawn = re.search(r"<svg.*?</svg>", client.get(path).text, re.S)
        assert drawn is not None
        colors = re.findall(r"(?<!, )#[0-9a-fA-F]{6}", drawn[0])
        assert not colors, f"{path}: {set(colors)} stay as they are"


def test_records_are_narrowed_by_what_they_hold(client):
    from engager.evidence import load_records

    page = client.get("/evidence?setting=mrd_positive&endpoint=RFS&kind=single_arm_trial").text
    wanted = [
        one.id for one in load_records().values()
        if one.kind == "single_arm_trial" and one.population.setting == "mrd_positive"
        and any(figure.endpoint == "RFS" for figure in one.outcomes)
    ]  # fmt: skip
    assert wanted
    assert page.count('<th scope="row">') == len(wanted)
    for one in wanted:
        assert f'href="/evidence/{one}"' in page
    assert "No record holds all of this" in client.get("/evidence?search=nosuchword").text


def test_a_record_shows_times_intervals_and_leads_to_its_sources(client):
    page = client.get("/evidence/tower-2017").text
    assert "</abbr> at 6 months" in page
    assert "5.6 to 9.6" in page
    assert 'href="#source-S1"' in page
    assert 'id="source-S1"' in page


def test_network_and_map_are_drawn(client):
    assert "P-score" in client.get("/evidence/network?endpoint=OS").text
    assert "<svg" in client.get("/evidence/map").text


def test_the_form_makes_a_record_that_the_command_accepts(client, tmp_path):
    from engager.evidence import read_record

    told = client.post("/api/evidence/check", json={"fields": FIELDS, "figures": FIGURES}).json()
    assert told["told"] == "doe-2024: valid; 1 arm, 2 figures, n = 30"
    file = tmp_path / "doe-2024.yaml"
    file.write_text(told["text"])
    outcomes = read_record(file).outcomes
    assert [(one.endpoint, one.events, one.value) for one in outcomes] == [("CR", 12, 0.4), ("OS", None, 7.5)]


@pytest.mark.parametrize(
    ("change", "word"),
    [({"year": "next"}, "year"), ({"kind": ""}, "kind"), ({"n": "-3"}, "n"), ({"authors": ""}, "authors")],
)
def test_what_is_wrong_with_a_record_is_told_with_its_key(client, change, word):
    told = client.post("/api/evidence/check", json={"fields": FIELDS | change, "figures": FIGURES}).json()
    assert any(word in one["where"] for one in told["problems"])
    assert told["text"]


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "a: &a [*a]"}, {"fields": 3}, {"fields": {"id": [1]}}])
def test_no_text_breaks_the_check(client, body):
    answer = client.post("/api/evidence/check", json=body)
    assert answer.status_code in (200, 422)
    assert answer.json()["problems"]
