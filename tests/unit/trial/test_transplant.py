"""Who is transplanted, when, and what it does to the model: stated by hand for given draws."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import Action
from engager.trial.course import CR, CRI, NO_RESPONSE
from engager.trial.transplant import Transplantation

MULTIPLY, SET = int(Action.MULTIPLY_STATE), int(Action.SET_STATE)
LINE = {"id": "salvage", "share": 1.0, "hsct": 0.5}
USUAL = {"offer": "in_response", "probability": 0.4, "delay_days": 14, "without_remission": 0.3}


@pytest.fixture
def clinic(ward):
    """A function: a ward of four and its transplantation; everybody wants one unless draws say otherwise."""

    def opened(hsct=None, draws=None, year=2010, lines=(LINE, {**LINE, "hsct": 0.2}), wants=0.0, population=None):
        given = {"hsct": np.full((4, 2), wants), "hsct-later": np.full((4, 2), wants), **(draws or {})}
        people = {"prior_hsct": 0, "age_years": 40} | (population or {})
        study = {"hsct": USUAL | (hsct or {}), "later_therapy": {"lines": list(lines)}, "population": people}
        found = ward(draws=given, **study)
        offer, later = found.protocol.hsct, found.protocol.later_therapy
        mrd = found.protocol.visits.mrd.limit
        return found, Transplantation(found.course, offer, later, "a", found.assumed, mrd, year)

    return opened


# ---- at the end of a cycle ----
def test_a_patient_in_response_whose_draw_is_below_the_probability_is_planned(clinic):
    draws = {"hsct": [[0.399, 0], [0.401, 0], [0.1, 0], [0.1, 0]]}
    ward, transplantation = clinic(draws=draws)
    ward.course.clock[:] = 42.0
    ward.course.remission[:] = [CR, CR, CRI, NO_RESPONSE]
    assert transplantation.decide(ward.rows, np.ones(4)).tolist() == [0, 2]
    assert ward.course.hsct_planned.tolist() == [56.0, np.inf, 56.0, np.inf]
    # what is planned stays planned
    ward.course.clock[:] = 84.0
    assert transplantation.decide(ward.rows, np.ones(4)).size == 0


@pytest.mark.parametrize(("done", "planned"), [(1, False), (2, True), (3, True)])
def test_no_transplant_before_the_cycle_the_study_names(clinic, done, planned):
    ward, transplantation = clinic({"earliest_after_cycle": 2})
    ward.course.remission[:] = CR
    assert (transplantation.decide(ward.rows, np.full(4, done)).size == 4) == planned


def test_never_is_never(clinic):
    ward, transplantation = clinic({"offer": "never"})
    ward.course.remission[:], ward.course.marrow_clear[:] = CR, True
    ward.course.later_line[:], ward.course.line_day[:], ward.course.clock[:] = 1, 0.0, 90.0
    assert transplantation.decide(ward.rows, np.full(4, 3)).size == 0
    transplantation.decide_later(ward.rows)
    assert np.isinf(ward.course.hsct_planned).all()


def test_where_residual_disease_must_be_gone_it_must_lie_below_the_limit(clinic):
    ward, transplantation = clinic({"offer": "in_mrd_response"})
    limit = np.log10(ward.protocol.visits.mrd.limit)
    ward.course.remission[:] = CR
    ward.course.mrd_log10[:] = [limit - 0.01, limit, limit + 0.01, np.nan]
    assert transplantation.decide(ward.rows, np.ones(4)).tolist() == [0]


# ---- outside remission ----
def test_some_are_transplanted_although_treatment_has_failed(clinic):
    draws = {"hsct": [[0, 0.29], [0, 0.31], [0, 0.0], [0, 0.0]]}
    ward, transplantation = clinic(draws=draws)
    ward.course.clock[:], ward.course.n_hsct[2], ward.course.hsct_planned[3] = 30.0, 1, 99.0
    transplantation.decide_outside_remission(ward.rows)
    assert ward.course.hsct_planned.tolist() == [44.0, np.inf, np.inf, 99.0]
    assert ward.course.hsct_outside.tolist() == [True, False, False, False]


def test_who_was_chosen_outside_remission_is_not_chosen_again(clinic):
    ward, transplantation = clinic()
    ward.course.hsct_outside[:] = [True, False, True, False]
    transplantation.decide_outside_remission(ward.rows)
    assert np.isfinite(ward.course.hsct_planned).tolist() == [False, True, False, True]


# ---- after a later line ----
@pytest.mark.parametrize(
    ("line", "draw", "planned"), [(1, 0.49, True), (1, 0.51, False), (2, 0.19, True), (2, 0.21, False), (0, 0.0, False)]
)
def test_a_remission_by_a_later_line_brings_a_transplant_by_its_chance(clinic, line, draw, planned):
    draws = {"hsct-later": [[draw, 0.99] if line < 2 else [0.99, draw]] * 4}
    ward, transplantation = clinic(draws=draws)
    course = ward.course
    course.later_line[:], course.marrow_clear[:], course.line_day[:], course.clock[:] = line, True, 10.0, 60.0
    transplantation.decide_later(ward.rows)
    assert course.hsct_planned.tolist() == [74.0 if planned else np.inf] * 4


def test_a_later_line_is_judged_before_a_transplant_and_gives_one(clinic):
    ward, transplantation = clinic()
    course = ward.course
    course.later_line[:], course.marrow_clear[:], course.line_day[:] = 1, [True, True, False, True], 10.0
    course.clock[:] = [37.9, 38.0, 90.0, 90.0]
    course.last_hsct_day[3] = 20.0  # after this line began
    transplantation.decide_later(ward.rows)
    assert course.hsct_planned.tolist() == [np.inf, 52.0, np.inf, np.inf]


@pytest.mark.parametrize(("before", "least", "most"), [(0, 0.5, 0.5), (1, 0.4 / 1.4, 0.4 / 1.4), (2, 0.0, 0.0)])
def test_a_second_transplant_has_lower_odds_and_there_is_no_third(clinic, before, least, most):
    for draw, planned in ((least - 1e-6, before < 2), (most + 1e-6, False)):
        ward, transplantation = clinic(draws={"hsct-later": np.full((4, 2), draw)})
        assert ward.assumed["second_hsct_odds_ratio"] == 0.4
        course = ward.course
        course.later_line[:], course.marrow_clear[:], course.line_day[:], course.clock[:] = 1, True, 10.0, 60.0
        course.n_hsct[:], course.last_hsct_day[:] = before, 5.0 if before else -np.inf
        transplantation.decide_later(ward.rows)
        assert np.isfinite(course.hsct_planned).tolist() == [planned] * 4


def test_a_transplant_that_waits_is_not_planned_again(clinic):
    ward, transplantation = clinic()
    course = ward.course
    course.later_line[:], course.marrow_clear[:], course.line_day[:], course.clock[:] = 1, True, 10.0, 60.0
    course.hsct_planned[:] = 61.0
    transplantation.decide_later(ward.rows)
    assert course.hsct_planned.tolist() == [61.0] * 4


# ---- the transplant ----
def due(ward, day=50.0, **states):
    course = ward.course
    course.clock[:], course.hsct_planned[:], course.marrow_clear[:] = day, day, True
    for name, value in states.items():
        getattr(course, name)[:] = value


def test_a_transplant_is_given_on_its_day_to_those_still_in_remission_or_meant_outside_it(clinic):
    ward, transplantation = clinic()
    due(ward)
    course = ward.course
    course.hsct_planned[:] = [50.0, 50.1, 50.0, 49.0]
    course.marrow_clear[:] = [True, True, False, False]
    course.hsct_outside[:] = [False, False, False, True]
    transplantation.perform(ward.rows, ward.actions)
    assert course.hsct_day == pytest.approx([50.0, np.nan, np.nan, 49.0], nan_ok=True)
    assert course.last_hsct_day.tolist() == [50.0, -np.inf, -np.inf, 49.0]
    # who was not in remission on the day is not asked again by this plan
    assert course.hsct_planned.tolist() == [np.inf, 50.1, np.inf, np.inf]
    assert course.hsct_outside.tolist() == [False] * 4
    assert course.n_hsct.tolist() == [1, 0, 0, 1]
    assert ward.events("hsct") == [(0, 50.0, 0, ""), (3, 49.0, 0, "")]
    assert {row for row, *_ in ward.done()} == {0, 3}


def test_nobody_due_is_nothing_done(clinic):
    ward, transplantation = clinic()
    transplantation.perform(ward.rows, ward.actions)
    assert not ward.done()


def test_it_is_in_response_only_in_the_response_to_the_study_drug(clinic):
    ward, transplantation = clinic()
    due(ward, remission=CR, response_day=29.0)
    ward.course.remission[1], ward.course.response_day[2], ward.course.later_line[3] = NO_RESPONSE, np.nan, 1
    transplantation.perform(ward.rows, ward.actions)
    assert ward.course.hsct_in_response.tolist() == [True, False, False, False]


def test_a_second_transplant_keeps_the_day_of_the_first(clinic):
    ward, transplantation = clinic()
    due(ward, remission=CR, response_day=29.0)
    transplantation.perform(ward.rows[:1], ward.actions)
    due(ward, day=200.0)
    ward.course.later_line[:] = 1
    transplantation.perform(ward.rows[:1], ward.actions)
    assert (ward.course.hsct_day[0], ward.course.last_hsct_day[0], ward.course.n_hsct[0]) == (50.0, 200.0, 2)
    assert ward.course.hsct_in_response[0]
    assert ward.events("hsct") == [(0, 50.0, 0, ""), (0, 200.0, 0, "second")]


def actions_of(ward, row=0):
    """Of one patient: by (action, state) the value; each once."""
    found = [(what, where, value) for who, _, what, where, value in ward.done() if who == row]
    by = {(what, where): value for what, where, value in found}
    assert len(by) == len(found)
    return by


def test_what_a_transplant_does_to_the_model(clinic):
    ward, transplantation = clinic(draws={"conditioning": 0.0})
    due(ward)
    transplantation.perform(ward.rows, ward.actions)
    done, roles = actions_of(ward), ward.model.roles
    left = ward.assumed["engraftment_left"]
    wanted = {(MULTIPLY, ward.index(pool)): 1e-2 for pool in roles.leukemia}  # two logs by conditioning
    assert ward.assumed["conditioning_log10_kill"] == 2.0
    wanted |= {(MULTIPLY, ward.index(state)): left for state in roles.transplant["emptied"]}
    wanted[SET, ward.index(roles.transplant["stem"])] = left
    wanted |= {(SET, ward.index(state)): 1.0 for state in roles.transplant["grafted"]}
    wanted[SET, ward.index(roles.transplant["window"])] = 1.0
    wanted[SET, ward.index(roles.transplant["late_effects"])] = ward.assumed["transplant_late_effects"]
    assert done == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("age", "year", "reduced"), [(54, 2010, False), (55, 2010, True), (70, 1999, False), (70, 2000, True)]
)
def test_older_patients_get_reduced_intensity_since_it_exists(clinic, age, year, reduced):
    ward, transplantation = clinic(draws={"conditioning": 0.5}, population={"age_years": age}, year=year)
    due(ward)
    transplantation.perform(ward.rows, ward.actions)
    done, roles = actions_of(ward), ward.model.roles
    logs = 2.0 + 0.5 * ward.assumed.spread("conditioning_log10_kill")
    logs -= ward.assumed["reduced_intensity_log10_less"] if reduced else 0.0
    assert done[MULTIPLY, ward.index("Lp")] == pytest.approx(10.0**-logs)
    ratio = ward.assumed["reduced_intensity_trm_ratio"] if reduced else 1.0
    assert done[SET, ward.index(roles.transplant["window"])] == pytest.approx(ratio)


def test_who_is_transplanted_with_active_disease_dies_more_often_of_it(clinic):
    ward, transplantation = clinic()
    due(ward, hsct_outside=True)
    ward.course.marrow_clear[:] = [True, False, True, False]
    transplantation.perform(ward.rows, ward.actions)
    ratio, window = ward.assumed["active_disease_trm_ratio"], ward.model.roles.transplant["window"]
    assert ratio > 1
    opened = {who: value for who, _, what, where, value in ward.done() if (what, where) == (SET, ward.index(window))}
    assert opened == pytest.approx({0: 1.0, 1: ratio, 2: 1.0, 3: ratio})


def test_conditioning_never_feeds_leukemia(clinic):
    ward, transplantation = clinic(draws={"conditioning": -5.0})
    due(ward)
    transplantation.perform(ward.rows, ward.actions)
    assert actions_of(ward)[MULTIPLY, ward.index("Lp")] == 1.0


@pytest.mark.parametrize(("prior", "before", "ratio"), [(0, 0, 1.0), (1, 0, 1.6), (0, 1, 1.6), (1, 1, 1.6)])
def test_who_has_had_one_dies_more_often_of_the_next(clinic, prior, before, ratio):
    ward, transplantation = clinic(population={"prior_hsct": prior})
    assert ward.assumed["second_hsct_trm_ratio"] == 1.6
    due(ward, n_hsct=before)
    transplantation.perform(ward.rows, ward.actions)
    assert actions_of(ward)[SET, ward.index(ward.model.roles.transplant["window"])] == pytest.approx(ratio)
