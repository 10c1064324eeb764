"""Notes of a run: targets that stand beside other patients or another dose than they were published for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engager.protocol import Protocol, shipped_protocol, shipped_protocols
from engager.study import outside_fit, run_notes
from engager.study.load import load_protocol


def edited(study, **population):
    raw = shipped_protocol(study).model_dump(mode="json", exclude_none=True)
    raw["population"] |= population
    return raw


def about_targets(protocol):
    return [note for note in run_notes(protocol) if "published for other patients" in note]


@pytest.mark.parametrize("study", shipped_protocols())
def test_no_shipped_study_is_told_to_differ_from_itself(study):
    assert not about_targets(shipped_protocol(study).with_patients(12))


def test_another_population_and_another_dose_are_told():
    raw = edited("tower", age_years={"median": 70, "range": [60, 80]})
    raw["arms"]["blinatumomab"]["regimen"]["doses"][0]["amount"] = 90
    (note,) = about_targets(Protocol.model_validate(raw))
    assert "population.age_years, arms.blinatumomab.regimen differ" in note
    assert "shipped study tower of record tower-2017" in note


def test_a_renamed_copy_is_still_held_to_its_record():
    raw = edited("tower", female=0.9) | {"study": "mine"}
    assert about_targets(Protocol.model_validate(raw))
    assert not about_targets(Protocol.model_validate(raw | {"targets": []}))


def treated_by(regimen):
    return Protocol.model_validate({"study": "x", "arms": {"a": {"n": 9, "regimen": regimen}}})


@pytest.mark.parametrize(
    ("regimen", "told"),
    [
        ("flag", "FEW PATIENTS: based on only 12"),
        ("flag", "from CR/CRh/CRi in 8 of 12 patients (visani-1996-flag)"),
        ("salvage-mixed", "from CR/CRh/CRi in 466 of 1210 patients"),
        ("soc-chemotherapy-tower", "counts as standard salvage chemotherapy (strength 1)"),
        ({"drug": "chemotherapy", "cycle_days": 28, "cycles": 2, "strength": 1.4}, "strength 1.4 as given in the"),
    ],
)
def test_a_comparator_tells_what_its_strength_rests_on(regimen, told):
    assert any(told in note for note in run_notes(treated_by(regimen)))


def test_few_patients_are_told_loud_and_many_are_not():
    assert any("rests on only 12 patients" in text for text in outside_fit(treated_by("flag")))
    assert not any("FEW PATIENTS" in note for note in run_notes(treated_by("salvage-mixed")))


def test_the_example_of_another_comparator_has_enough_patients_behind_it():
    example = load_protocol(Path(__file__).parents[3] / "examples" / "other-comparator.yaml")
    assert not any("FEW PATIENTS" in note for note in run_notes(example))
    assert outside_fit(example) == []


ENGAGER = {
    "drug": "blinatumomab", "cycle_days": 42, "cycles": 2,
    "doses": [{"days": "1-28", "amount": 28, "unit": "ug/day"}],
}  # fmt: skip


def about_premedication(regimen):
    return [note for note in run_notes(treated_by(regimen)) if "premedication" in note]


def test_an_engager_without_the_premedication_of_its_label_is_told():
    (note,) = about_premedication(ENGAGER)
    assert note.startswith("arms.a: premedication: none is given; the label's regimen blinatumomab has 20 mg of")
    assert not about_premedication(ENGAGER | {"premedication": {"dexamethasone_mg": 8}})


def test_a_regimen_whose_premedication_was_not_seen_says_so():
    (note,) = about_premedication("blinatumomab-mrd-15ug-m2")
    assert "the source of blinatumomab-mrd-15ug-m2 does not state any, so none is given" in note
    assert not about_premedication("blinatumomab")


@pytest.mark.parametrize("regimen", ["flag", "mosunetuzumab"])
def test_no_premedication_is_missed_where_the_catalogue_has_none(regimen):
    assert not about_premedication(regimen)
