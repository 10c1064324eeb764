"""Figures in one spelling and one unit."""

from __future__ import annotations

import pytest

from engager.evidence import load_records, record


def _outcomes(record_id, **wanted):
    return [
        outcome
        for outcome in record(record_id).outcomes
        if all(getattr(outcome, key) == value for key, value in wanted.items())
    ]


def test_tower_complete_remission_keeps_count_interval_and_source():
    (outcome,) = _outcomes("tower-2017", arm="blinatumomab", endpoint="CR", statistic="proportion")
    assert (outcome.events, outcome.n, outcome.value) == (91, 271, 0.34)
    assert (outcome.low, outcome.high, outcome.window_weeks) == (0.28, 0.395, 12)
    assert outcome.source == ("S1", "S7")
    assert "abstract" in outcome.source_text
    assert outcome.population == "randomized"


def test_tower_hazard_ratio_is_an_outcome_of_two_arms():
    (outcome,) = _outcomes("tower-2017", endpoint="OS", statistic="hazard_ratio")
    assert outcome.arm == "blinatumomab vs chemotherapy"
    assert (outcome.value, outcome.low, outcome.high, outcome.unit) == (0.71, 0.55, 0.93, "ratio")


def test_survival_of_a_whole_arm_takes_the_arm_n_and_says_so():
    (outcome,) = _outcomes("tower-2017", arm="blinatumomab", endpoint="OS", statistic="median")
    assert (outcome.value, outcome.n, outcome.is_n_of_arm) == (7.7, 271, True)
    (duration,) = _outcomes("tower-2017", arm="blinatumomab", endpoint="DoR")
    assert duration.n is None


def test_safety_of_tower_is_by_treatment():
    (outcome,) = _outcomes(
        "tower-2017", arm="blinatumomab", endpoint="CRS_grade3plus", window=None, statistic="proportion"
    )
    assert (outcome.events, outcome.n, outcome.population) == (13, 267, "treated")
    assert outcome.value == pytest.approx(13 / 267)
    assert outcome.low is None


def test_weeks_and_days_become_months():
    (outcome,) = _outcomes("deangelo-2007", arm="nelarabine", endpoint="OS", statistic="median")
    assert outcome.value == pytest.approx(20 * 7 / (365.25 / 12))
    assert outcome.low == pytest.approx(13 * 7 / (365.25 / 12))
    (response,) = _outcomes("goebeler-2011", endpoint="DoR")
    assert response.value == pytest.approx(404 * 12 / 365.25)
    assert response.high == pytest.approx(1129 * 12 / 365.25)


def test_days_to_onset_stay_days():
    (outcome,) = _outcomes("topp-2015-phase2", endpoint="neurologic_onset")
    assert (outcome.value, outcome.unit, outcome.statistic) == (9, "days", "median")


def test_spellings_of_one_endpoint_become_one():
    assert _outcomes("obrien-2013-vsli", endpoint="anemia_grade3plus")
    assert not _outcomes("obrien-2013-vsli", endpoint="anaemia_grade3plus")


def test_figure_in_words_has_no_value():
    for outcome in _outcomes("tower-2017", statistic="text"):
        assert outcome.value is None
        assert outcome.note


def test_median_not_reached_has_an_open_interval_and_no_value():
    (outcome,) = _outcomes("blast-2014", subgroup="complete MRD responders, landmark day 45", endpoint="OS")
    assert (outcome.value, outcome.low, outcome.high) == (None, 29.5, None)


def test_interval_of_another_level_says_so():
    (outcome,) = _outcomes(
        "ino-vate-2016", endpoint="OS", statistic="hazard_ratio", definition="final report, one-sided p"
    )
    assert (outcome.value, outcome.low, outcome.high, outcome.level) == (0.75, 0.57, 0.99, 0.975)


def test_shares_are_fractions_and_inside_their_intervals():
    for entry in load_records().values():
        for outcome in entry.outcomes:
            if outcome.unit == "fraction" and outcome.value is not None and outcome.statistic != "difference":
                assert 0 <= outcome.value <= 1, outcome
            if outcome.value is not None and outcome.low is not None:
                assert outcome.low <= outcome.value, outcome
            if outcome.value is not None and outcome.high is not None:
                assert outcome.value <= outcome.high, outcome


def test_every_outcome_has_a_source_and_a_known_endpoint_or_definition():
    from engager.evidence import endpoint

    for entry in load_records().values():
        for outcome in entry.outcomes:
            assert outcome.source, outcome
            assert outcome.source_text, outcome
            assert endpoint(outcome.endpoint).known or outcome.definition or outcome.note, outcome
