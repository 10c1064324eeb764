"""Numbers and endpoints as readers see them; rows of the tables."""

import math

import pytest

from engager.report.tables import anchor, comparison_rows, links, missed_rows, outcome_tables, participant_flow
from engager.report.words import interval, number, unit_words, what


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
    assert spoken == "CR (age years ≥ 65)"


def test_micro_is_written_only_where_it_is_one():
    assert unit_words("ug/day") == "µg/day"
    assert unit_words("cells/uL") == "cells/µL"
    assert unit_words("number/unit") == "number/unit"


def test_sources_are_linked_when_the_page_lists_them(content):
    found = links(["made-up-2020#S1", "other"], content.sources)
    assert found[0] == {"text": "made-up-2020#S1", "anchor": "source-made-up-2020"}
    assert found[1] == {"text": "other", "anchor": ""}
    assert links(None, content.sources) == []
    assert anchor("Tower 2017#S1") == "source-tower-2017"


def test_comparison_row_holds_both_sides(content):
    row = comparison_rows(content)[0]
    assert (row["published"], row["published_interval"], row["n"]) == ("33.6 %", "28.0 to 39.5", "n = 271")
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
    assert [row["what"] for row in tables["safety"]] == ["CRS, grade 3+"]
    cell = tables["efficacy"][0]["cells"]["A"]
    assert cell == {"value": "32.0 %", "interval": "30.0 to 34.0", "n": "n = 102"}
    # every arm is asked for by a request of its own
    assert [row["cells"]["B"]["value"] for row in tables["efficacy"]] == ["32.0 %", "7.0 months"]


def test_flow_counts_patients_by_replicate_without_failed_ones(patients):
    flow = participant_flow(patients, ["A", "B"])
    steps = {step["name"]: step for step in flow["A"]}
    # replicate 0 has two patients in arm A, replicate 1 one and one failed
    assert (steps["randomized"]["count"], steps["randomized"]["range"]) == ("2", "1 to 2")
    assert steps["CR, CRh or CRi"]["count"] == "1"
    assert steps["died while observed"]["count"] == "1"
    assert steps["simulation failed (left out)"]["range"] == "0 to 1"
    assert "simulation failed (left out)" not in {step["name"] for step in flow["B"]}
