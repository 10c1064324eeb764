"""Shares of patients who have something at all: a CD19-negative clone, a sanctuary."""

import numpy as np
import pytest

from engager.core import Stream
from engager.model import initial_states, load_model
from engager.population import PopulationValues, sample_patients, spread

N = 2000
SPREADS = {
    "age_years": spread.constant(40.0),
    "female": spread.constant(0.0),
    "marrow_blasts_percent": spread.constant(80.0),
    "salvage_line": spread.constant(1.0),
    "prior_hsct": spread.constant(0.0),
    "extramedullary": spread.share(0.3),
}


def draw(**values):
    model = load_model("b-all")
    found = sample_patients(model, SPREADS, Stream(3, "shares"), np.arange(N), population=PopulationValues.read(values))
    place = model.system.parameters.index
    return model, found, found.parameters[:, place("has_negative")], found.parameters[:, place("has_sanctuary")]


def test_everybody_has_it_or_not_in_the_share_that_is_said():
    _, _patients, negative, _ = draw(has_negative=0.25)
    assert set(np.unique(negative)) == {0.0, 1.0}
    assert negative.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / N))


def test_a_larger_share_adds_carriers_and_takes_none_away():
    few, many = draw(has_negative=0.2)[2], draw(has_negative=0.5)[2]
    assert np.all(many >= few)
    assert many.sum() > few.sum()


def test_who_has_none_starts_without_a_cell():
    model, patients, negative, sanctuary = draw(has_negative=0.25, has_sanctuary=0.5)
    states = initial_states(model.system, patients.parameters)
    assert np.all(states[negative == 0, model.system.index("Ln")] == 0)
    assert np.all(states[negative == 1, model.system.index("Ln")] > 0)
    assert np.all(states[sanctuary == 0, model.system.index("Sp")] == 0)


def test_known_extramedullary_disease_is_a_sanctuary_in_everybody():
    _, patients, _, sanctuary = draw(has_sanctuary=0.5)
    known = patients.covariates["extramedullary"] > 0.5
    assert np.all(sanctuary[known] == 1)
    assert sanctuary[~known].mean() == pytest.approx(0.5, abs=0.06)
