"""What is given on a day, and the actions that tell the engine: worked out by hand from the regimen."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import Action
from engager.trial.dosing import ActionList, DosePlan, give_courses, plan_day, planned_actions
from engager.trial.treatment import advance_days

ADD, SET = int(Action.ADD_TO_STATE), int(Action.SET_INPUT)
STEP = [{"cycles": "1", "days": "1-7", "amount": 9, "unit": "ug/day"},
        {"cycles": "1", "days": "8-28", "amount": 28, "unit": "ug/day"},
        {"cycles": "2-3", "days": "1-28", "amount": 28, "unit": "ug/day"}]  # fmt: skip
INFUSED = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 3, "doses": STEP,
           "premedication": {"dexamethasone_mg": 20}}  # fmt: skip
INJECTED = {"drug": "blinatumomab", "route": "subcutaneous", "cycle_days": 14, "cycles": 2,
            "doses": [{"days": [1, 3, 8], "amount": 100, "unit": "ug"}, {"days": [10], "amount": 250, "unit": "ug"}],
            "premedication": {"dexamethasone_mg": 8}}  # fmt: skip
SIZES = np.array([70.0, 20.0]), np.array([1.8, 0.8])


@pytest.fixture
def clinic(ward):
    """A function: a ward of two and the plan of its regimen, everybody on a day of a cycle in the morning."""

    def opened(regimen, cycle=1, cycle_day=1, day=0.0, **course):
        found = ward(n=2, regimen=regimen)
        plan = DosePlan(found.regimen, *SIZES, found.model)
        found.course.cycle[:], found.course.cycle_day[:] = cycle, cycle_day
        found.course.clock[:], found.course.morning[:] = day, day
        for name, value in course.items():
            getattr(found.course, name)[:] = value
        return found, plan

    return opened


def give(ward, plan, rows=None):
    plan_day(ward.course, plan, ward.rows if rows is None else rows, ward.actions)
    return ward.done()


def plan_of(ward, regimen):
    found = ward(n=2, regimen=regimen)
    return DosePlan(found.regimen, *SIZES, found.model)


# ---- the plan ----
def test_an_amount_is_that_of_the_day_of_the_cycle(ward):
    plan, both = plan_of(ward, INFUSED), np.arange(2)
    for cycle, day, amount in ((1, 1, 9), (1, 7, 9), (1, 8, 28), (1, 28, 28), (1, 29, 0), (1, 42, 0), (2, 1, 28)):
        assert plan.amount(both, np.full(2, cycle), np.full(2, day)).tolist() == [amount] * 2
    # each patient has a place of their own; past the end of the cycle there is nothing
    assert plan.amount(both, np.array([1, 2]), np.array([3, 3])).tolist() == [9.0, 28.0]
    assert plan.amount(both, np.array([1, 1]), np.array([43, 8])).tolist() == [0.0, 28.0]
    assert plan.amount(np.array([1]), np.array([1]), np.array([8])).tolist() == [28.0]


def test_amounts_per_m2_follow_the_patient(ward):
    doses = [{"days": "1-28", "amount": 15, "unit": "ug/m2/day", "cap": 25}]
    plan = plan_of(ward, {**INFUSED, "doses": doses})
    assert plan.amount(np.arange(2), np.ones(2, dtype=int), np.ones(2, dtype=int)) == pytest.approx([25.0, 12.0])
    assert plan.lowest == pytest.approx([25.0, 12.0])


def test_the_lowest_dose_is_of_the_first_cycle_and_not_nothing(ward):
    assert plan_of(ward, INFUSED).lowest.tolist() == [9.0, 9.0]
    assert plan_of(ward, INJECTED).lowest.tolist() == [100.0, 100.0]
    assert plan_of(ward, "flag").lowest.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("cycle", "day", "change"), [(1, 1, 8), (1, 7, 8), (1, 8, 29), (1, 29, np.inf), (2, 1, 29), (3, 28, 29)]
)
def test_rates_change_where_the_plan_does(ward, cycle, day, change):
    assert plan_of(ward, INFUSED).next_change(np.array([cycle]), np.array([day])).tolist() == [change]


@pytest.mark.parametrize("asked_first", [1, 3, 4])
def test_cycles_that_are_alike_are_tabulated_once_whichever_is_asked_first(ward, asked_first):
    plan = plan_of(ward, INFUSED)
    plan.next_change(np.array([asked_first]), np.array([1]))
    cycles, first_day = np.array([1, 2, 3, 4]), np.ones(4, dtype=np.int64)
    assert plan.amount(np.zeros(4, dtype=np.int64), cycles, first_day).tolist() == [9.0, 28.0, 28.0, 0.0]
    assert plan.next_change(cycles, first_day).tolist() == [8.0, 29.0, 29.0, np.inf]
    assert plan._cycle(2) is plan._cycle(3)


def test_changes_of_patients_in_other_cycles_are_their_own(ward):
    found = plan_of(ward, INFUSED).next_change(np.array([1, 2, 1]), np.array([2, 2, 10]))
    assert found.tolist() == [8.0, 29.0, 29.0]


@pytest.mark.parametrize(("day", "change"), [(1, 2), (2, 3), (3, 4), (4, 8), (8, 9), (9, 10), (10, 11), (11, np.inf)])
def test_an_injection_and_the_morning_after_it_are_changes(ward, day, change):
    assert plan_of(ward, INJECTED).next_change(np.array([1]), np.array([day])).tolist() == [change]


def course_regimen(days):
    return {"drug": "chemotherapy", "cycle_days": 28, "cycles": 2,
            "course": [{"drug": "cytarabine", "dose": 1, "days": days}]}  # fmt: skip


@pytest.mark.parametrize(("days", "first", "last", "amount"), [("1-5", 1, 5, 1.0), ("1-10", 1, 10, 0.5)])
def test_a_course_gives_the_same_whole_over_its_days(ward, days, first, last, amount):
    plan = plan_of(ward, course_regimen(days))
    assert plan.course_amount == amount
    on = np.arange(1, 29)
    given = plan.course_day(np.full(28, 2), on)
    assert on[given].tolist() == list(range(first, last + 1))
    assert not plan.course_day(np.full(28, 3), on).any()
    # the engine is told of the whole course: none of its days is a change
    changes = plan.next_change(np.full(3, 1), np.array([0, first, last]))
    assert changes.tolist() == [np.inf] * 3


def test_a_single_course_is_a_course(ward):
    plan = plan_of(ward, {**course_regimen("1-4"), "cycles": 1})
    assert plan.course_amount == 5 / 4
    assert plan.course_day(np.ones(5, dtype=int), np.arange(1, 6)).tolist() == [True] * 4 + [False]


def test_only_an_infusion_is_a_rate(ward):
    for regimen, rate in ((INFUSED, 28.0), (INJECTED, 0.0), ("flag", 0.0)):
        found = ward(n=2, regimen=regimen)
        inputs = np.zeros((2, len(found.model.system.inputs)))
        DosePlan(found.regimen, *SIZES, found.model).set_rates(inputs, np.full(2, 28.0))
        assert inputs.sum() == 2 * rate


# ---- the list of actions ----
def test_actions_are_handed_over_by_patient_and_time_in_the_order_given():
    actions = ActionList()
    actions.add(np.array([7, 3]), 2.0, Action.ADD_TO_STATE, 5, np.array([1.0, 2.0]))
    actions.add(np.array([3]), np.array([1.0]), Action.SET_STATE, 6, 3.0)
    actions.add(np.array([9]), 0.0, Action.ADD_TO_STATE, 5, 4.0)  # of a patient who is not asked for
    actions.add(np.array([3]), 2.0, Action.MULTIPLY_STATE, 7, 5.0)
    actions.add(np.array([1]), 0.0, Action.MULTIPLY_STATE, 7, 9.0)
    actions.add(np.zeros(0, dtype=int), 0.0, Action.MULTIPLY_STATE, 7, 9.0)
    schedule = actions.schedule(np.array([3, 5, 7]))
    assert schedule.offsets.tolist() == [0, 3, 3, 4]
    assert schedule.time.tolist() == [1.0, 2.0, 2.0, 2.0]
    assert schedule.index.tolist() == [6, 5, 7, 5]
    assert schedule.value.tolist() == [3.0, 2.0, 5.0, 1.0]
    assert schedule.action.tolist() == [int(Action.SET_STATE), ADD, int(Action.MULTIPLY_STATE), ADD]


def test_no_actions_are_an_empty_list_for_each():
    assert ActionList().schedule(np.arange(3)).offsets.tolist() == [0, 0, 0, 0]
    actions = ActionList()
    actions.add(np.array([4]), 0.0, Action.ADD_TO_STATE, 5, 1.0)
    assert actions.schedule(np.zeros(0, dtype=int)).offsets.tolist() == [0]


# ---- a day ----
def dexamethasone(ward, done):
    return [(who, time, value) for who, time, what, where, value in done if (what, where) == (ADD, ward.index("dex"))]


def test_the_first_dose_is_premedicated_and_runs_from_the_morning(clinic):
    ward, plan = clinic(INFUSED)
    done = give(ward, plan)
    assert dexamethasone(ward, done) == [(0, 0.0, 20.0), (1, 0.0, 20.0)]
    assert len(done) == 2
    assert ward.course.infusion.tolist() == [9.0, 9.0]
    assert ward.course.last_dose.tolist() == [9.0, 9.0]
    assert ward.course.injected.tolist() == [0.0, 0.0]
    assert not ward.events("dose_step")


@pytest.mark.parametrize(
    ("before", "premedicated", "is_step"),
    [(28.0, False, False), (27.0, True, True), (0.0, True, False), (29.0, False, False), (28.0 - 1e-12, False, False),
     (0.5, True, True)],
)  # fmt: skip
def test_only_more_than_the_day_before_is_a_step(clinic, before, premedicated, is_step):
    ward, plan = clinic(INFUSED, cycle_day=8, day=7.0, last_dose=before)
    done = give(ward, plan)
    assert [row for row, *_ in dexamethasone(ward, done)] == ([0, 1] if premedicated else [])
    assert ward.events("dose_step") == ([(0, 7.0, 0, ""), (1, 7.0, 0, "")] if is_step else [])
    assert ward.course.infusion.tolist() == [28.0, 28.0]


def test_nothing_is_given_on_hold_but_what_the_rule_names(clinic):
    ward, plan = clinic(
        INFUSED, cycle_day=10, day=9.0, last_dose=28.0, hold_days=[1.0, 0.0], hold_dexamethasone=24.0,
        dexamethasone_days=1,
    )  # fmt: skip
    done = give(ward, plan)
    assert ward.course.infusion.tolist() == [0.0, 28.0]
    assert ward.course.dexamethasone_days.tolist() == [0, 1]
    assert dexamethasone(ward, done) == [(0, 9.0, 8.0), (0, 9.0 + 1 / 3, 8.0), (0, 9.0 + 2 / 3, 8.0)]
    # the days of the rule are over; the hold goes on
    assert give(ward, plan) == []


@pytest.mark.parametrize(("restart_days", "given"), [(0.0, 28.0), (1.0, 9.0), (7.0, 9.0)])
def test_a_restart_is_at_the_lowest_dose(clinic, restart_days, given):
    ward, plan = clinic(INFUSED, cycle=2, cycle_day=10, restart_days=restart_days)
    give(ward, plan)
    assert ward.course.infusion.tolist() == [given] * 2


def test_a_restart_of_a_small_dose_is_at_the_lowest_dose_too(clinic):
    small = [{"days": "1-7", "amount": 0.2, "unit": "ug/day"}, {"days": "8-28", "amount": 0.5, "unit": "ug/day"}]
    ward, plan = clinic({**INFUSED, "doses": small}, cycle=2, cycle_day=10, restart_days=7.0)
    give(ward, plan)
    assert ward.course.infusion.tolist() == [0.2] * 2


def test_a_restart_never_gives_more_than_the_plan(clinic):
    ward, plan = clinic(INFUSED, cycle=1, cycle_day=30, restart_days=7.0)
    give(ward, plan)
    assert ward.course.infusion.tolist() == [0.0, 0.0]


def test_injections_are_given_in_the_morning_of_their_days(clinic):
    ward, plan = clinic(INJECTED, cycle_day=[8, 9], day=7.0, last_dose=100.0, infusion=5.0)
    done = give(ward, plan)
    assert done == [(0, 7.0, ADD, ward.index("depot"), 100.0)]
    assert ward.course.injected.tolist() == [100.0, 0.0]
    assert ward.course.infusion.tolist() == [0.0, 0.0]
    # days between injections are no interruption
    assert ward.course.last_dose.tolist() == [100.0, 100.0]


def test_a_small_injection_is_given(clinic):
    ward, plan = clinic({**INJECTED, "doses": [{"days": [1, 3], "amount": 0.5, "unit": "ug"}]}, cycle_day=1)
    done = give(ward, plan)
    assert [value for _, _, what, where, value in done if where == ward.index("depot")] == [0.5, 0.5]


def test_a_larger_injection_is_a_step(clinic):
    ward, plan = clinic(INJECTED, cycle_day=10, day=9.0, last_dose=[100.0, 250.0])
    done = give(ward, plan)
    assert dexamethasone(ward, done) == [(0, 9.0, 8.0)]
    assert [value for _, _, what, where, value in done if where == ward.index("depot")] == [250.0, 250.0]
    assert ward.events("dose_step") == [(0, 9.0, 0, "")]


def give_course(ward, plan, until, fresh=True):
    """Days of chemotherapy: (patient, time); the doses themselves are checked here."""
    give_courses(ward.course, plan, ward.rows, np.full(2, fresh), np.full(2, until), ward.actions)
    given = ward.done()
    assert {one[2:] for one in given} <= {(ADD, ward.index("chemo_drug"), 1.0)}
    return [(row, time) for row, time, *_ in given]


def test_the_days_of_a_course_are_given_up_to_the_next_decision_unless_one_waits(clinic):
    ward, plan = clinic(course_regimen("1-5"), cycle=2, cycle_day=3, day=30.0, hold_days=[0.0, 1.0])
    assert give(ward, plan) == []
    assert give_course(ward, plan, 56.0) == [(0, 30.0), (0, 31.0), (0, 32.0)]
    assert give_course(ward, plan, 32.0) == [(0, 30.0), (0, 31.0)]
    assert give_course(ward, plan, 56.0, fresh=False) == [(0, 31.0), (0, 32.0)]
    # struck within the third day, after that day's dose
    ward.course.clock[:] = 30.5
    assert give_course(ward, plan, 56.0) == [(0, 31.0), (0, 32.0)]
    assert ward.course.infusion.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("cycle", "cycle_day", "n_days"), [(1, 1, 5), (2, 5, 1), (2, 6, 0), (3, 1, 0)])
def test_a_course_has_its_days_in_every_cycle_that_is_planned(clinic, cycle, cycle_day, n_days):
    ward, plan = clinic(course_regimen("1-5"), cycle=cycle, cycle_day=cycle_day)
    assert give_course(ward, plan, 28.0) == [(row, float(day)) for row in (0, 1) for day in range(n_days)]
    ward.course.on_treatment[:] = False
    assert give_course(ward, plan, 28.0) == []


def test_an_engager_has_no_course(clinic):
    ward, plan = clinic(INFUSED)
    assert give_course(ward, plan, 28.0) == []


def test_only_those_asked_for_are_dosed(clinic):
    ward, plan = clinic(INFUSED)
    assert {row for row, *_ in give(ward, plan, np.array([1]))} == {1}
    assert ward.course.infusion.tolist() == [0.0, 9.0]


def test_what_is_planned_is_what_a_patient_without_events_gets(clinic):
    """Two cycles by `plan_day` and `give_courses` day by day, and all at once by `planned_actions`: the same doses."""
    for regimen in (INFUSED, INJECTED, course_regimen("2-6")):
        ward, plan = clinic(regimen)
        course, until = ward.course, 2 * ward.regimen.cycle_days
        rates = []
        for day in range(until):
            course.clock[:] = day
            plan_day(course, plan, ward.rows, ward.actions)
            give_courses(course, plan, ward.rows, np.full(2, True), np.full(2, day + 1.0), ward.actions)
            rates.append(course.infusion.copy())
            course.clock[:] = day + 1
            advance_days(course, ward.rows, ward.regimen)
        daily = ward.done()
        schedule = planned_actions(ward.regimen, *SIZES, float(until), ward.model)
        who = np.repeat(ward.rows, np.diff(schedule.offsets))
        planned = list(zip(who.tolist(), schedule.time.tolist(), schedule.action.tolist(), schedule.index.tolist(),
                           schedule.value.tolist(), strict=True))  # fmt: skip
        assert [one for one in planned if one[2] != SET] == daily
        running = np.zeros(2)
        for day, rate in enumerate(rates):
            for row, time, action, where, value in planned:
                if action == SET and time == day:
                    assert where == ward.index("infusion")
                    assert value != running[row]
                    running[row] = value
            assert running.tolist() == rate.tolist()


@pytest.mark.parametrize(("until", "last"), [(7.0, 6.0), (7.5, 7.0), (8.0, 7.0)])
def test_doses_that_begin_later_are_left_out(ward, until, last):
    found = ward(n=1, regimen=course_regimen("1-14"))
    schedule = planned_actions(found.regimen, np.array([70.0]), np.array([1.8]), until, found.model)
    assert schedule.time.max() == last


def test_a_model_without_dexamethasone_is_dosed_all_the_same(clinic, monkeypatch):
    ward, plan = clinic(INFUSED, hold_days=[1.0, 0.0], dexamethasone_days=[1, 0], hold_dexamethasone=24.0)
    monkeypatch.setattr(plan, "places", type(plan.places)(plan.places.drug, None))
    assert give(ward, plan) == []
    assert ward.course.infusion.tolist() == [0.0, 9.0]
