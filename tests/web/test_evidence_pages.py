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


def test_network_and_map_are_drawn(client):
    assert "P-score" in client.get("/evidence/network?endpoint=OS").text
    assert "<svg" in client.get("/evidence/map").text


def test_the_form_makes_a_record_that_the_command_accepts(client, tmp_path):
    from engager.evidence import read_record

    told = client.post("/api/evidence/check", json={"fields": FIELDS, "figures": FIGURES}).json()
    assert told["told"] == "doe-2024: valid; 1 arms, 2 figures, n = 30"
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
