"""Patients go to their own next decision, and it does not matter whether anyone looks in between."""

import numpy as np
import polars as pl
import pytest

from engager.protocol import Visits, shipped_protocol
from engager.trial import simulate_trial
from engager.trial.calendar import Calendar
from engager.trial.dosing import DosePlan
from engager.trial.samples import daily_times


@pytest.mark.parametrize("study", ["tower", "swog-s0910"])
def test_stopping_every_patient_every_day_changes_nothing_that_matters(study, monkeypatch):
    protocol = shipped_protocol(study).with_patients(90)
    found = simulate_trial(protocol, replicates=[0, 1], seed=4, n_sampled=0)
    true_next = Calendar.next_decision

    def every_day(self, rows):
        return np.minimum(true_next(self, rows), np.floor(self.course.clock[rows]) + 1.0)

    monkeypatch.setattr(Calendar, "next_decision", every_day)
    daily = simulate_trial(protocol, replicates=[0, 1], seed=4, n_sampled=0, n_threads=1)
    key = ["replicate", "arm", "patient"]
    both = found.patients.join(daily.patients, on=key, suffix="_daily")
    # differences come from the tolerance of the solver alone: of rare patients near a threshold
    for name in ("best_response", "crs_grade", "neurologic_grade", "n_cycles", "death_cause"):
        same = both.select((pl.col(name) == pl.col(f"{name}_daily")) | pl.col(name).is_null()).to_series().mean()
        assert same > 0.96, name
    apart = (both["death_day"] - both["death_day_daily"]).abs()
    assert apart.median() < 0.2
    assert both["death_day"].count() == pytest.approx(both["death_day_daily"].count(), abs=0.03 * both.height)


STEP = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 1,
        "doses": [{"cycles": "1", "days": "1-7", "amount": 9, "unit": "ug/day"},
                  {"cycles": "1", "days": "8-28", "amount": 28, "unit": "ug/day"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("stands", "until"),
    [
        ({"clock": 0.0, "cycle_day": 1}, 7.0),  # the step
        ({"clock": 7.0, "cycle_day": 8}, 14.0),  # the marrow of day 15
        ({"clock": 14.0, "cycle_day": 15}, 28.0),  # the end of the infusion
        ({"clock": 28.0, "cycle_day": 29}, 42.0),  # the end of the cycle
        ({"clock": 8.5, "cycle_day": 9, "restart_days": 2.5}, 11.0),  # the end of the lower dose, in the morning
        ({"clock": 8.5, "cycle_day": 9, "restart_days": 0.0}, 14.0),
        ({"clock": 8.5, "cycle_day": 9, "hold_days": 20.0}, 28.0),
        ({"clock": 8.5, "cycle_day": 9, "hold_days": 20.0, "dexamethasone_days": 2}, 9.0),  # one day's doses at a time
        ({"clock": 9.0, "cycle_day": 10, "hold_days": 20.0, "dexamethasone_days": 1}, 10.0),
        ({"clock": 30.0, "on_treatment": False}, 56.0),  # the clinic
        ({"clock": 30.0, "on_treatment": False, "hsct_planned": 40.5}, 40.5),
        ({"clock": 30.0, "on_treatment": False, "hsct_planned": 40.5, "next_line_day": 37.0}, 37.0),
        ({"clock": 30.0, "on_treatment": False, "hsct_planned": 30.0}, 56.0),  # is done today
        ({"clock": 58.0, "on_treatment": False}, 60.0),  # the end of follow-up
        ({"clock": 58.0, "cycle_day": 17}, 60.0),
    ],
)
def test_the_next_decision_is_the_nearest_of_what_is_planned(ward, stands, until):
    found = ward(n=2, regimen=STEP)
    for name, value in {**stands, "morning": np.floor(stands["clock"])}.items():
        getattr(found.course, name)[1] = value
    plan = DosePlan(found.regimen, *np.ones((2, 2)), found.model)
    calendar = Calendar(found.course, plan, Visits(marrow_days=[15]), 60.0)
    assert calendar.next_decision(found.rows).tolist() == [7.0, until]
    assert calendar.is_marrow_day(np.array([14, 15, 16, 90])).tolist() == [False, True, False, False]
    assert calendar.is_clinic_day(found.rows).tolist() == [True, stands["clock"] % 28 == 0]


def test_counts_on_the_way_are_weekly_mornings_before_the_next_decision(ward):
    found = ward(n=6)
    course = found.course
    calendar = Calendar(course, DosePlan(found.regimen, *np.ones((2, 6)), found.model), Visits(), 700.0)
    # from the first day; within a day; from a morning of counts; on hold; off treatment; with nothing on the way
    course.clock[:] = [0.0, 10.5, 14.0, 10.5, 10.5, 0.0]
    course.morning[:], course.cycle_day[:] = [0, 10, 14, 10, 10, 0], [1, 8, 8, 8, 8, 1]
    course.hold_days[3], course.on_treatment[4] = 20.0, False
    until = np.array([28.0, 31.0, 21.5, 30.5, 30.0, 7.0])
    assert calendar.counts_before(found.rows, until).tolist() == [
        [7.0, 14.0, 21.0], [17.0, 24.0, 31.0], [21.0, 21.5, 21.5], [14.0, 21.0, 28.0], [30.0] * 3, [7.0] * 3,
    ]  # fmt: skip
    assert calendar.counts_before(found.rows[4:], until[4:]).shape == (2, 0)


def relapses_on_the_drug(data):
    """Patient and day of those in whose counts on treatment a relapse was suspected, and then found."""
    suspected = data.visits.filter((pl.col("kind") == "suspected relapse") & pl.col("on_treatment"))
    key = ["replicate", "arm", "patient"]
    found = suspected.join(data.patients.filter(pl.col("relapse_day").is_not_null()), on=key)
    return found.filter(pl.col("day") == pl.col("relapse_day"))


def test_blasts_in_the_counts_of_a_remission_take_off_treatment_that_morning(monkeypatch):
    protocol = shipped_protocol("mt103-206").with_patients(1500)
    data = simulate_trial(protocol, replicates=[0], seed=4, n_sampled=0)
    found = relapses_on_the_drug(data)
    assert found.height >= 3
    ends = data.events.filter((pl.col("event") == "off_study_drug") & (pl.col("detail") == "relapse"))
    key = ["replicate", "arm", "patient"]
    assert found.join(ends, on=[*key, "day"]).height == found.height
    # it is no day on which anything else was planned, and nothing is done before it that came after it
    assert ((found["cycle_day"] - 1) % 7 == 0).all()
    visits = data.visits.join(
        found.select("replicate", "arm", "patient", "relapse_day"), on=["replicate", "arm", "patient"]
    )
    later = visits.filter(pl.col("day") > pl.col("relapse_day"))
    assert not later["on_treatment"].any()

    look_at_counts = Calendar.counts_before
    true_next = Calendar.next_decision

    def stopping_at_counts(self, rows):
        until = true_next(self, rows)
        counts = look_at_counts(self, rows, until)
        return counts[:, 0] if counts.shape[1] else until

    monkeypatch.setattr(Calendar, "next_decision", stopping_at_counts)
    stopped = relapses_on_the_drug(simulate_trial(protocol, replicates=[0], seed=4, n_sampled=0, n_threads=1))
    ours, theirs = (set(one.select("patient", "day").iter_rows()) for one in (found, stopped))
    assert len(ours ^ theirs) <= 1


def test_a_sampled_course_has_every_morning_once():
    data = simulate_trial(shipped_protocol("tower").with_patients(40), replicates=[0], seed=4, n_sampled=5)
    for (arm, patient), course in data.trajectories.group_by("arm", "patient", maintain_order=True):
        days = course["day"].to_numpy()
        np.testing.assert_array_equal(days, np.arange(days.size))
        patients = data.patients.filter((pl.col("arm") == arm) & (pl.col("patient") == patient))
        death = patients["death_day"][0]
        if death is not None:
            assert days[-1] == np.floor(death)
    assert data.trajectories.select("arm", "patient").unique().height == 10


def test_times_of_a_stretch_are_its_mornings():
    times = daily_times(np.array([0.0, 2.5, 3.0]), np.array([3.0, 2.75, 4.0]))
    assert times.tolist() == [[0, 1, 2, 3, 3], [2.5, 2.75, 2.75, 2.75, 2.75], [3, 4, 4, 4, 4]]


def test_events_are_found_at_their_instant_and_act_at_once():
    data = simulate_trial(shipped_protocol("mt103-206").with_patients(300), replicates=[0], seed=2, n_sampled=0)
    holds = data.events.filter((pl.col("event") == "hold") & pl.col("detail").str.contains("toxicity"))
    assert holds.height > 10
    assert (holds["day"] % 1.0 != 0).all()
    restarts = data.events.filter(pl.col("event") == "restart")
    assert (restarts["day"] % 1.0 == 0).all()  # in the morning
    # cycle and visit days stay whole
    on_treatment = data.visits.filter(pl.col("on_treatment"))
    assert (on_treatment["day"] % 1.0 == 0).all()
