"""The form of a study: what the JSON Schema says of each value, and where a problem stands."""

from __future__ import annotations

import pytest

from engager.app.web.api.studies import _changed
from engager.app.web.form import field_of, form_fields
from engager.core import InputError
from engager.protocol import read_protocol, shipped_protocol, shipped_protocols, write_protocol


@pytest.mark.parametrize("study", ["tower", "blast", "mosunetuzumab-follicular"])
def test_what_the_form_shows_written_back_is_the_same_study(study):
    protocol = shipped_protocol(study)
    text = write_protocol(protocol)
    changes = {}
    for field in form_fields(protocol):
        value = field["value"]
        if field["kind"] == "list":
            parts = [one.strip() for one in value.split(",") if one.strip()]
            value = [float(one) if one.replace(".", "", 1).isdigit() else one for one in parts]
            value = [int(one) if isinstance(one, float) and one.is_integer() else one for one in value]
        changes[field["key"]] = value
    assert len(changes) > 40
    assert read_protocol(_changed(text, changes), "study") == protocol


def test_fields_have_words_units_limits_and_choices():
    fields = {one["key"]: one for one in form_fields(shipped_protocol("tower"))}
    age = fields["population/age_years/median"]
    assert (age["label"], age["unit"], age["group"]) == ("age: median", "years", "Patients")
    assert age["hint"] == "from 0 to 110"
    assert fields["arms/blinatumomab/regimen/doses/0/amount"]["unit"] == "ug/day"
    assert fields["population/setting"]["options"][0] == "relapsed_refractory"
    assert fields["population/female"]["unit"] == "share"


def test_every_shipped_study_has_a_form_whose_keys_stand_once():
    for study in shipped_protocols():
        keys = [one["key"] for one in form_fields(shipped_protocol(study))]
        assert len(set(keys)) == len(keys) > 20


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("n: 271", "n: -3", "arms/blinatumomab/n"),
        ("amount: 9", "amount: much", "arms/blinatumomab/regimen/doses/0/amount"),
        ("median: 37", "median: 500", "population/age_years"),
        ("study: tower", "study: tower\n  x: [", ""),
    ],
)
def test_a_problem_names_the_field_it_stands_at(old, new, field):
    text = write_protocol(shipped_protocol("tower")).replace(old, new, 1)
    with pytest.raises(InputError) as told:
        read_protocol(text, "study")
    assert field_of(told.value.problems[0]) == field
