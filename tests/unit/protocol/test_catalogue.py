"""Regimens of the evidence base become regimens an arm can be given."""

import numpy as np
import pytest
from pydantic_core import PydanticCustomError

from engager.evidence import load_regimens
from engager.protocol import executable_regimen

# A regimen of the laboratory has no human dose; transplants and cells are not drug regimens; some are several at once.
NOT_AN_ARM = {slug for slug, entry in load_regimens().items() if entry.not_an_arm_because}


@pytest.mark.parametrize("slug", sorted(set(load_regimens()) - NOT_AN_ARM))
def test_regimen_can_be_given(slug):
    regimen = executable_regimen(slug)
    assert regimen.id == slug
    assert regimen.segments(1), "the first cycle gives something"


@pytest.mark.parametrize("slug", sorted(NOT_AN_ARM))
def test_what_cannot_be_given_says_why(slug):
    with pytest.raises(PydanticCustomError, match="must be"):
        executable_regimen(slug)


def test_all_but_transplants_cells_mixtures_and_the_laboratory_can_be_given():
    transplants = {"allo-hsct", "allo-hsct-unrelated-marrow", "allo-hsct-without-reinduction"}
    mixtures = {"blinatumomab-and-inotuzumab-in-sequence", "mini-hyper-cvd-inotuzumab"}
    assert transplants | mixtures | {"cd19-car-t-cells", "epratuzumab-sn38"} == NOT_AN_ARM


def test_dose_finding_is_given_as_one_of_its_cohorts_and_says_so():
    weight, bsa = np.array([70.0]), np.array([2.0])
    stepped = executable_regimen("blinatumomab-mt103-206")
    assert [stepped.dose_at(cycle, day, weight, bsa)[0] for cycle, day in ((1, 7), (1, 8), (5, 28))] == [10, 30, 30]
    assert any("were not seen" in text for text in stepped.assumptions)
    lymphoma = executable_regimen("blinatumomab-nhl-phase1")
    assert lymphoma.dose_at(1, 28, weight, bsa)[0] == 120
    assert any("highest tolerated" in text for text in lymphoma.assumptions)


def test_label_dosing_by_weight_and_cycle():
    label = executable_regimen("blinatumomab")
    weight, bsa = np.array([30.0, 80.0]), np.array([1.0, 2.0])
    assert label.dose_at(1, 7, weight, bsa).tolist() == [5.0, 9.0]
    assert label.dose_at(1, 8, weight, bsa).tolist() == [15.0, 28.0]
    assert label.dose_at(9, 28, weight, bsa).tolist() == [15.0, 28.0]
    assert label.dose_at(9, 29, weight, bsa).tolist() == [0.0, 0.0]
    assert [label.cycle_length(c) for c in (5, 6, 9)] == [42, 84, 84]
    assert label.premedication.dexamethasone_mg == 20


def test_capped_dose_per_square_meter():
    lighter = executable_regimen("blinatumomab-under-45kg")
    assert lighter.dose_at(1, 1, np.array([44.0]), np.array([2.5])).tolist() == [9.0]


def test_assumptions_are_written_down():
    assert any("28 days assumed" in text for text in executable_regimen("flag").assumptions)


def test_weekly_courses_become_cycles_with_room_for_a_marrow_visit():
    weekly = executable_regimen("vsli")
    assert (weekly.cycle_days, weekly.cycles) == (28, 4)
    assert str(weekly.course[0].days) == "1,8,15,22"
