"""Numbers and endpoints as readers see them; rows of the tables."""

import math

import pytest

from engager.core import interval, number
from engager.report.tables import anchor, comparison_rows, links, missed_rows, outcome_tables, survival_facts
from engager.report.words import unit_words, what


@pytest.mark.parametrize(
    ("value", "statistic", "said"),
    [
        (0.336, "proportion", "33.6 %"),
        (1.0, "proportion", "100 %"),
        (7.7, "median", "7.7 months"),
        (math.inf, "median", "not reached"),
        (0.714, "hazard_ratio", "0.71"),
        (math.inf, "hazard_ratio", "∞"),
        (None, "median", "–"),
        (math.nan, "proportion", "–"),
        (-0.052, "difference", "-5.2 %"),
    ],
)
def test_numbers_carry_their_unit(value, statistic, said):
    assert number(value, statistic) == said


def test_interval_says_which_limit_is_missing():
    assert interval(0.28, 0.395, "proportion") == "28.0 to 39.5"
    assert interval(5.6, None, "median") == "5.6 to not reached"
    assert interval(5.6, math.inf, "median") == "5.6 to not reached"
    assert interval(None, None, "median") == ""
    assert interval(None, math.nan, "proportion") == ""


def test_outcome_is_named_in_words():
    assert what({"endpoint": "OS", "statistic": "median"}) == "OS, median"
    assert what({"endpoint": "EFS", "statistic": "survival_at", "time_months": 6.0}) == "EFS at 6 months"
    assert what({"endpoint": "CRS_grade3plus", "statistic": "proportion"}) == "CRS, grade 3+"
    spoken = what({"endpoint": "CR", "statistic": "proportion", "subgroup": "age_years >= 65"})
    assert spoken == "CR (age 65 years or more)"


def test_micro_is_written_only_where_it_is_one():
    assert unit_words("ug/day") == "µg/day"
    assert unit_words("cells/uL") == "cells/µL"
    assert unit_words("number/unit") == "number/unit"


def test_sources_are_linked_when_the_page_lists_them(content):
    found = links(["made-up-2020#S1", "other"], content.sources)
    assert found[0] == {"text": "1", "anchor": "source-made-up-2020", "name": "made-up-2020#S1"}
    assert found[1] == {"text": "other", "anchor": "", "name": "other"}
    assert links(None, content.sources) == []
    assert anchor("Tower 2017#S1") == "source-tower-2017"


def test_comparison_row_holds_both_sides(content):
    row = comparison_rows(content)[0]
    assert (row["published"], row["published_interval"], row["n"]) == ("33.6 %", "28.0 to 39.5", "271")
    assert (row["simulated"], row["simulated_interval"]) == ("35.0 %", "29.0 to 41.0")


def test_simulated_median_beyond_the_data_is_not_a_dash(content):
    from dataclasses import replace

    late = dict(content.comparisons[2], simulated={"median": None, "low": 9.0, "high": None})
    row = comparison_rows(replace(content, comparisons=[late]))[0]
    assert row["simulated"] == "not reached"


def test_only_what_was_judged_and_lies_outside_is_listed(content):
    from dataclasses import replace

    unjudged = [*content.comparisons, dict(content.comparisons[0], inside=None)]
    assert [row["arm"] for row in missed_rows(replace(content, comparisons=unjudged))] == ["B"]


def test_outcomes_are_split_into_efficacy_and_safety(content):
    tables = outcome_tables(content)
    assert [row["what"] for row in tables["efficacy"]] == ["CR", "OS, median"]
    assert tables["safety"][0]["what"] == "CRS, grade 3+"
    cell = tables["efficacy"][0]["arms"]["A"]
    assert cell == {"value": "32.0 %", "interval": "30.0 to 34.0", "n": "n = 102"}
    # every arm is asked for by a request of its own
    assert [row["arms"]["B"]["value"] for row in tables["efficacy"]] == ["32.0 %", "7.0 months"]


def test_safety_tells_events_before_what_stopped_treatment_and_deaths(content):
    from dataclasses import replace

    import polars as pl

    one = content.estimates.filter(pl.col("endpoint") == "CRS_grade3plus")
    asked = ("early_death_30d", "CRS_grade3plus", "discontinuation_AE", "CRS_any")
    named = [one.with_columns(endpoint=pl.lit(name), request=pl.lit(place)) for place, name in enumerate(asked)]
    rows = outcome_tables(replace(content, estimates=pl.concat(named, how="vertical_relaxed"), patients=None))["safety"]
    expected = ["CRS, any grade", "CRS, grade 3+", "Stopped for toxicity", "Death within 30 days"]
    assert [row["what"] for row in rows] == expected


def test_arms_are_set_against_each_other_trial_by_trial(content):
    import polars as pl

    higher = content.estimates.with_columns(
        value=pl.when((pl.col("arm") == "A") & (pl.col("endpoint") == "CR"))
        .then(pl.col("value") + 0.1)
        .otherwise(pl.col("value"))
    )
    from dataclasses import replace

    tables = outcome_tables(replace(content, estimates=higher))
    assert tables["pairs"] == ["A vs B"]
    found = {row["what"]: row["cells"]["A vs B"] for row in tables["efficacy"]}
    # both arms of a trial move together by 0.01 a trial: the difference does not scatter
    assert found["CR"] == {"value": "+10.0 points", "interval": "+10.0 to +10.0", "is_apart": True}
    assert found["OS, median"] == {"value": "+0.0 months", "interval": "+0.0 to +0.0", "is_apart": False}


def test_difference_of_medians_that_few_trials_reach_is_not_told(content):
    from dataclasses import replace

    import polars as pl

    late = content.estimates.with_columns(
        value=pl.when((pl.col("arm") == "B") & (pl.col("statistic") == "median") & (pl.col("replicate") < 2))
        .then(math.inf)
        .otherwise(pl.col("value"))
    )
    rows = {row["what"]: row["cells"] for row in outcome_tables(replace(content, estimates=late))["efficacy"]}
    assert rows["OS, median"]["A vs B"]["value"] == "known in 3 of 5 trials"


def test_deaths_are_told_by_cause_as_shares_of_all_randomized(content, patients):
    from dataclasses import replace

    import polars as pl

    caused = patients.with_columns(death_cause=pl.when(pl.col("death_day").is_not_null()).then(pl.lit("infection")))
    rows = outcome_tables(replace(content, patients=caused))["safety"]
    dead = next(row for row in rows if row["what"].startswith("Death from infection"))
    # arm A: one of two died in trial 0, the only one followed in trial 1; arm B: one of one, none of one
    assert (dead["arms"]["A"]["value"], dead["arms"]["B"]["value"]) == ("75.0 %", "50.0 %")


def test_medians_of_a_curve_stand_beside_what_was_published(content):
    rows = survival_facts(content, "OS")
    assert [(row["what"], row["arm"]) for row in rows] == [("Median", "A"), ("Median", "B")]
    assert rows[0]["published"]["published"] == "7.7 months"
    assert rows[1]["published"] is None


def test_figure_that_two_publications_print_stands_once_with_both_sources(content):
    from dataclasses import replace

    first = content.comparisons[0]
    again = dict(first, use="check", published={**first["published"], "source": ["other#S2"]})
    rows = comparison_rows(replace(content, comparisons=[first, again]))
    assert [len(rows), rows[0]["use"]] == [1, "compared"]
    assert [one["name"] for one in rows[0]["links"]] == ["made-up-2020#S1", "other#S2"]
    other = dict(again, published={**first["published"], "value": 0.34})
    assert len(comparison_rows(replace(content, comparisons=[first, other]))) == 2
