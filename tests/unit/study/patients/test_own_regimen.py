"""A regimen built from a few words is the one that a study file would hold."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.protocol import read_protocol
from engager.study import own_regimen, regimen_by_id, simulate_patient


def amounts(regimen, cycle):
    one = np.array([75.0]), np.array([1.876])
    return [float(regimen.dose_at(cycle, day, *one)[0]) for day in range(1, regimen.cycle_length(cycle) + 1)]


def test_the_labels_regimen_built_by_hand_gives_the_labels_course():
    label = regimen_by_id("blinatumomab")
    before = label.premedication.dexamethasone_mg
    built = own_regimen([(9, 1), (28, 8)], cycles=2, dexamethasone_mg=before).regimen
    assert amounts(built, 1) == amounts(label, 1)
    assert amounts(built, 2) == amounts(label, 2)
    for column in ("drug_pg_per_mL", "il6_pg_per_mL"):
        np.testing.assert_array_equal(*(simulate_patient(one, days=30).columns[column] for one in (built, label)))


def test_every_cycle_steps_when_asked():
    built = own_regimen([(9, 1), (28, 8)], cycles=2, steps_in="every").regimen
    assert amounts(built, 2) == amounts(built, 1)
    assert amounts(built, 1)[6:8] == [9.0, 28.0]


def test_days_on_and_off_make_the_cycle():
    built = own_regimen([(15, 1)], unit="ug/m2/day", days_on=14, days_off=7, cycles=1).regimen
    given = amounts(built, 1)
    assert len(given) == 21
    assert [day + 1 for day, one in enumerate(given) if one] == list(range(1, 15))


def test_the_study_file_runs_as_it_stands():
    built = own_regimen([(9, 1), (28, 8)])
    assert read_protocol(built.study, "copied").arms["own-regimen"].regimen == built.regimen


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"steps": []}, "1 to 12 amounts"),
        ({"steps": [(9, 2)]}, "begin on day 1"),
        ({"steps": [(9, 1), (28, 40)]}, "within the 28 days"),
        ({"steps": [(9, 1), (28, 1)]}, "later and later"),
        ({"steps": [(9, 1)], "unit": "mg/kg"}, "unit"),
        ({"steps": [(-9, 1)]}, "amount"),
    ],
)
def test_what_cannot_be_given_is_refused_in_words(arguments, words):
    with pytest.raises(InputError, match=words):
        own_regimen(**arguments)
