"""One patient as a function of its factors: what the model says must follow, follows."""

import numpy as np
import pytest

from engager.calibration import PatientFunction
from engager.core import InputError
from engager.model import load_model
from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol


@pytest.fixture(scope="module")
def tower():
    return PatientFunction(shipped_protocol("tower"), "blinatumomab", load_model("b-all"), PopulationValues())


def moved(function, **shares):
    """Outputs of a patient in the middle, but for some factors."""
    points = np.full((1, len(function.names)), 0.5)
    for name, share in shares.items():
        points[0, function.names.index(name)] = share
    return dict(zip(function.outputs, function(points)[0], strict=True))


def test_factors_are_what_differs_between_patients(tower):
    names = set(tower.names)
    assert {"potency", "marrow_T", "CL", "age_years", "marrow_blasts_percent", "weight_kg"} <= names
    assert not names & {"ph_positive", "KD_cd3", "BSA"}
    assert tower.value(tower.names.index("potency"), 0.5) == pytest.approx(1.0)


def test_stronger_t_cells_clear_more_and_more_release_raises_il6(tower):
    middle = moved(tower)
    assert moved(tower, potency=0.9)["blast_reduction"] > middle["blast_reduction"] > -1
    more = moved(tower, k_IL6=0.9)
    assert more["il6_peak"] > middle["il6_peak"]
    # IL-6 acts on no cell; it shares the solver's steps with them.
    assert more["blast_reduction"] == pytest.approx(middle["blast_reduction"], rel=1e-4)


def test_cells_at_entry_scale_the_nadir_and_not_the_fold(tower):
    middle, fewer = moved(tower), moved(tower, cd8_start=0.1)
    assert fewer["cd8_nadir"] < middle["cd8_nadir"]
    assert fewer["cd8_day14"] == pytest.approx(middle["cd8_day14"], abs=0.3)


def test_what_cannot_matter_in_four_weeks_does_not(tower):
    # Hazards share the solver's steps, so the last digits may differ.
    assert moved(tower, gvl_kill=0.95, frailty=0.05, h_leukemia=0.95) == pytest.approx(moved(tower), rel=1e-6)


def test_same_points_give_same_bits_in_any_company(tower):
    points = np.random.default_rng(1).uniform(0.05, 0.95, size=(6, len(tower.names)))
    np.testing.assert_array_equal(tower(points)[2:4], tower(points[2:4]))


def test_an_arm_without_drug_does_not_respond():
    raw = {"study": "none", "arms": {"a": {"n": 1, "regimen": "blinatumomab"}}}
    raw["arms"]["a"]["regimen"] = {
        "drug": "blinatumomab", "cycle_days": 42, "cycles": 1,
        "doses": [{"days": "1-28", "amount": 1e-9, "unit": "ug/day"}],
    }  # fmt: skip
    model = load_model("b-all")
    seen = moved(PatientFunction(Protocol.model_validate(raw), "a", model, PopulationValues()))
    assert seen["blast_reduction"] < 0
    assert seen["il6_peak"] == pytest.approx(np.log10(model.system.defaults["IL6_base"]))
    assert seen["response"] == seen["mrd_response"] == 0.0


def test_a_model_without_the_outputs_is_refused():
    with pytest.raises(InputError, match=r"needs courses\.blasts_cd19_negative\|.*which this model does not offer"):
        PatientFunction(shipped_protocol("tower"), "blinatumomab", load_model("vsli"), PopulationValues())


@pytest.mark.parametrize(
    ("model", "variant", "easier"),
    # both tumors are cleared by ten logs and more, of which a large one has more to lose; the published model exchanges
    # T cells with a tumor whatever its volume, so a small one loses them
    [("b-all", "lymphoma", "large"), ("hosseini-2020", "nhl", "large")],
)
def test_a_tumor_is_judged_by_its_cells_and_size(model, variant, easier):
    raw = {"study": "nodal", "model": {"id": model, "variant": variant}, "population": {"setting": "lymphoma"},
           "arms": {"a": {"n": 1, "regimen": "blinatumomab-nhl-phase1"}}}  # fmt: skip
    protocol = Protocol.model_validate(raw)
    function = PatientFunction(protocol, "a", protocol.model_of("a"), PopulationValues())
    assert {"tumor_reduction", "tumor_response"} <= set(function.outputs)
    assert not {"response", "mrd_response"} & set(function.outputs)
    small, large = (moved(function, tumor_mL=share)["tumor_reduction"] for share in (0.05, 0.95))
    assert ("small" if small > large else "large") == easier


def test_values_of_a_variant_stay_whatever_was_fitted_to_others():
    raw = {"study": "nodal", "model": {"id": "b-all", "variant": "lymphoma"}, "population": {"setting": "lymphoma"},
           "arms": {"a": {"n": 1, "regimen": "blinatumomab-nhl-phase1"}}}  # fmt: skip
    protocol = Protocol.model_validate(raw)
    fitted = PopulationValues.read({"growth": 0.5, "k_kill": 2.0})
    function = PatientFunction(protocol, "a", protocol.model_of("a"), fitted)
    assert function.population.written() == {"k_kill": 2.0}
