"""Conditions as readers write them."""

import pytest

from engager.core import COVARIATES, condition_words


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("age_years < 30", "age below 30 years"),
        ("age_years >= 65", "age 65 years or more"),
        ("age_years > 30", "age above 30 years"),
        ("age_years <= 40", "age up to 40 years"),
        ("not unrelated_donor and age_years >= 26 and age_years < 36", "related donor, age 26 to below 36 years"),
        ("18 <= age_years < 26", "age 18 to below 26 years"),
        ("marrow_blasts_percent >= 50 and marrow_blasts_percent <= 90", "marrow blasts 50 to 90 %"),
        ("marrow_blasts_percent > 90", "marrow blasts above 90 %"),
        ("remission_months >= 1", "last remission 1 month or more"),
        ("age_years < 30 and remission_months > 24", "age below 30 years, last remission above 24 months"),
        ("salvage_line == 0", "before any salvage"),
        ("salvage_line == 1 and not prior_hsct", "first salvage, no earlier transplant"),
        ("salvage_line > 1", "second salvage or later"),
        ("salvage_line in [1, 2]", "salvage line 1 or 2"),
        ("prior_hsct == false", "no earlier transplant"),
        ("female or age_years < 35", "women or age below 35 years"),
        ("not (female and ph_positive)", "not (women, Ph-positive)"),
        ("entry_mrd_log10 >= -3", "log10 of residual disease -3 or more"),
        ("n_cycles > 2", "n cycles above 2"),
        ("age_years >= 18 and (female or age_years < 35)", "age 18 years or more, (women or age below 35 years)"),
        ("weight_kg / height_cm > 0.5", "weight kg / height cm > 0.5"),
    ],
)
def test_a_condition_reads_as_people_write(condition, said):
    assert condition_words(condition) == said


@pytest.mark.parametrize("text", ["below 60 ug/m2/day", "2008-2012, age 18-25"])
def test_what_is_no_condition_stays(text):
    assert condition_words(text) == text


def test_every_covariate_that_a_study_can_give_has_words():
    assert [one.name for one in COVARIATES if one.spoken is None] == ["remission_log"]
