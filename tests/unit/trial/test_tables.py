"""What of a patient's course stands in the tables: up to dropout, end of follow-up, data cut and death."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.core import DAYS_PER_MONTH, VISITS
from engager.trial.course import BASELINE, CR, CRH
from engager.trial.tables import TrialData, _calendar_deaths, assemble


@pytest.fixture
def closed(ward):
    """A function: a ward of four after its trial, and its tables; `days` are set on the course."""

    def built(follow_up=None, entry=0.0, watched=400.0, before=lambda ward: None, **days):
        found = ward(follow_up=follow_up or {"months": 24}, regimen="blinatumomab")
        found.recruits.entry_day[:], found.recruits.observable_day[:] = entry, watched
        course = found.course
        for name, value in days.items():
            getattr(course, name)[:] = value
        visit = {one.name: np.full(4, np.nan) for one in VISITS if one.name not in ("replicate", "arm", "patient")}
        visit |= {name: np.ones(4, dtype=int) for name in ("cycle", "cycle_day")}
        visit |= {"row": found.rows, "day": np.zeros(4), "on_treatment": np.ones(4, dtype=bool)}
        course.visits.append({**visit, "kind": np.full(4, BASELINE)})
        before(found)
        return found, assemble(found.protocol, {"a": course})

    return built


def column(data, name):
    return data.patients[name].to_list()


# ---- what is seen ----
def test_nothing_after_the_last_day_of_observation_is_seen(closed):
    _, data = closed(watched=100.0, death_day=[100.0, 100.1, np.nan, 50.0], death_cause=1)
    assert column(data, "death_day") == [100.0, None, None, 50.0]
    assert column(data, "death_cause") == ["leukemia", None, None, "leukemia"]
    assert column(data, "followup_day") == [100.0] * 4


def test_of_what_was_planned_for_after_a_death_nothing_happened(closed):
    _, data = closed(
        death_day=[60.0, 60.0, np.nan, 60.0], relapse_day=[60.0, 61.0, 61.0, np.nan],
        hsct_day=[59.0, 60.5, 60.5, 60.0], hsct_in_response=[True, True, False, True],
    )  # fmt: skip
    assert column(data, "relapse_day") == [60.0, None, 61.0, None]
    assert column(data, "hsct_day") == [59.0, None, 60.5, 60.0]
    assert column(data, "hsct_in_response") == [True, None, False, True]


def test_a_response_that_was_not_seen_is_none(closed):
    _, data = closed(watched=50.0, response_day=[29.0, 57.0, np.nan, 50.0], best=[CR, CR, CR, CRH], response_cycle=2)
    assert column(data, "best_response") == ["CR", "none", "none", "CRh"]
    assert column(data, "response_cycle") == [2, None, None, 2]
    assert column(data, "response_day") == [29.0, None, None, 50.0]


def test_residual_disease_is_told_with_its_day(closed):
    found, data = closed(
        watched=50.0, mrd_day=[29.0, 29.0, 57.0, np.nan], mrd_log10=[-4.1, -3.9, -5.0, np.nan],
        mrd_undetectable=[True, False, True, False],
    )  # fmt: skip
    assert np.log10(found.protocol.visits.mrd.limit) == -4.0
    assert column(data, "mrd_below_limit") == [True, False, None, None]
    assert column(data, "mrd_undetectable") == [True, False, None, None]
    assert column(data, "mrd_log10") == [-4.1, -3.9, None, None]


def test_a_reading_at_the_limit_is_not_below_it(closed):
    _, data = closed(mrd_day=29.0, mrd_log10=-4.0)
    assert column(data, "mrd_below_limit") == [False] * 4


def test_a_relapse_is_told_with_its_site_and_clone(closed):
    _, data = closed(
        relapse_day=[90.0, 90.0, 90.0, np.nan], relapse_is_negative=[True, False, False, True],
        relapse_is_extramedullary=[False, True, False, True],
    )  # fmt: skip
    assert column(data, "relapse_cd19") == ["negative", "positive", "positive", None]
    assert column(data, "relapse_site") == ["marrow", "extramedullary", "marrow", None]


def test_who_was_never_treated_has_no_first_day_and_no_cycle(closed):
    def untreated(found):
        found.recruits.is_treated[1] = False

    found, data = closed(before=untreated, cycle=[1, 1, 3, 99], cycle_day=[5, 5, 1, 2])
    assert column(data, "treated") == [True, False, True, True]
    assert column(data, "start_day") == [0.0, None, 0.0, 0.0]
    # a cycle whose first day never came does not count; no more than the regimen has
    assert column(data, "n_cycles") == [1, 0, 2, found.regimen.cycles]


def test_a_cycle_has_begun_with_its_first_day(closed):
    _, data = closed(cycle=[2, 3, 2, 1], cycle_day=[2, 9, 1, 2])
    assert column(data, "n_cycles") == [2, 3, 1, 1]


def test_who_got_the_first_dose_has_begun_a_cycle(closed):
    _, data = closed(cycle=1, cycle_day=1)
    assert column(data, "n_cycles") == [1] * 4


def test_later_therapy_that_never_came_has_no_day(closed):
    _, data = closed(later_therapy_day=[np.inf, 50.0, 500.0, 400.0], n_lines=[0, 1, 1, 2])
    assert column(data, "later_therapy_day") == [None, 50.0, None, 400.0]
    assert column(data, "later_lines") == [0, 1, 1, 2]


def test_only_events_that_were_seen_count_for_the_worst_grade(closed):
    def struck(found):
        course = found.course
        course.note(found.rows, np.array([5.0, 5.0, 5.0, 5.0]), "crs", 2)
        course.note(found.rows, np.array([50.0, 50.5, 60.0, 50.0]), "crs", np.array([4, 4, 4, 5]))
        course.note(found.rows[:1], 6.0, "neurologic", 3)

    _, data = closed(
        before=struck, watched=50.0, crs_day=5.0, neurologic_day=[6.0, np.nan, np.nan, np.nan],
        death_day=[np.nan, np.nan, np.nan, 5.0],
    )  # fmt: skip
    assert column(data, "crs_grade") == [4, 2, 2, 2]
    assert column(data, "neurologic_grade") == [3, 0, 0, 0]
    events = data.events.filter(pl.col("event") == "crs")
    assert events.select("patient", "day", "grade").rows() == [(0, 5, 2), (0, 50, 4), (1, 5, 2), (2, 5, 2), (3, 5, 2)]


def test_visits_after_the_last_day_are_not_in_the_table(closed):
    def visited(found):
        late = {name: value.copy() for name, value in found.course.visits[0].items()}
        late["day"][:] = [49.0, 50.0, 50.5, 51.0]
        found.course.visits.insert(0, late)

    _, data = closed(before=visited, watched=50.0)
    assert data.visits.select("patient", "day").rows() == [(0, 0), (0, 49), (1, 0), (1, 50), (2, 0), (3, 0)]
    assert data.visits["marrow_blasts_percent"].null_count() == 6


def test_entry_is_told_in_months(closed):
    _, data = closed(entry=[0.0, DAYS_PER_MONTH, 61.0, 0.0])
    assert column(data, "entry_month") == pytest.approx([0.0, 1.0, 61.0 / DAYS_PER_MONTH, 0.0])


def test_failed_patients_are_marked_and_counted(closed):
    _, data = closed(is_failed=[False, True, True, False])
    assert column(data, "failed") == [False, True, True, False]
    assert data.n_failed == 2


# ---- the data cut ----
def test_a_cut_by_time_ends_at_the_same_calendar_day_for_all(closed):
    follow_up = {"months": 24, "accrual_months": 6, "data_cut": {"months": 10}}
    _, data = closed(follow_up, entry=[0.0, 100.0, 300.0, 400.0], watched=250.0)
    cut = 10 * DAYS_PER_MONTH
    assert column(data, "followup_day") == pytest.approx([250.0, cut - 100.0, cut - 300.0])


def test_daily_courses_are_of_those_who_had_entered_however_short_they_were_followed(closed):
    def sampled(found):
        states = np.column_stack([found.course.states, np.full(4, 9.0)])
        found.course.samples.append((found.rows[::-1], np.zeros(4), states))

    follow_up = {"months": 24, "data_cut": {"months": 10}}
    _, data = closed(follow_up, before=sampled, entry=[0.0, 0.0, 0.0, 310.0], watched=[0.0, 0.5, 250.0, 250.0])
    assert data.trajectories.select("patient", "day", "dose_ug_per_day").rows() == [(0, 0, 9), (1, 0, 9), (2, 0, 9)]


def test_a_cut_by_deaths_comes_with_the_death_of_that_number(closed):
    follow_up = {"months": 24, "data_cut": {"deaths": 2}}
    # on the calendar the deaths fall on days 110, 70 and 200; one more is not seen by the study
    _, data = closed(
        follow_up, entry=[100.0, 20.0, 150.0, 0.0], watched=[400.0, 400.0, 400.0, 30.0],
        death_day=[10.0, 50.0, 50.0, 31.0], death_cause=1,
    )  # fmt: skip
    # who entered on day 150 came after the cut
    assert column(data, "patient") == [0, 1, 3]
    assert column(data, "followup_day") == pytest.approx([10.0, 90.0, 30.0], abs=1e-5)
    assert column(data, "death_day") == [10.0, 50.0, None]


@pytest.mark.parametrize(("entry", "patients"), [(303.0, [0, 1, 2, 3]), (304.375, [0, 1, 2]), (305.0, [0, 1, 2])])
def test_who_would_enter_at_the_cut_or_later_is_in_no_table(closed, entry, patients):
    def sampled(ward):
        ward.course.samples.append((ward.rows, np.zeros(4), np.zeros((4, len(ward.course.system.states) + 1))))

    follow_up = {"months": 24, "accrual_months": 12, "data_cut": {"months": 10}}
    _, data = closed(follow_up, entry=[0.0, 0.0, 0.0, entry], before=sampled)
    for table in (data.patients, data.visits, data.trajectories):
        assert table["patient"].to_list() == patients


def test_the_last_of_all_deaths_makes_a_cut_also_on_the_last_day_of_observation(closed):
    follow_up = {"months": 24, "data_cut": {"deaths": 2}}
    _, data = closed(follow_up, watched=[400.0, 60.0, 400.0, 400.0], death_day=[10.0, 60.0, np.nan, np.nan])
    assert column(data, "followup_day") == pytest.approx([60.0] * 4, abs=1e-5)


def test_without_so_many_deaths_there_is_no_cut(closed):
    _, data = closed({"months": 24, "data_cut": {"deaths": 3}}, watched=400.0, death_day=[9.0, 9.0, np.nan, 401.0])
    assert column(data, "followup_day") == [400.0] * 4


def test_deaths_are_counted_in_their_own_replicate(closed):
    found, _ = closed(entry=[5.0, 0.0, 0.0, 0.0], death_day=[10.0, 20.0, np.nan, 30.0])
    found.recruits.replicate[3] = 1
    assert _calendar_deaths(found.course, 0).tolist() == [15.0, 20.0]
    assert _calendar_deaths(found.course, 1).tolist() == [30.0]


# ---- whole tables ----
def test_tables_of_several_calls_are_put_together_by_arm(closed):
    _, one = closed()
    _, two = closed(death_day=30.0)
    whole = TrialData.concatenate([one, two])
    assert whole.patients["patient"].to_list() == [0, 1, 2, 3] * 2
    assert whole.patients["death_day"].to_list() == [None] * 4 + [30.0] * 4
    kept = whole.only_patients()
    assert (kept.patients.height, kept.visits.height, kept.events.height) == (8, 0, 0)
    assert kept.visits.schema == whole.visits.schema


def test_daily_courses_are_sorted_and_read_by_the_models_outputs(closed):
    def sampled(found):
        states = found.course.states[[2, 2, 1]].copy()
        states[:, found.index("IL6")] = [7.0, 5.0, 3.0]
        with_dose = np.concatenate([states, np.array([[28.0], [9.0], [0.0]])], axis=1)
        found.course.samples.append((np.array([2, 2, 1]), np.array([1.0, 0.0, 0.0]), with_dose))

    _, data = closed(before=sampled)
    assert data.trajectories.select("patient", "day", "dose_ug_per_day", "il6_pg_per_mL").rows() == [
        (1, 0.0, 0.0, 3.0), (2, 0.0, 9.0, 5.0), (2, 1.0, 28.0, 7.0),
    ]  # fmt: skip


def test_without_samples_or_events_the_tables_have_their_columns(closed):
    _, data = closed()
    assert (data.trajectories.height, data.events.height) == (0, 0)
    assert data.trajectories.columns[:5] == ["replicate", "arm", "patient", "day", "dose_ug_per_day"]
    assert data.events.columns == ["replicate", "arm", "patient", "day", "event", "grade", "detail"]


def test_who_could_not_be_followed_was_last_seen_where_the_solver_gave_up(closed):
    _, data = closed(watched=100.0, is_failed=[True, True, False, False], clock=[40.0, 200.0, 60.0, 400.0])
    assert column(data, "followup_day") == [40.0, 100.0, 100.0, 100.0]
