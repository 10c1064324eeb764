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
