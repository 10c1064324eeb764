"""Mortality of the general population: the printed table, between its ages, beyond its ends."""

import numpy as np
import pytest

from engager.model import load_model
from engager.population.mortality import population_mortality


def yearly(age, female):
    return float(1.0 - np.exp(-365.25 * population_mortality(np.array([age]), np.array([female]))[0]))


def test_printed_ages_give_the_printed_probabilities():
    assert yearly(40.0, 0.0) == pytest.approx(0.002542)
    assert yearly(40.0, 1.0) == pytest.approx(0.001498)
    assert yearly(70.0, 0.0) == pytest.approx(0.028904)


def test_between_ages_the_logarithm_is_interpolated():
    assert yearly(45.0, 1.0) == pytest.approx(np.sqrt(0.001498 * 0.003240), rel=2e-3)


def test_beyond_the_table_its_ends_are_taken():
    assert yearly(4.0, 1.0) == yearly(10.0, 1.0)
    assert yearly(99.0, 0.0) == pytest.approx(0.188644)


def test_the_default_of_the_model_is_that_of_the_age_it_names():
    default = load_model("b-all").system.defaults["population_mortality"]
    both = population_mortality(np.array([40.0, 40.0]), np.array([0.0, 1.0]))
    assert default == pytest.approx(both.mean(), rel=0.05)
