"""What of a study lies outside what was fitted."""

from __future__ import annotations

import pytest

from engager.calibration import fit_defaults
from engager.protocol import Protocol, shipped_design, shipped_protocol
from engager.study import outside_fit


def study(**changes):
    return Protocol.model_validate({"study": "x", "arms": {"a": {"n": 10, "regimen": "blinatumomab"}}} | changes)


def inline(route="iv_continuous", amount=28, unit="ug/day", days="1-28", cycle_days=42, **keys):
    doses = [{"days": days, "amount": amount, "unit": unit}]
    return {"drug": "blinatumomab", "route": route, "cycle_days": cycle_days, "cycles": 2, "doses": doses} | keys


@pytest.mark.parametrize("fitted", fit_defaults()["studies"])
def test_no_fitted_study_lies_outside(fitted):
    assert outside_fit(shipped_protocol(fitted)) == []


@pytest.mark.parametrize("fitted", fit_defaults()["studies"])
def test_the_design_of_a_study_is_that_of_the_whole_file(fitted):
    design, whole = shipped_design(fitted), shipped_protocol(fitted)
    for part in ("arms", "population", "eligibility", "model", "follow_up", "hsct", "visits"):
        assert getattr(design, part) == getattr(whole, part)


def test_the_label_regimen_in_default_patients_lies_inside():
    assert outside_fit(study()) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"population": {"setting": "untreated"}}, "Setting: untreated disease was not fitted"),
        ({"population": {"age_years": {"median": 8, "range": [1, 17]}}}, "Age: patients of 1 to 17 years"),
        ({"population": {"age_years": {"mean": 70, "sd": 9}}}, "Age: patients of 52 to 88 years"),
        ({"arms": {"a": {"n": 9, "regimen": inline("subcutaneous", 250, "ug", "1-7")}}}, "Route (a): subcutaneous"),
        ({"arms": {"a": {"n": 9, "regimen": inline(amount=28000)}}}, "Dose (a): 28,000 ug/day"),
        (
            {"arms": {"a": {"n": 9, "regimen": inline("subcutaneous", 28000, "ug", "1,8")}}},
            "Dose (a): 56,000 ug a cycle in a typical adult; the fitted studies gave 651 to",
        ),
        ({"arms": {"a": {"n": 9, "regimen": inline(days="1-7", cycle_days=14)}}}, "Schedule (a): drug on 7 of 14"),
        ({"arms": {"a": {"n": 9, "regimen": "flag"}}}, "Comparator (a): flag was not fitted"),
    ],
)
def test_each_kind_of_extrapolation_is_told(changes, told):
    assert any(text.startswith(told) for text in outside_fit(study(**changes)))


def test_ages_are_those_that_eligibility_leaves():
    wide = {"population": {"age_years": {"median": 40, "range": [5, 78]}}}
    assert any(text.startswith("Age") for text in outside_fit(study(**wide)))
    assert not outside_fit(study(**wide, eligibility=["age_years >= 18"]))
