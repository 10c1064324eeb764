"""One virtual patient: the doses arrive as planned, and what is said of the patient is used."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.model import load_model
from engager.protocol import Regimen
from engager.study import draw_patients, regimen_by_id, simulate_patient

LABEL = regimen_by_id("blinatumomab")


@pytest.fixture(scope="module")
def typical():
    return simulate_patient(LABEL, days=44)


def test_infusions_start_step_stop_and_start_again(typical):
    drug = dict(zip(typical.days.tolist(), typical.columns["drug_pg_per_mL"], strict=True))
    assert drug[0.0] == 0
    assert drug[27.0] / drug[6.0] == pytest.approx(28 / 9, rel=1e-3)  # linear kinetics
    assert drug[40.0] < 1e-3 * drug[27.0]
    assert drug[43.0] > 0.9 * drug[27.0]


def test_a_light_patient_is_dosed_by_surface_and_cap(typical):
    def css(weight, height):
        light = simulate_patient(LABEL, days=6, changes={"weight_kg": weight, "height_cm": height})
        bsa = light.covariates["bsa_m2"]
        return light.columns["drug_pg_per_mL"][-1], bsa

    model = load_model("b-all")
    (child, bsa), (adult, adult_bsa) = css(20.0, 115.0), css(75.0, 172.0)
    dose_ratio = 5 * bsa / 9
    clearance_ratio = (bsa / adult_bsa) ** model.parameters["CL_BSA"].model_value
    assert child / adult == pytest.approx(dose_ratio / clearance_ratio, rel=1e-3)


def test_covariates_and_parameters_are_used(typical):
    low = simulate_patient(LABEL, days=1, changes={"marrow_blasts_percent": 10})
    assert low.columns["marrow_blasts_percent"][0] == pytest.approx(10, rel=1e-6)
    fast = simulate_patient(LABEL, days=2, changes={"CL": 2 * load_model("b-all").parameters["CL"].value})
    slow = typical.columns["drug_pg_per_mL"][48]
    assert fast.columns["drug_pg_per_mL"][48] == pytest.approx(slow / 2, rel=1e-2)


def test_the_same_seed_draws_the_same_patient_and_another_another():
    one, again, other = (simulate_patient(LABEL, days=1, seed=seed) for seed in (5, 5, 6))
    assert one.covariates == again.covariates
    assert np.array_equal(one.columns["cd8_per_uL"], again.columns["cd8_per_uL"])
    assert one.covariates != other.covariates


def test_injections_and_chemotherapy_are_given():
    doses = [{"days": "1,8", "amount": 100, "unit": "ug"}]
    injected = Regimen(drug="blinatumomab", route="subcutaneous", cycle_days=28, cycles=1, doses=doses)
    drug = simulate_patient(injected, days=9).columns["drug_pg_per_mL"]
    assert drug[24] > 0
    assert drug[24 * 8] > drug[24 * 7 - 1]
    chemotherapy = simulate_patient(regimen_by_id("flag"), days=20)
    assert chemotherapy.columns["blasts_cd19_positive"][-1] < chemotherapy.columns["blasts_cd19_positive"][0]


def test_what_cannot_be_set_is_told_together():
    with pytest.raises(InputError) as caught:
        simulate_patient(LABEL, days=0, changes={"agee": 3, "female": 0.5, "age_years": 300, "bsa_m2": 2})
    assert [problem.where for problem in caught.value.problems] == [
        "--days", "--set agee", "--set female", "--set age_years", "--set bsa_m2",
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_a_patient_is_drawn(typical, tmp_path, ending):
    out = draw_patients({"blinatumomab": typical}, tmp_path / f"patient.{ending}", "A patient")
    assert out.stat().st_size > 10_000
    if ending == "html":
        assert "never advice on treating a patient" in out.read_text()


def test_other_endings_are_refused(typical, tmp_path):
    with pytest.raises(InputError, match="must end in"):
        draw_patients({"blinatumomab": typical}, tmp_path / "patient.doc", "A patient")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("age", "follows from age_years"),
        ("blasts_start", "follows from marrow_blasts_percent"),
        ("BSA", "follows from weight_kg and height_cm"),
        ("population_mortality", "follows from age_years and female"),
    ],
)
def test_a_parameter_that_a_covariate_sets_is_refused(name, told):
    with pytest.raises(InputError, match=told):
        simulate_patient(LABEL, days=1, changes={name: 1})


def test_a_quantity_below_nothing_is_refused():
    """A clearance of -1 made the drug rise for ever, without a word."""
    with pytest.raises(InputError, match=r"--set CL: got -1.*must be 0 or more \[L/h\]: clearance"):
        simulate_patient(LABEL, days=1, changes={"CL": -1.0})


def test_a_change_that_changes_nothing_is_told():
    told = simulate_patient(LABEL, days=7, changes={"performance": 2, "marrow_blasts_percent": 20}).notes
    assert told == ("performance = 2 changes none of the courses",)
    assert simulate_patient(LABEL, days=7, changes={"CL": 4.0}).notes == ()


def test_a_value_beyond_its_range_is_told_and_one_inside_is_not():
    row = load_model("b-all").parameters["growth"]
    (note,) = simulate_patient(LABEL, days=7, changes={"growth": 2 * row.high}).notes
    assert f"outside {row.low:g} to {row.high:g}" in note
    assert any("age_years = 95 lies outside 18 to 80" in one for one in _notes(age_years=95))
    assert not any("outside" in one for one in _notes(age_years=60))


def _notes(**changes):
    return simulate_patient(LABEL, days=2, changes=changes).notes
