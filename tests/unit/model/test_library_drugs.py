"""Another engager by a parameter file alone."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.engine import Action
from engager.model import drug_ids, load_model, read_drug
from engager.model.drug import apply_drug

DRUG = """
drug: second
title: a second engager
target: CD19
sources: {lab: "own measurement"}
quantities:
  molar_mass: {value: 55, unit: kg/mol, source: lab}
  target_affinity: {value: 3, unit: nmol/L, source: lab}
  cd3_affinity: {value: 26, unit: nmol/L, source: lab}
  clearance: {value: 0.5, unit: L/day, sd_log: 0.2, assumed: guess, range: [0.1, 1]}
  volume: {value: 4000, unit: mL, source: lab}
"""


@pytest.fixture
def drug_file(tmp_path):
    def write(text=DRUG):
        path = tmp_path / "second.yaml"
        path.write_text(text)
        return path

    return write


def test_a_file_alone_puts_another_drug_into_the_model(drug_file):
    model = load_model("b-all", drug=drug_file())
    plain = load_model("b-all")
    assert model.drug == "second"
    assert model.system.defaults["CL"] == pytest.approx(0.5)
    assert model.system.defaults["V"] == pytest.approx(4.0)
    assert model.system.defaults["molar_mass"] == pytest.approx(55000)
    assert model.parameters["CL"].sd_log == 0.2
    assert model.parameters["KD_cd3"].source == "second/lab"
    assert model.sources["second/lab"] == "own measurement"
    assert model.system.defaults["k_absorb"] == plain.system.defaults["k_absorb"]
    assert model.hash != plain.hash
    assert plain.system.defaults["CL"] == pytest.approx(53.28)


def test_tighter_binding_needs_less_drug(follow, drug_file):
    """Same levels of both drugs: ten times the affinity for CD3 gives ten times the trimers at low dose."""
    plain = load_model("b-all").with_values({"CL": 53.28})
    second = apply_drug(plain, read_drug(drug_file())).with_values({"CL": 53.28, "V": 5.98, "KD_cd19": 1.49})
    trimers = [follow(model, [0, 2], infusions=[[(0, 1.0)]]).at("trimer_b", 2)[0] for model in (plain, second)]
    assert trimers[1] / trimers[0] == pytest.approx(10.0, rel=0.01)


def test_the_hypothetical_drug_works_under_the_skin(follow):
    assert "hypothetical-cd22" in drug_ids()
    model = load_model("b-all", drug="hypothetical-cd22")
    doses = [(float(day), Action.ADD_TO_STATE, "depot", 300.0) for day in (0, 7, 14, 21)]
    days = np.arange(0, 43, 0.5)
    run = follow(model, days, acts=doses)
    level = run["drug_pg_per_mL"][0]
    assert 0.5 < days[:14][level[:14].argmax()] < 5
    assert level[days == 21][0] > level[days == 7][0]  # weekly doses add up
    # what enters leaves: area under the curve of all doses
    late = np.arange(0, 200, 0.25)
    exposure = np.trapezoid(follow(model, late, acts=doses)["drug_conc"][0], late)
    assert exposure == pytest.approx(0.7 * 1200 / 0.6, rel=0.01)
    assert run["b_per_uL"][0].min() < 1
    assert run["Lp"][0, -1] < run["Lp"][0, 0]


def test_depot_without_bioavailability_gives_no_drug(follow):
    model = load_model("b-all").with_values({"F_sc": 0.0})
    run = follow(model, [0, 7], acts=[(0.0, Action.ADD_TO_STATE, "depot", 300.0)])
    assert np.all(run["drug_conc"] == 0)


def test_another_target_needs_its_numbers_on_cells(drug_file):
    path = drug_file(DRUG.replace("target: CD19", "target: CD22"))
    with pytest.raises(InputError) as error:
        load_model("b-all", drug=path)
    assert "target_per_b_cell" in str(error.value)
    assert "target_per_blast" in str(error.value)


def test_all_problems_of_a_drug_file_are_told_together(drug_file):
    text = DRUG.replace("volume: {value: 4000", "volme: {value: -1")
    text = text.replace("source: lab}\n  target", "source: lap}\n  target").replace("assumed: guess, ", "")
    with pytest.raises(InputError) as error:
        read_drug(drug_file(text))
    told = str(error.value)
    for part in ("must be a number above 0", "volume", "lap", "needs `source`"):
        assert part in told


def test_a_number_beyond_any_float_is_told_as_a_slip(drug_file):
    with pytest.raises(InputError, match="must be a number above 0"):
        read_drug(drug_file(DRUG.replace("volume: {value: 4000", f"volume: {{value: 4{'0' * 400}")))


def test_wrong_units_and_unknown_words_are_refused_by_the_model(drug_file):
    text = DRUG.replace("unit: L/day", "unit: L") + "  halflife: {value: 1, unit: day, source: lab}\n"
    with pytest.raises(InputError) as error:
        load_model("b-all", drug=drug_file(text))
    assert "dimension of L/h" in str(error.value)
    assert "halflife" in str(error.value)


def test_a_drug_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="hypothetical-cd22"):
        load_model("b-all", drug="hypothetical")
    with pytest.raises(InputError, match="drug_fields"):
        load_model("hosseini-2020", drug="hypothetical-cd22")
