"""Notes of a run: targets that stand beside other patients or another dose than they were published for."""

from __future__ import annotations

import pytest

from engager.protocol import Protocol, shipped_protocol, shipped_protocols
from engager.study import run_notes


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
