"""Regimens as a trial arm needs them."""

from __future__ import annotations

import pytest

from engager.core import InputError
from engager.evidence import load_records, load_regimens, regimen
from engager.evidence.records.regimens import parse_days


def test_every_arm_of_every_record_has_its_regimen():
    known = load_regimens()
    assert len(known) == 42
    for entry in load_records().values():
        for arm in entry.arms:
            assert arm.regimen in known, (entry.id, arm.id)


def test_blinatumomab_steps_from_9_to_28_ug_per_day():
    treating = [dose for dose in regimen("blinatumomab").drugs if dose.role == "treatment"]
    given = [(dose.amount, dose.unit, dose.route, dose.days, dose.cycles) for dose in treating]
    assert given[:3] == [
        (9, "ug/day", "iv_continuous", ((1, 7),), (1,)),
        (28, "ug/day", "iv_continuous", ((8, 28),), (1,)),
        (28, "ug/day", "iv_continuous", ((1, 28),), (2, 3, 4, 5)),
    ]
    assert regimen("blinatumomab").is_complete
    assert regimen("blinatumomab").cycle_days == 42


def test_premedication_does_not_make_a_regimen_incomplete():
    (dexamethasone,) = [dose for dose in regimen("blinatumomab").drugs if dose.drug == "dexamethasone"]
    assert dexamethasone.role == "premedication"
    assert not dexamethasone.is_complete


def test_weight_dose_carries_its_cap():
    first = regimen("blinatumomab-under-45kg").drugs[0]
    assert (first.amount, first.unit, first.cap, first.cap_unit) == (5, "ug/m2/day", 9, "ug/day")


@pytest.mark.parametrize("slug", ["flam", "bfm85-reinduction", "hyper-cvad-rituximab", "blinatumomab-mt103-206"])
def test_regimen_whose_doses_were_not_seen_says_so(slug):
    entry = regimen(slug)
    assert entry.status == "unseen"
    assert not entry.is_complete
    assert entry.incomplete_because


@pytest.mark.parametrize(
    ("written", "ranges"),
    [
        ("1-7", ((1, 7),)),
        ("8, 15", ((8, 8), (15, 15))),
        ((1, 2, 3, 15, 16), ((1, 3), (15, 16))),
        ("1, 3-5", ((1, 1), (3, 5))),
        ("from day 15", ()),
        ("7-1", ()),
        (None, ()),
    ],
)
def test_days_are_read_or_left_as_text(written, ranges):
    assert parse_days(written) == ranges


def test_regimen_is_found_by_a_name_and_nearest_slugs_are_offered():
    assert regimen("Blincyto").slug == "blinatumomab"
    with pytest.raises(InputError, match="blinatumomab"):
        regimen("blinatumomap")
