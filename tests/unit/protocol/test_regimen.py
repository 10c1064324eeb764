"""A regimen gives each patient the dose its file says, by cycle, day, weight and body surface."""

import numpy as np
import pytest
from pydantic import ValidationError

from engager.protocol import Regimen, Segment

STEP_DOSE = {
    "drug": "blinatumomab",
    "cycle_days": 42,
    "cycles": 5,
    "doses": [
        {"cycles": "1", "days": "1-7", "amount": 9, "unit": "ug/day"},
        {"cycles": "1", "days": "8-28", "amount": 28, "unit": "ug/day"},
        {"cycles": "2+", "days": "1-28", "amount": 0.028, "unit": "mg/day"},
    ],
    "weight_bands": [
        {
            "below_kg": 45,
            "doses": [
                {"cycles": "1", "days": "1-7", "amount": 5, "unit": "ug/m2/day", "cap": 9},
                {"cycles": "1", "days": "8-28", "amount": 15, "unit": "ug/m2/day", "cap": 28},
            ],
        }
    ],
}


def regimen(**changes):
    return Regimen.model_validate({**STEP_DOSE, **changes})


def test_segments_follow_cycles_and_days():
    assert regimen().segments(1) == [
        Segment(1, 7, 9.0, "flat", None, "infusion", "blinatumomab"),
        Segment(8, 28, 28.0, "flat", None, "infusion", "blinatumomab"),
    ]
    assert [s.amount for s in regimen().segments(5)] == pytest.approx([28.0])  # mg/day read as ug/day
    assert regimen().segments(6) == []


def test_weight_decides_the_band_and_the_cap_holds():
    weight = np.array([20.0, 44.9, 45.0, 80.0])
    bsa = np.array([0.8, 2.0, 1.4, 2.0])
    assert regimen().band_of(weight).tolist() == [1, 1, 0, 0]
    assert regimen().dose_at(1, 3, weight, bsa).tolist() == [4.0, 9.0, 9.0, 9.0]
    assert regimen().dose_at(1, 29, weight, bsa).tolist() == [0.0] * 4


def test_a_cycle_the_band_does_not_name_follows_the_main_doses():
    assert regimen().segments(2, band=1) == regimen().segments(2, band=0)


def test_several_bands_are_tried_from_the_lightest():
    bands = [
        {"below_kg": 45, "doses": [{"days": "1-28", "amount": 2, "unit": "ug/day"}]},
        {"below_kg": 20, "doses": [{"days": "1-28", "amount": 1, "unit": "ug/day"}]},
    ]
    dose = regimen(weight_bands=bands).dose_at(1, 1, np.array([10.0, 30.0, 60.0]), np.ones(3))
    assert dose.tolist() == [1.0, 2.0, 9.0]


def test_continued_cycles_are_longer():
    longer = regimen(cycles=9, longer_cycles={"from_cycle": 6, "cycle_days": 84})
    assert [longer.cycle_length(c) for c in (5, 6)] == [42, 84]
    assert longer.cycle_start(7) == 5 * 42 + 84


def test_an_open_day_range_ends_with_the_cycle():
    doses = [{"days": "8+", "amount": 28, "unit": "ug/day"}]
    assert [(s.first_day, s.last_day) for s in regimen(doses=doses).segments(1)] == [(8, 42)]


def test_injections_are_amounts_not_rates():
    doses = [{"days": "1,8,15", "amount": 250, "unit": "ug"}]
    found = regimen(route="subcutaneous", doses=doses, weight_bands=[]).segments(1)
    assert [(s.first_day, s.kind, s.amount) for s in found] == [(d, "subcutaneous", 250.0) for d in (1, 8, 15)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"doses": [{"days": "1-7", "amount": 9, "unit": "ug"}]}, "iv_continuous takes ug/day"),
        ({"doses": [{"days": "1-7", "amount": 9, "unit": "mg/L"}]}, "must be a dose"),
        ({"doses": [{"days": "1-7", "amount": 0, "unit": "ug/day"}]}, "greater than 0"),
        ({"doses": [{"days": "1-43", "amount": 9, "unit": "ug/day"}]}, "a cycle has 42 days"),
        ({"doses": [{"cycles": "6", "days": "1", "amount": 9, "unit": "ug/day"}]}, "the regimen has 5"),
        ({"doses": []}, "at least one dose"),
        (
            {"doses": [{"days": d, "amount": 9, "unit": "ug/day"} for d in ("1-7", "7-28")]},
            "both dose day 7 of cycle 1",
        ),
        ({"cycle_days": 0}, "greater than or equal to 1"),
        ({"drug": "chemotherapy"}, "has a course, not doses"),
        ({"dose": 3}, "Extra inputs"),
    ],
)
def test_impossible_regimens_are_refused(changes, told):
    with pytest.raises(ValidationError, match=told):
        regimen(**{"weight_bands": [], **changes})


def test_chemotherapy_is_a_course_as_long_as_its_last_drug_day():
    course = [{"drug": "cytarabine", "dose": 2, "unit": "g/m2", "days": "1-5"}, {"drug": "G-CSF"}]
    found = Regimen(drug="chemotherapy", cycle_days=28, cycles=2, course=course)
    assert [(s.first_day, s.last_day, s.kind) for s in found.segments(1)] == [(1, 5, "course")]
    assert found.rules == ()


def test_label_rules_stop_at_grade_4():
    rules = regimen().rules
    assert {rule.event for rule in rules if rule.action == "stop" and 4 in rule.grade} >= {
        "CRS",
        "neurologic",
    }
    assert regimen(toxicity_rules="none").rules == ()
