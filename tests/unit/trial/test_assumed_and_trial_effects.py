"""What the patients of one virtual trial share."""

import numpy as np
import pytest

from engager.core import InputError
from engager.model import load_model
from engager.population import PopulationValues
from engager.trial import assumption_table, shifted
from engager.trial.assumptions import with_trial_effects

ASSUMED = "recovery_wait_days"


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def test_an_effect_multiplies_a_parameter_and_is_added_to_an_assumption(model):
    values = PopulationValues(typical={"potency": 2.0})
    moved = shifted(values, model, {"potency": np.log(1.5), "k_kill": np.log(2.0), ASSUMED: 0.5})
    assert moved.typical["potency"] == pytest.approx(3.0)
    # without a value of its own it is the table's that moves
    assert moved.typical["k_kill"] == pytest.approx(2 * model.system.defaults["k_kill"])
    assert moved.assumption[ASSUMED] == pytest.approx(assumption_table()[ASSUMED]["value"] + 0.5)


def test_each_trial_draws_its_own_effect_with_the_spread_it_is_given(model):
    values = PopulationValues(typical={"potency": 1.0}, trial_effect={"potency": 0.4, ASSUMED: 2.0})
    drawn = [with_trial_effects(values, model, "one", 3, replicate) for replicate in range(400)]
    assert np.std([np.log(one.typical["potency"]) for one in drawn]) == pytest.approx(0.4, rel=0.15)
    assert np.std([one.assumption[ASSUMED] for one in drawn]) == pytest.approx(2.0, rel=0.15)
    assert all(not one.trial_effect for one in drawn)
    again = with_trial_effects(values, model, "one", 3, 7)
    assert again == drawn[7]
    assert with_trial_effects(values, model, "other", 3, 7) != again


def test_another_effect_changes_no_draw(model):
    alone = with_trial_effects(PopulationValues(trial_effect={"potency": 0.4}), model, "one", 1, 0)
    both = with_trial_effects(PopulationValues(trial_effect={"growth": 0.2, "potency": 0.4}), model, "one", 1, 0)
    assert alone.typical["potency"] == both.typical["potency"]


def test_an_effect_on_nothing_is_refused(model):
    with pytest.raises(InputError, match="trial_effect:potenc"):
        with_trial_effects(PopulationValues(trial_effect={"potenc": 0.4}), model, "one", 1, 0)
