"""What the patient page asks for: a band, a built regimen, own data, the patient as files; and what it refuses."""

from __future__ import annotations

import pytest

BUILT = "regimen=own&own_steps=9@1,28@8&own_unit=ug/day&own_on=28&own_off=14&own_cycles=2&own_in=first&own_dex=20"


def test_a_built_regimen_is_followed_and_can_be_copied(client):
    told = client.get(f"/api/patient?{BUILT}&days=28").json()
    label = client.get("/api/patient?regimen=blinatumomab&days=28").json()
    assert [line["y"] for line in told["panels"][0]["lines"]] == [line["y"] for line in label["panels"][0]["lines"]]
    assert "cycle_days: 42" in told["yaml"]
    assert client.post("/api/check", json={"text": told["yaml"]}).json()["patients"] == 100


@pytest.mark.parametrize(
    "query", ["own_steps=x@1", "own_steps=9@2", "own_steps=", "own_steps=9@1&own_unit=mg/kg", "own_steps=9@1&own_on=0"]
)
def test_a_slip_in_the_builder_is_told_in_words(client, query):
    answer = client.get(f"/api/patient?regimen=own&{query}")
    assert answer.status_code == 200
    assert answer.json()["problems"][0]["rule"]


def test_a_band_surrounds_its_middle(client):
    told = client.get("/api/band?regimen=blinatumomab&days=14&age_years=50").json()
    assert told["patients"] == 200
    for line in told["panels"]["Drug in serum"]:
        assert all(
            low <= middle <= high for low, middle, high in zip(line["low"], line["middle"], line["high"], strict=True)
        )
    assert len(told["exposure"]) == len(told["blasts"]) == 200


def test_own_data_are_read_and_refused_in_words(client):
    told = client.post("/api/observations", json={"text": "ID,TIME,DV\n1,24,3\n", "time_unit": "h"}).json()
    assert told["points"] == [{"id": "1", "day": 1.0, "value": 3.0, "below": False}]
    assert "DV" in client.post("/api/observations", json={"text": "ID,TIME\n1,2\n"}).json()["problems"][0]["text"]
    assert client.post("/api/observations", content=b"x" * 300_000).status_code == 413


def test_the_patient_is_downloaded_as_a_model(client):
    answer = client.get("/api/patient.ant?CL=5")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.startswith("//")
    assert client.get("/api/patient.ant?CL=x").status_code == 422


def test_a_setting_without_effect_is_told(client):
    assert "changes none" in client.get("/api/patient?days=7&performance=2").json()["notes"][0]


def test_a_note_that_holds_for_one_regimen_names_it(client):
    both = "/api/patient?regimen=blinatumomab&other=flag&days=7"
    assert client.get(f"{both}&CL=4").json()["notes"] == ["flag: CL = 4 changes none of the courses"]
    assert client.get(f"{both}&performance=2").json()["notes"] == ["performance = 2 changes none of the courses"]
