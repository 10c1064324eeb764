"""What the engine is asked to watch, and what a strike does at once: stated by hand for given draws."""

from __future__ import annotations

import numpy as np
import pytest

from engager.trial.strikes.deaths import Deaths
from engager.trial.strikes.toxicity import Toxicity
from engager.trial.strikes.watch import Strikes
from engager.trial.tables import CAUSE_NAMES

LEAST = 0.75


@pytest.fixture
def watched(ward):
    """A function: a ward of four and what strikes in it; a clone dies out below 0.75 cells, a death comes at 2."""

    def opened(**draws):
        n_clones = len(ward().course.roles.clones)
        given = {"last-cell": np.full((4, n_clones), LEAST), "death": 2.0, **draws}
        found = ward(draws=given)
        course = found.course
        deaths, toxicity = Deaths(course, found.assumed), Toxicity(course, found.regimen, found.assumed)
        return found, Strikes(course, found.model.system, found.regimen, deaths, toxicity)

    return opened


def nothing_struck(strikes, rows):
    strikes.take_effect(rows, np.full(rows.size, -1), np.zeros(rows.size))


def test_a_clone_that_is_there_is_watched_down_to_its_last_cell(watched):
    ward, strikes = watched()
    clones = ward.course.roles.clones
    for clone in clones:
        ward.course.column(clone)[:] = [LEAST + 1e-9, LEAST, 0.0, 1e9]
    nothing_struck(strikes, ward.rows)
    stops = strikes.stops(ward.rows)
    for clone in clones:
        place = strikes.names.index(clone)
        assert stops.limits[:, place].tolist() == [-LEAST, np.inf, np.inf, -LEAST]
        # the sum rises to its limit as the cells fall to theirs
        assert (stops.weights[place] @ ward.course.states.T).tolist() == (-ward.course.column(clone)).tolist()
    assert stops.limits[:, 0].tolist() == [2.0] * 4
    assert strikes.stops(ward.rows[2:]).limits.tolist() == stops.limits[2:].tolist()


def test_a_clone_is_watched_from_the_first_day_and_again_when_it_has_grown_again(watched):
    ward, strikes = watched()
    clone = ward.course.roles.clones[0]
    place = strikes.names.index(clone)
    at_entry = np.where(ward.course.column(clone) > LEAST, -LEAST, np.inf)
    assert strikes.stops(ward.rows).limits[:, place].tolist() == at_entry.tolist()
    for cells, limit in ((0.5, np.inf), (2.0, -LEAST), (0.5, np.inf)):
        ward.course.column(clone)[:2] = cells
        nothing_struck(strikes, ward.rows[:2])
        assert strikes.stops(ward.rows).limits[:, place].tolist() == [limit, limit, *at_entry[2:]]


def test_the_clone_that_struck_is_gone_and_so_is_one_below_its_last_cell(watched):
    ward, strikes = watched()
    first, second = ward.course.roles.clones[:2]
    for clone in ward.course.roles.clones:
        ward.course.column(clone)[:] = 50.0
    ward.course.column(second)[3] = LEAST - 1e-9
    stopped = np.array([strikes.names.index(first), -1, -1, -1])
    strikes.take_effect(ward.rows, stopped, np.full(4, 7.0))
    assert ward.course.column(first).tolist() == [0.0, 50.0, 50.0, 50.0]
    assert ward.course.column(second).tolist() == [50.0, 50.0, 50.0, 0.0]


def test_days_before_a_strike_are_counted_and_those_up_to_a_decision_are_left_to_it(watched):
    ward, strikes = watched()
    ward.course.clock[:] = [3.4, 7.0, 3.4, 3.4]
    ward.course.on_treatment[2] = False
    hit = strikes.names.index("CRS")
    strikes.take_effect(ward.rows, np.array([hit, hit, hit, -1]), np.array([7.0, 7.0, 7.0, 3.4]))
    assert ward.course.morning.tolist() == [3, 0, 0, 0]
    assert ward.course.cycle_day.tolist() == [4, 1, 1, 1]


def test_a_death_counts_the_days_before_it_too(watched):
    ward, strikes = watched()
    ward.course.clock[:] = 3.4
    strikes.take_effect(ward.rows, np.array([0, -1, -1, -1]), np.full(4, 7.0))
    assert ward.course.morning.tolist() == [3, 0, 0, 0]
    assert ward.course.is_alive.tolist() == [False, True, True, True]
    np.testing.assert_array_equal(ward.course.death_day, [3.4, np.nan, np.nan, np.nan])


def test_who_is_killed_by_a_toxicity_died_of_it_and_it_is_reported(watched, monkeypatch):
    ward, strikes = watched()
    monkeypatch.setattr(Toxicity, "_grade", lambda self, kind, rows, number: np.array([5, 3])[: rows.size])
    ward.course.clock[:] = 2.5
    hit = strikes.names.index("CRS")
    strikes.take_effect(ward.rows, np.array([hit, hit, -1, -1]), np.full(4, 7.0))
    course = ward.course
    assert course.is_alive.tolist() == [False, True, True, True]
    assert course.fatal_adverse_event.tolist() == [True, False, False, False]
    assert CAUSE_NAMES[course.death_cause[0]] == "toxicity"
    assert ward.events("death") == [(0, 2.5, 0, "toxicity")]
    # the next event of who was struck is another draw
    assert strikes.stops(ward.rows).limits[1, hit] > strikes.stops(ward.rows).limits[2, hit]
