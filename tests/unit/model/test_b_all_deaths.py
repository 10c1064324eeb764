"""Hazards of death in the ALL model: each has an end, and a full marrow kills with a lag."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import Action
from engager.model import load_model

DAYS = np.arange(0.0, 721.0)


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def rate(run, name):
    return np.diff(run[name], axis=1)


def test_recovered_counts_end_fatal_infection(follow, model):
    """At 1000 neutrophils there is a hundredth of the hazard without any, at 2000 next to none."""
    hazards = {}
    for counts in (10.0, 1000.0, 2000.0):
        held = {"neutrophils0": counts, "reserve": 1.0, "reserve_n": 1.0, "start_recovery": 1.0, "blasts_start": 1.0}
        run = follow(model, DAYS[:60], patients=[held], start={"susceptible": 1.0, "mucosa": 1.0})
        hazards[counts] = rate(run, "H_infection")[0, 0]
    assert hazards[1000.0] < 0.03 * hazards[10.0]
    assert hazards[2000.0] < 0.001 * hazards[10.0]


def test_infection_rises_with_the_days_of_neutropenia(follow, model):
    run = follow(model, DAYS[:40], patients=[{"blasts_start": 1.2e12, "growth": 0.07}])
    by_day = rate(run, "H_infection")[0]
    assert by_day[25] > 3 * by_day[0]


def test_chemotherapy_makes_neutropenia_more_dangerous(follow, model):
    course = [(float(day), Action.ADD_TO_STATE, "chemo_drug", 1.0) for day in range(5)]
    full = {"blasts_start": 1.1e12, "sensitivity": 0.0}
    treated = follow(model, DAYS[:30], patients=[full], acts=course)
    alone = follow(model, DAYS[:30], patients=[full])
    assert treated["H_infection"][0, -1] > 1.5 * alone["H_infection"][0, -1]


def test_a_full_marrow_kills_with_a_lag(follow, model):
    """Of a hazard that settles after months hardly anything is there in the first two weeks."""
    run = follow(model, DAYS[:200], patients=[{"blasts_start": 1.0e12}])
    by_day = rate(run, "H_leukemia")[0]
    settled = by_day[-1]
    assert by_day[:14].mean() < 0.25 * settled
    assert by_day[60:75].mean() > 0.6 * settled


def test_who_comes_worn_down_dies_sooner(follow, model):
    fit, frail = {"debility_start": 0.07}, {"debility_start": 0.6}
    run = follow(model, DAYS[:31], patients=[{**one, "blasts_start": 1e12} for one in (fit, frail)])
    assert run["H_leukemia"][1, -1] > 1.5 * run["H_leukemia"][0, -1]


def test_relief_of_burden_ends_leukemic_death(follow, model):
    cured = [(60.0, Action.MULTIPLY_STATE, name, 1e-8) for name in ("Lp", "Lb")]
    patient = {"blasts_start": 1e12, "has_sanctuary": 0.0, "has_negative": 0.0, "growth": 0.03}
    run = follow(model, DAYS[:240], patients=[patient], acts=cured)
    by_day = rate(run, "H_leukemia")[0]
    assert by_day[200] < 0.01 * by_day[59]


COURSE = [(float(day), Action.ADD_TO_STATE, "chemo_drug", 1.0) for day in range(5)]


def test_who_is_worn_down_dies_sooner_while_weak_from_chemotherapy(follow, model):
    """The hazard of the same debility, times 1 + chemo_toll, as long as the weakness lasts; the weakness fades."""
    resistant = {"blasts_start": 1.2e12, "sensitivity": 0.0, "h_sanctuary": 0.0}
    tolls = [{**resistant, "chemo_toll": toll} for toll in (0.0, 2.0)]
    run = follow(model, DAYS[:400], patients=tolls, acts=COURSE)
    weak = run["weakness"][0]
    ratio = rate(run, "H_leukemia")[1] / rate(run, "H_leukemia")[0]
    middle = (weak[1:] + weak[:-1]) / 2
    assert ratio[10:] == pytest.approx(1 + 2.0 * middle[10:], rel=1e-3)
    assert 0.5 < weak.max() < 1.0
    assert weak[120] == pytest.approx(weak[20] * np.exp(-100 * model.system.defaults["k_weakness"]), rel=0.05)


def test_a_patient_recovers_from_debility_when_the_weakness_has_passed(follow, model):
    """Leukemia that a drug without harm takes away on day 60, and the same on the first day of a course."""
    cured = [(60.0, Action.MULTIPLY_STATE, name, 1e-8) for name in ("Lp", "Lb")]
    course = [(day + 60.0, act, name, value) for day, act, name, value in COURSE]
    patient = {"blasts_start": 1e12, "has_sanctuary": 0.0, "has_negative": 0.0, "growth": 0.03, "sensitivity": 0.0}
    spared, weak = (follow(model, DAYS[:300], patients=[patient], acts=acts) for acts in (cured, [*cured, *course]))
    assert spared.at("debility", 75) < 0.8 * weak.at("debility", 75)
    assert weak.at("debility", 290) < 0.05 * weak.at("debility", 60)


def test_debility_stays_between_none_and_bedridden(follow, model):
    acts = [(day + 14.0 * k, act, name, value) for k in range(12) for day, act, name, value in COURSE]
    run = follow(
        model, DAYS[:200], patients=[{"blasts_start": 1.4e12, "sensitivity": 0.0, "tau_debility": 5.0}], acts=acts
    )
    assert run["debility"].min() >= 0.0
    assert 0.9 < run["debility"].max() <= 1.0


def test_chemotherapy_wears_nobody_down_who_has_no_leukemia(follow, model):
    clear = {"blasts_start": 1.0, "has_sanctuary": 0.0, "chemo_toll": 4.0}
    run = follow(model, DAYS[:100], patients=[clear], acts=COURSE)
    assert run["weakness"].max() > 0.5
    assert run["H_leukemia"][0, -1] < 1e-9


def test_background_is_the_populations_and_late_effects_fade(follow, model):
    values = model.system.defaults
    usual = values["background_ratio"] * values["population_mortality"]
    run = follow(model, [0.0, 1.0, 3650.0, 3651.0], patients=[{"blasts_start": 1.0}])
    first, last = run["H_background"][0, 1], run["H_background"][0, 3] - run["H_background"][0, 2]
    assert first == pytest.approx(usual + values["h_late"], rel=1e-3)
    assert usual < last < 1.3 * usual


def test_transplant_deaths_fade_and_rise_with_age(follow, model):
    done = [(0.0, Action.SET_STATE, "trm_window", 1.0)]
    run = follow(model, DAYS, patients=[{"age": 30.0}, {"age": 60.0}], acts=done)
    total = run["H_transplant"]
    assert total[1, -1] == pytest.approx(total[0, -1] * np.exp(3 * model.system.defaults["trm_age"]), rel=1e-3)
    within = total[0, 365] / total[0, -1]
    assert within > 0.8
