"""A patient told in words: sentences are what the courses say, reasons are what happens with a typical trait."""

from __future__ import annotations

import pytest

from engager.study import (
    patient_story,
    reason_sentence,
    regimen_by_id,
    simulate_patient,
    traits,
    verdict_sentence,
)

NUMBERS = range(1, 9)


@pytest.fixture(scope="module")
def stories():
    regimen = regimen_by_id("blinatumomab")
    return {number: patient_story(number, regimen, days=56) for number in NUMBERS}


def test_the_patient_is_the_one_of_that_seed(stories):
    one = simulate_patient(regimen_by_id("blinatumomab"), days=56, seed=3)
    assert stories[3].blasts_percent == one.columns["marrow_blasts_percent"][-1]
    assert stories[3].patient.covariates == one.covariates


def test_the_timeline_is_in_order_and_says_when_blasts_fall(stories):
    for story in stories.values():
        days = [day for day, _ in story.timeline]
        assert days == sorted(days)
        blasts = story.patient.columns["marrow_blasts_percent"]
        told = [day for day, words in story.timeline if words.startswith("Blasts fall below 5 %")]
        assert bool(told) == bool((blasts < 5).any())
        if told:
            assert told[0] == story.patient.days[blasts < 5][0]


def test_some_patients_clear_and_some_do_not(stories):
    assert {story.is_clear for story in stories.values()} == {True, False}


def test_a_reason_pulls_the_other_way_and_is_told_with_its_size(stories):
    reasons = [(story, one) for story in stories.values() for one in story.reasons]
    assert reasons
    for story, one in reasons:
        assert (one.blasts_percent > story.blasts_percent) == story.is_clear
        assert one.turns == ((one.blasts_percent < 5) != story.is_clear)
        assert f"day {story.judged_day:.0f}" in reason_sentence(story, one)


def test_a_reason_that_turns_the_outcome_turns_it_when_tried(stories):
    number, reason = next((n, one) for n, s in stories.items() for one in s.reasons if one.turns)
    from engager.model import load_model

    model = load_model("b-all")
    name = next(row.name for row in model.parameters.values() if row.meaning == reason.trait)
    own = stories[number].patient.parameters[name] / model.parameters[name].to_model
    again = simulate_patient(
        regimen_by_id("blinatumomab"), days=56, seed=number, changes={name: own / reason.times_typical}
    )
    assert again.columns["marrow_blasts_percent"][-1] == pytest.approx(reason.blasts_percent, rel=1e-3)


def test_words_for_people(stories):
    for story in stories.values():
        assert ("has not gone" in verdict_sentence(story)) != story.is_clear
        assert "years" in traits(story)["patient"]
