"""What a patient is set up by: names that exist, ranges that hold the usual value."""

import pytest

from engager.core import InputError
from engager.model import load_model, presets_of


def test_sliders_move_covariates_and_parameters_within_their_range():
    model, presets = load_model("b-all"), presets_of()
    covariates = {"age_years", "weight_kg", "marrow_blasts_percent", "cd8_per_uL"}
    for one in presets.sliders:
        assert one.name in covariates | set(model.parameters), one.name
        assert one.least <= one.usual <= one.most
        assert one.step > 0


def test_cases_move_what_has_a_slider_and_stay_within_it():
    presets = presets_of()
    sliders = {one.name: one for one in presets.sliders}
    for _, changes in presets.cases.values():
        for name, value in changes.items():
            assert sliders[name].least <= value <= sliders[name].most


def test_a_value_above_zero_brings_what_it_implies_unless_that_is_said_otherwise():
    presets = presets_of()
    assert presets.completed({"cd19neg_fraction": 1e-4}) == {"has_negative": 1.0, "cd19neg_fraction": 1e-4}
    assert presets.completed({"cd19neg_fraction": 1e-4, "has_negative": 0.0})["has_negative"] == 0.0
    assert presets.completed({"cd19neg_fraction": 0.0, "CL": 2.0}) == {"cd19neg_fraction": 0.0, "CL": 2.0}


def test_a_model_without_presets_says_so():
    with pytest.raises(InputError, match="has no presets"):
        presets_of("vsli")
