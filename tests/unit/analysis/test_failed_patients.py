"""Patients whose simulation failed: left out, or counted as last seen without the event, or with it."""

from __future__ import annotations

import pytest

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.core import DAYS_PER_MONTH

MONTH = DAYS_PER_MONTH


@pytest.fixture
def table(patients):
    """Four who die after 1, 2, 3 and 5 months, and one whose simulation failed after 4."""
    rows = [{"death_day": k * MONTH, "death_cause": "leukemia", "followup_day": 12 * MONTH} for k in (1, 2, 3, 5)]
    return patients(*rows, {"failed": True, "followup_day": 4 * MONTH})


@pytest.mark.parametrize(
    ("failed", "n", "events", "at_4", "median"),
    # of four 1/4 is left after 3 months; of five 2/5, and a death at 4 months leaves 1/5
    [("left_out", 4, 4, 0.25, 2.5), ("censored", 5, 4, 0.4, 3.0), ("event", 5, 5, 0.2, 3.0)],
)
def test_survival_with_a_failed_patient(table, failed, n, events, at_4, median):
    asked = [EndpointRequest("OS", "survival_at", time_months=4.5), EndpointRequest("OS", "median")]
    found = estimate_endpoints(table, asked, failed=failed)
    assert found["value"].to_list() == pytest.approx([at_4, median])
    assert found["n"].to_list() == [n] * 2
    assert found["events"].to_list() == [events] * 2
    assert found["n_failed"].to_list() == [1] * 2


def test_what_a_failed_patient_had_before_is_not_had_twice(patients):
    table = patients({"failed": True, "death_day": 30.0, "death_cause": "infection", "followup_day": 60.0}, {})
    for failed, events in (("left_out", 0), ("censored", 1), ("event", 1)):
        assert estimate_endpoints(table, ["OS"], failed=failed)["events"].to_list() == [events]


def test_a_rounding_after_the_landmark_is_at_the_landmark_and_the_last_day_is_in_time(patients):
    late = {"death_day": MONTH + 3e-7, "death_cause": "leukemia", "followup_day": MONTH + 3e-7}
    table = patients(late, {"followup_day": 2 * MONTH})
    asked = [EndpointRequest("OS", "survival_at", time_months=1.0)]
    assert estimate_endpoints(table, asked)["value"].to_list() == [0.5]


def test_replicates_worked_out_in_groups_give_what_all_of_them_give_at_once(patients, monkeypatch):
    rows = [
        {"replicate": r, "death_day": (1 + r + k) * MONTH, "followup_day": 30 * MONTH} for r in range(7) for k in (0, 3)
    ]
    table = patients(*[{**row, "death_cause": "leukemia"} for row in rows])
    at_once = estimate_endpoints(table, ["OS", "early_death_30d"])
    assert at_once["replicate"].n_unique() == 7
    for most in (1, 4, 5, 13):
        monkeypatch.setattr("engager.analysis.estimate._MOST_TOGETHER", most)
        assert estimate_endpoints(table, ["OS", "early_death_30d"]).equals(at_once)
