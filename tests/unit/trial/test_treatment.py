"""What stops with the study drug, and how days of treatment and of pauses are counted."""

from __future__ import annotations

import numpy as np
import pytest

from engager.trial.course import NO_RESPONSE
from engager.trial.treatment import advance_days, stop_treatment

DOSES = [{"days": "1-7", "amount": 9, "unit": "ug/day"}, {"days": "8-28", "amount": 28, "unit": "ug/day"}]
PLAN = {"drug": "blinatumomab", "cycle_days": 28, "cycles": 3, "doses": DOSES, "toxicity_rules": []}


def test_stopping_ends_all_that_treatment_does_for_those_on_it(ward):
    found = ward(n=3, regimen=PLAN)
    course = found.course
    for values in (course.infusion, course.injected, course.last_dose, course.hold_days, course.hold_dexamethasone):
        values[:] = 2.0
    course.dexamethasone_days[:] = 2
    course.on_treatment[1] = False
    stop_treatment(course, np.array([0, 1]), np.array([12.0, 13.0]), "relapse")
    assert course.on_treatment.tolist() == [False, False, True]
    assert course.treatment_end == pytest.approx([12.0, np.nan, np.nan], nan_ok=True)
    for values in (course.infusion, course.injected, course.last_dose, course.hold_days, course.hold_dexamethasone):
        assert values.tolist() == [0.0, 2.0, 2.0]
    assert course.dexamethasone_days.tolist() == [0, 2, 2]
    assert found.events("off_study_drug") == [(0, 12.0, 0, "relapse")]


def test_days_of_treatment_are_counted_to_the_end_of_the_cycle(ward):
    course = (found := ward(n=2, regimen=PLAN)).course
    course.last_dose[:] = 28.0
    course.clock[:] = [27.9, 28.0]
    assert advance_days(course, found.rows, found.regimen).tolist() == [1]
    assert course.cycle.tolist() == [1, 2]
    assert course.cycle_day.tolist() == [28, 1]
    assert course.morning.tolist() == [27, 28]
    # the first dose of the new cycle is a step up from nothing, and is premedicated
    assert course.last_dose.tolist() == [28.0, 0.0]
    course.clock[:] = [28.0, 30.5]
    assert advance_days(course, found.rows, found.regimen).tolist() == [0]
    assert course.cycle_day.tolist() == [1, 3]


def test_restart_days_run_out_while_the_drug_is_given(ward):
    course = (found := ward(n=2, regimen=PLAN)).course
    course.restart_days[:] = [7.0, 2.0]
    course.clock[:] = 5.0
    advance_days(course, found.rows, found.regimen)
    assert course.restart_days.tolist() == [2.0, 0.0]


@pytest.mark.parametrize(("days", "cycle", "day"), [(7, 1, 11), (8, 2, 1)])
def test_a_pause_longer_than_a_week_starts_a_new_cycle(ward, days, cycle, day):
    course = (found := ward(n=2, regimen=PLAN)).course
    course.cycle_day[:], course.morning[:], course.clock[:] = 11, 10, 10 + days
    course.hold_days[0], course.last_dose[:], course.restart_days[:] = days, 28.0, 7.0
    course.hold_dexamethasone[:], course.dexamethasone_days[:] = 24.0, 2
    ended = advance_days(course, found.rows[:1], found.regimen)
    assert ended.tolist() == ([0] if cycle == 2 else [])
    assert (course.cycle[0], course.cycle_day[0], course.hold_days[0]) == (cycle, day, 0.0)
    # a restart counts as a step; restart days are days of drug, not of the pause
    assert (course.last_dose[0], course.restart_days[0]) == (0.0, 7.0)
    assert (course.hold_dexamethasone.tolist(), course.dexamethasone_days.tolist()) == ([0.0, 24.0], [0, 2])
    assert found.events("restart") == [(0, 10.0 + days, 0, "")]
    assert course.cycle_day[1] == 11  # who was not asked for has not moved


def test_a_pause_goes_on_until_its_last_day_is_over(ward):
    course = (found := ward(n=1, regimen=PLAN)).course
    course.hold_days[:] = 5.0
    for day, left in ((4.0, 1.0), (5.0, 0.0)):
        assert not found.events("restart")
        course.clock[:] = day
        advance_days(course, found.rows, found.regimen)
        assert (course.hold_days[0], course.hold_total[0], course.cycle_day[0]) == (left, day, 1)
    assert found.events("restart") == [(0, 5.0, 0, "")]


def test_a_wait_between_courses_of_chemotherapy_starts_no_new_cycle(ward):
    course = (found := ward(n=1, regimen="flag")).course
    course.hold_days[:], course.clock[:] = 14.0, 14.0
    assert advance_days(course, found.rows, found.regimen).size == 0
    assert (course.cycle[0], course.cycle_day[0]) == (1, 1)
    assert course.remission[0] == NO_RESPONSE
