"""The pages for a fellow or a teacher: gallery, a patient to guess, a hundred patients, the handout."""

from __future__ import annotations

import pytest

from engager.study import GALLERY_CASES, case_picture, patient_story, regimen_by_id


def test_the_gallery_has_eight_cases_with_a_picture_and_a_place_to_go(client):
    page = client.get("/").text
    assert len(GALLERY_CASES) == 8
    for case in GALLERY_CASES:
        assert case.sentence.replace("'", "&#39;") in page
        picture = client.get(f"/cases/{case.name}.svg")
        assert picture.headers["content-type"].startswith("image/svg")
        assert picture.text.startswith("<svg")
    assert client.get("/cases/none.svg").status_code == 404


def test_pictures_differ_and_show_escape():
    pictures = {case.name: case_picture(case.name) for case in GALLERY_CASES}
    assert len(set(pictures.values())) == 8


def test_nothing_is_revealed_before_a_guess(client):
    page = client.get("/story?patient=2").text
    assert "What do you think?" in page
    assert "Day by day" not in page
    assert "<svg" not in page


@pytest.mark.parametrize("guess", ["clear", "stays"])
def test_a_guess_is_judged_by_the_simulation(client, guess):
    page = client.get(f"/story?patient=2&guess={guess}").text
    is_clear = patient_story(2, regimen_by_id("blinatumomab")).is_clear
    assert ("You guessed right" in page) == ((guess == "clear") == is_clear)
    assert "Day by day" in page
    assert "under chemotherapy" in page
    who = patient_story(2, regimen_by_id("blinatumomab")).patient.covariates
    assert f"/patient?regimen=blinatumomab&amp;age_years={who['age_years']:.4g}&amp;weight_kg=" in page


@pytest.mark.parametrize("query", ["patient=0", "patient=x", "guess=maybe", "regimen=none"])
def test_a_slip_of_the_story_is_told_in_words(client, query):
    answer = client.get(f"/story?{query}")
    assert answer.status_code == 404
    assert "That did not work" in answer.text


def test_a_run_shows_a_hundred_patients_and_words_tell_their_meaning(client):
    page = client.get("/runs/tower-1").text
    dots = page.split('class="dots"')[1].split("</div>")[0]
    assert dots.count("<i ") == 100
    assert '<abbr title="Complete remission with full recovery of counts' in page
    assert "died within 60 days" in page


def test_a_negative_clone_of_the_slider_is_one_that_the_patient_has(client):
    told = client.get("/api/patient?regimen=blinatumomab&days=28&cd19neg_fraction=0.0001").json()
    assert not [note for note in told["notes"] if "changes none" in note]
    assert "has_negative=1" in told["command"]


def test_the_handout_fits_on_one_page(page):
    page.goto("/runs/tower-1/handout")
    made = page.pdf(prefer_css_page_size=True)
    assert made.count(b"/Type /Page\n") + made.count(b"/Type /Page ") + made.count(b"/Type/Page/") == 1
