"""Virtual patients: keyed, eligible, tied to their covariates."""

import numpy as np
import pytest

from engager.core import InputError, Stream, Streams
from engager.model import evaluate_outputs, initial_states, load_model
from engager.population import PopulationValues, sample_covariates, sample_patients, spread

SPREADS = {
    "age_years": spread.median_range(37, 18, 80),
    "female": spread.share(0.4),
    "marrow_blasts_percent": spread.bins([(5, 50), (50, 100)], [0.25, 0.75]),
    "salvage_line": spread.categories([1, 2, 3], [0.4, 0.35, 0.25]),
    "prior_hsct": spread.share(0.35),
    "extramedullary": spread.share(0.1),
}


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def draw(model, numbers, **options):
    return sample_patients(model, SPREADS, Stream(1, "test"), np.asarray(numbers), **options)


def test_a_patient_is_the_same_in_any_company(model):
    many, one = draw(model, range(50)), draw(model, [17])
    np.testing.assert_array_equal(many.parameters[17], one.parameters[0])
    assert all(many.covariates[name][17] == one.covariates[name][0] for name in many.covariates)


def test_eligibility_redraws_only_those_who_fail(model):
    def at_least_half(covariates):
        return covariates["marrow_blasts_percent"] >= 50

    free, chosen = draw(model, range(400)), draw(model, range(400), eligible=at_least_half)
    passed = free.covariates["marrow_blasts_percent"] >= 50
    assert np.all(chosen.covariates["marrow_blasts_percent"] >= 50)
    np.testing.assert_array_equal(chosen.covariates["age_years"][passed], free.covariates["age_years"][passed])


def test_impossible_eligibility_is_told():
    with pytest.raises(InputError, match="were not eligible"):
        sample_covariates(SPREADS, Stream(1), np.arange(3), lambda drawn: np.zeros(len(drawn["age_years"]), bool))


def test_burden_at_entry_is_the_covariate(model):
    patients = draw(model, range(200))
    states = initial_states(model.system, patients.parameters)
    seen = evaluate_outputs(model.system, ["marrow_blasts_percent"], states, patients.parameters)
    wanted = np.minimum(patients.covariates["marrow_blasts_percent"], 97.0)
    np.testing.assert_allclose(seen["marrow_blasts_percent"], wanted, rtol=1e-3)


def test_settings_move_typical_value_spread_and_slope(model):
    k = model.system.parameters.index("k_kill")
    growth = model.system.parameters.index("growth")
    sensitivity = model.system.parameters.index("sensitivity")
    base = draw(model, range(300))
    moved = draw(
        model,
        range(300),
        population=PopulationValues.read({"k_kill": 7.0, "growth.sd": 0.0, "sensitivity~salvage_line": -1.0}),
    )
    assert np.all(moved.parameters[:, k] == 7.0)
    assert np.all(moved.parameters[:, growth] == model.parameters["growth"].model_value)
    later = base.covariates["salvage_line"] >= 3
    ratio = moved.parameters[later, sensitivity] / base.parameters[later, sensitivity]
    on_sensitivity = [effect for effect in model.effects if effect.parameter == "sensitivity"]
    slope = next(effect.log_per_unit for effect in on_sensitivity if effect.covariate == "salvage_line")
    lines = base.covariates["salvage_line"][later] - 1
    np.testing.assert_allclose(np.log(ratio), (-1.0 - slope) * lines, rtol=1e-9)


def test_salvage_and_earlier_transplant_go_together(model):
    covariates = draw(model, range(4000)).covariates
    r = np.corrcoef(covariates["salvage_line"], covariates["prior_hsct"])[0, 1]
    assert r > 4 / np.sqrt(4000)  # 4 standard errors above none


def test_children_get_small_bodies():
    children = {**SPREADS, "age_years": spread.median_range(8, 2, 17)}
    covariates = sample_covariates(children, Stream(2), np.arange(500))
    young = covariates["age_years"] < 6
    assert np.median(covariates["weight_kg"][young]) < 25
    assert np.median(covariates["bsa_m2"][young]) < 0.95


def test_blood_and_marrow_are_in_proportion_to_weight(model):
    patients = draw(model, range(50))
    weight = patients.covariates["weight_kg"]
    for name in ("blood_volume", "capacity", "normal_marrow"):
        values = patients.parameters[:, model.system.parameters.index(name)]
        np.testing.assert_allclose(values / weight, model.parameters[name].model_value / 75.0, rtol=1e-12)


def test_a_share_stays_below_one_however_wide_its_spread(model):
    patients = draw(
        model, range(2000), population=PopulationValues.read({"cd19neg_fraction": 1e-3, "cd19neg_fraction.sd": 8.0})
    )
    share = patients.parameters[:, model.system.parameters.index("cd19neg_fraction")]
    assert share.max() <= 1.0
    assert np.all(initial_states(model.system, patients.parameters) >= 0.0)


def test_patients_of_several_replicates_are_those_of_each(model):
    values = [PopulationValues(typical={"k_kill": 3.0}), PopulationValues(spread={"k_kill": 0.0})]
    streams = tuple(Stream(1, "test", replicate) for replicate in range(2))
    numbers = np.array([0, 1, 4, 0, 2])
    which = np.array([0, 0, 0, 1, 1])

    def old(covariates):
        return covariates["age_years"] > 40

    together = sample_patients(model, SPREADS, Streams(streams, which), numbers, eligible=old, population=values)
    for k, stream in enumerate(streams):
        own = sample_patients(model, SPREADS, stream, numbers[which == k], eligible=old, population=values[k])
        np.testing.assert_array_equal(together.parameters[which == k], own.parameters)
        np.testing.assert_array_equal(together.covariates["weight_kg"][which == k], own.covariates["weight_kg"])
