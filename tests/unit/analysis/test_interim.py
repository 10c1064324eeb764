"""What is known on a calendar day is what the simulator's own data cut would show."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engager.analysis import EndpointRequest, shares_in_order
from engager.analysis.interim import cut_patients, day_of_events
from engager.analysis.simulated_looks import looks_at_times
from engager.core import DAYS_PER_MONTH
from engager.protocol import read_protocol
from engager.trial import simulate_trial

STUDY = """
study: cut
simulated_only: true
arms:
  a: {n: 14, regimen: blinatumomab, never_treated: 0.1}
  b: {n: 7, regimen: flag}
follow_up: {months: 6, accrual_months: 4, dropout_per_year: 0.3}
endpoints: [{id: CR, window_weeks: 8}, OS]
"""
OS = EndpointRequest("OS", "hazard_ratio", treatment="a", control="b")


def simulated(follow_up=""):
    protocol = read_protocol(STUDY.replace("dropout_per_year: 0.3", f"dropout_per_year: 0.3{follow_up}"))
    return simulate_trial(protocol, replicates=range(3), seed=4, n_sampled=0).patients


@pytest.fixture(scope="module")
def patients():
    return simulated()


def test_a_cut_is_the_data_cut_of_the_simulator(patients):
    there = simulated(", data_cut: {months: 5}").filter(pl.col("entry_month") < 5)
    here = cut_patients(patients, np.full(3, 5 * DAYS_PER_MONTH))
    # What the protocol gave is not cut, only what was observed. Which grades had come by then a patients table does
    # not hold; designs refuse adverse events as endpoints.
    grades = ("crs_grade", "neurologic_grade")
    assert_frame_equal(here.drop(grades), there.drop(grades), abs_tol=1e-9)
    assert here["death_day"].null_count() > patients["death_day"].null_count()


def test_the_day_of_an_event_count_is_the_first_such_day(patients):
    days = day_of_events(patients, OS, 5)
    for replicate, day in enumerate(days):
        one = patients.filter(pl.col("replicate") == replicate)
        calendar = (one["entry_month"] * DAYS_PER_MONTH + one["death_day"]).drop_nulls().sort()
        expected = np.ceil(calendar[4]) if len(calendar) >= 5 else np.inf
        assert day == expected


def test_never_so_many_events_is_never(patients):
    assert np.all(np.isinf(day_of_events(patients, OS, 1000)))


def test_patients_stand_in_the_order_of_their_entry(patients):
    requests = {arm: EndpointRequest("CR", arm=arm, window_days=56.0) for arm in ("a", "b")}
    ordered = shares_in_order(patients, requests, {"a": 56.0, "b": 56.0})
    assert ordered.counted.shape == (3, 21)
    assert np.all(np.diff(ordered.entry_day, axis=1) >= 0)
    assert np.all(ordered.treated.sum(axis=1) == 14)
    by_day = patients.filter((pl.col("arm") == "a") & (pl.col("cr_day") <= 56)).height
    assert (ordered.event & ordered.treated).sum() == by_day
    assert np.allclose(ordered.known_day - ordered.entry_day, 56.0)


def test_who_enters_at_once_comes_in_the_arms_proportion(patients):
    together = patients.with_columns(entry_month=pl.lit(0.0))
    requests = {arm: EndpointRequest("CR", arm=arm, window_days=56.0) for arm in ("a", "b")}
    ordered = shares_in_order(together, requests, {"a": 56.0, "b": 56.0})
    assert np.all(ordered.treated[:, :9].sum(axis=1) == 6)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_look_before_the_first_entry_of_a_trial_finds_nobody_in_it(patients, share):
    first = patients.group_by("replicate").agg(pl.col("entry_month").min()).sort("replicate")["entry_month"]
    month = float(first.min() + share * (first.max() - first.min()))
    trials = looks_at_times(patients, OS, ["a", "b"], (), month)
    there = patients.filter(pl.col("entry_month") * DAYS_PER_MONTH < month * DAYS_PER_MONTH)
    counts = [there.filter(pl.col("replicate") == replicate).height for replicate in range(3)]
    assert 0 in counts
    assert trials.patients[:, 0].tolist() == counts
    assert np.isnan(trials.statistic[np.array(counts) == 0]).all()
