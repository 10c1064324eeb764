"""Line after line of later therapy: who gets one, when it begins, what it takes, when it is judged."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import Action
from engager.trial.course import CR
from engager.trial.later_therapy import LaterTherapy
from engager.trial.regimen_strength import strength_of

FIRST = {"id": "first", "share": 0.6, "delay_days": 21, "log10_kill": 2.0, "log10_kill_sd": 1.0}
SECOND = {"id": "second", "agent": "antibody", "share": 0.3, "delay_days": 10, "log10_kill": 1.0, "log10_kill_sd": 0.5}


@pytest.fixture
def clinic(ward):
    def opened(lines=(FIRST, SECOND), reached=0.0, kill=0.0, values=None):
        draws = {"later-therapy": reached, "later-kill": kill}
        found = ward(draws=draws, later_therapy={"lines": list(lines)})
        found.values.assumption.update(values or {})
        found.course.clock[:] = 30.0
        return found, LaterTherapy(found.course, found.protocol.later_therapy, found.assumed)

    return opened


def test_a_draw_below_the_share_brings_the_line_after_its_delay(clinic):
    ward, therapy = clinic(reached=[[0.59, 1.0], [0.61, 0.0], [0.59, 1.0], [0.59, 1.0]])
    ward.course.hsct_planned[2], ward.course.next_line_day[3] = 40.0, 35.0
    therapy.plan(ward.rows)
    assert ward.course.next_line_day == pytest.approx([51.0, np.nan, np.nan, 35.0], nan_ok=True)
    assert ward.course.lines_ended.tolist() == [False, True, False, False]


def test_who_gets_nothing_more_is_not_asked_again(clinic):
    ward, therapy = clinic()
    ward.course.lines_ended[0] = True
    therapy.plan(ward.rows)
    assert np.isnan(ward.course.next_line_day[0])


def test_a_line_is_judged_before_the_next_is_planned(clinic):
    ward, therapy = clinic(reached=[[1.0, 0.29], [1.0, 0.29], [1.0, 0.31], [1.0, 0.0]])
    course = ward.course
    course.later_line[:], course.line_day[:] = [1, 1, 1, 2], [2.1, 2.0, 2.0, 0.0]
    therapy.plan(ward.rows)
    # 27.9 and 28 days after the first line began; the third has no draw for it, the fourth has had all lines
    assert course.next_line_day == pytest.approx([np.nan, 40.0, np.nan, np.nan], nan_ok=True)
    assert course.lines_ended.tolist() == [False, False, True, True]


def test_shares_move_on_their_odds(clinic):
    for draw, goes_on in ((0.6 * 2 / (0.6 * 2 + 0.4) - 1e-6, True), (0.6 * 2 / (0.6 * 2 + 0.4) + 1e-6, False)):
        ward, therapy = clinic(reached=draw, values={"later_share_log_odds": float(np.log(2))})
        therapy.plan(ward.rows)
        assert np.isfinite(ward.course.next_line_day).all() == goes_on


def test_who_does_not_get_a_line_may_get_the_next_at_once(clinic):
    passed = {**FIRST, "otherwise": "next_line"}
    ward, therapy = clinic(lines=(passed, SECOND), reached=[[0.59, 0.0], [0.61, 0.29], [0.61, 0.31], [0.0, 0.0]])
    course = ward.course
    course.later_line[3], course.line_day[3] = 1, 0.0  # has had the first: the second is asked for alone
    therapy.plan(ward.rows)
    assert course.next_line_day == pytest.approx([51.0, 40.0, np.nan, 40.0], nan_ok=True)
    assert course.lines_ended.tolist() == [False, False, True, False]
    course.clock[:] = 60.0
    therapy.begin(ward.rows, ward.actions)
    assert [detail for *_, detail in ward.events("later_therapy")] == ["first", "second", "second"]
    # the place of a line in the study file, and how many each has had
    assert course.later_line.tolist() == [1, 2, 0, 2]
    assert course.n_lines.tolist() == [1, 1, 0, 1]


def test_after_the_last_line_there_is_nothing_more(clinic):
    ward, therapy = clinic(lines=({**FIRST, "otherwise": "next_line"},), reached=0.61)
    therapy.plan(ward.rows)
    assert ward.course.lines_ended.all()


def begin(ward, therapy, number=0, day=30.0):
    ward.course.later_line[:], ward.course.next_line[:], ward.course.next_line_day[:] = number, number, day
    therapy.begin(ward.rows, ward.actions)
    return {(who, where): value for who, _, action, where, value in ward.done() if action == Action.MULTIPLY_STATE}


def test_a_line_takes_its_logs_from_every_pool_of_leukemia(clinic):
    ward, therapy = clinic(kill=[[1.0, 9.0], [0.0, 9.0], [-3.0, 9.0], [0.5, 9.0]], values={"later_kill_shift": 0.25})
    left = begin(ward, therapy)
    pools = [ward.index(pool) for pool in ward.model.roles.leukemia]
    for row, logs in enumerate((3.25, 2.25, 0.0, 2.75)):  # never below none
        assert [left[row, pool] for pool in pools] == pytest.approx([10.0**-logs] * len(pools))
    assert len(left) == 4 * len(pools)


def test_the_second_line_has_its_own_kill(clinic):
    ward, therapy = clinic(kill=[[9.0, 2.0]] * 4)
    assert begin(ward, therapy, number=1)[0, ward.index("Ln")] == pytest.approx(10.0**-2.0)


def test_a_line_against_cd19_spares_the_negative_clone(clinic):
    ward, therapy = clinic(lines=({**SECOND, "spares_cd19_negative": True},))
    assert {where for _, where in begin(ward, therapy)} == {ward.index(pool) for pool in ("Lp", "Lb", "Sp")}


def test_a_line_begins_on_its_day(clinic):
    ward, therapy = clinic()
    course = ward.course
    course.next_line_day[:] = [29.0, 30.0, 31.0, np.nan]
    therapy.begin(ward.rows, ward.actions)
    assert course.later_line.tolist() == [1, 1, 0, 0]
    assert course.line_day.tolist() == [30.0, 30.0, -np.inf, -np.inf]
    assert course.next_line_day == pytest.approx([np.nan, np.nan, 31.0, np.nan], nan_ok=True)
    assert ward.events("later_therapy") == [(0, 30.0, 0, "first"), (1, 30.0, 0, "first")]


def test_the_day_of_the_first_line_stays(clinic):
    ward, therapy = clinic()
    begin(ward, therapy)
    ward.course.clock[:] = 90.0
    begin(ward, therapy, number=1, day=90.0)
    assert ward.course.later_therapy_day.tolist() == [30.0] * 4
    assert ward.course.line_day.tolist() == [90.0] * 4
    assert ward.course.later_line.tolist() == [2] * 4
    # the second is an antibody, and no course is given any more
    assert not ward.course.line_is_course.any()


@pytest.mark.parametrize(
    ("line", "strength"),
    [({}, 1.0), ({"strength": 0.7}, 0.7), ({"regimen": "flag-ida"}, strength_of("flag-ida")),
     ({"regimen": "flag-ida", "strength": 2.0}, 2.0)],
)  # fmt: skip
def test_a_course_has_the_lines_strength_or_its_regimens(clinic, line, strength):
    ward, therapy = clinic(lines=({**FIRST, **line},))
    begin(ward, therapy)
    assert ward.course.line_is_course.all()
    assert ward.course.line_strength.tolist() == [strength] * 4


def given(ward, therapy, fresh, until):
    therapy.give(ward.rows, np.full(4, fresh), np.full(4, until), ward.actions)
    return [(who, time) for who, time, action, where, value in ward.done()
            if (action, where, value) == (Action.ADD_TO_STATE, ward.index("chemo_drug"), 1.0)]  # fmt: skip


def test_a_course_is_given_on_five_days_each_once(clinic):
    ward, therapy = clinic()
    begin(ward, therapy)
    ward.course.line_is_course[1:] = False
    assert given(ward, therapy, True, 33.0) == [(0, 30.0), (0, 31.0), (0, 32.0)]
    assert given(ward, therapy, False, 31.0) == []
    ward.course.clock[:] = 33.0
    assert given(ward, therapy, False, 60.0) == [(0, 34.0)]
    assert given(ward, therapy, True, 60.0) == [(0, 33.0), (0, 34.0)]


def test_a_line_is_judged_at_the_first_visit_from_four_weeks_on(clinic):
    ward, therapy = clinic()
    ward.course.line_day[:], ward.course.clock[:] = 10.0, [37.9, 38.0, 67.9, 68.0]
    assert therapy.to_judge(ward.rows, 30.0).tolist() == [1, 2]


def test_leukemia_that_is_seen_and_untreated_is_a_failure(clinic):
    ward, therapy = clinic()
    course = ward.course
    sanctuary, limit = course.column("Sp"), ward.assumed["sanctuary_relapse_cells"]
    course.marrow_clear[:], course.line_day[:], sanctuary[:] = True, 2.0, 0.0
    assert therapy.failing(ward.rows).size == 0
    course.marrow_clear[0], sanctuary[1], course.relapse_day[2] = False, limit, 3.0
    course.relapse_day[3] = 2.0  # on the first day of the line that treats it
    assert therapy.failing(ward.rows).tolist() == [0, 1, 2]
    sanctuary[1] = 0.99 * limit
    assert therapy.failing(ward.rows).tolist() == [0, 2]
    course.remission[0], course.line_day[2] = CR, 2.5
    assert therapy.failing(ward.rows).size == 0  # in response; not judged yet


def test_a_study_without_lines_ends_with_its_own_treatment(ward):
    found = ward(later_therapy="never")
    therapy = LaterTherapy(found.course, found.protocol.later_therapy, found.assumed)
    therapy.plan(found.rows)
    assert found.course.lines_ended.all()
