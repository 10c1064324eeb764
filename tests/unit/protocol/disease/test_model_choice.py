"""A study names its model, whose patients, and the drug of each arm; what does not fit is refused by the key."""

from __future__ import annotations

import pytest
import yaml

from engager.core import InputError
from engager.model import load_model
from engager.protocol import Protocol, read_protocol, read_protocol_file, write_protocol

DRUG = {
    "title": "made for this test",
    "target": "CD19",
    "quantities": {
        "molar_mass": {"value": 100, "unit": "kg/mol", "assumed": "test", "range": [50, 200]},
        "target_affinity": {"value": 1, "unit": "nmol/L", "assumed": "test", "range": [0.1, 10]},
        "cd3_affinity": {"value": 100, "unit": "nmol/L", "assumed": "test", "range": [10, 1000]},
        "clearance": {"value": 0.5, "unit": "L/day", "sd_log": 0.2, "assumed": "test", "range": [0.1, 2]},
        "volume": {"value": 4, "unit": "L", "assumed": "test", "range": [2, 8]},
    },
}
NODAL = {"model": {"id": "b-all", "variant": "lymphoma"}, "population": {"setting": "lymphoma"}}


def study(**keys):
    return {"study": "one", "arms": {"a": {"n": 2, "regimen": "blinatumomab"}}, **keys}


def problems(raw):
    with pytest.raises(InputError) as caught:
        Protocol.model_validate(raw)
    return {problem.where: problem for problem in caught.value.problems}


def test_a_model_by_its_id_is_written_as_a_word_and_a_variant_as_a_pair():
    assert "\nmodel: b-all\n" in write_protocol(Protocol.model_validate(study()))
    nodal = Protocol.model_validate(study(**NODAL))
    again = read_protocol(write_protocol(nodal))
    assert again == nodal
    assert str(again.model) == "b-all/lymphoma"


def test_each_arm_has_its_own_drug_in_the_model():
    arms = {"own": {"n": 1, "regimen": "blinatumomab"}, "other": {"n": 1, "regimen": "blinatumomab", "drug": "mine"}}
    protocol = Protocol.model_validate(study(arms=arms, drugs={"mine": DRUG}))
    assert protocol.model_of("own") == load_model("b-all")
    assert protocol.model_of("other").parameters["V"].value == 4.0
    assert protocol.arms["other"].regimen.id == "mine-as-blinatumomab"
    assert set(protocol.model_hashes()) == {"model:b-all", "model:b-all+mine"}
    assert read_protocol(write_protocol(protocol)) == protocol


def test_chemotherapy_and_a_shipped_drug_need_no_description():
    arms = {"c": {"n": 1, "regimen": "flag"}, "d": {"n": 1, "regimen": "blinatumomab", "drug": "hypothetical-cd22"}}
    protocol = Protocol.model_validate(study(arms=arms))
    assert protocol.model_of("c").drug == "blinatumomab"
    assert protocol.model_of("d").target == "CD22"


def test_a_drug_file_is_read_into_the_study_so_that_its_text_stands_alone(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"drug": "mine", **DRUG}))
    raw = study(arms={"a": {"n": 1, "regimen": "blinatumomab", "drug": "mine.yaml"}})
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(raw))
    protocol = read_protocol_file(tmp_path / "study.yaml")
    assert protocol.drugs == {"mine": DRUG}
    (tmp_path / "mine.yaml").unlink()
    assert read_protocol(write_protocol(protocol)) == protocol


def test_what_is_wrong_in_a_drug_file_or_its_place_is_told_by_the_arm(tmp_path):
    raw = study(arms={"a": {"n": 1, "regimen": "blinatumomab", "drug": "absent.yaml"}})
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(raw))
    with pytest.raises(InputError, match=r"arms\.a\.drug \(line 3\).*readable drug file beside the study file"):
        read_protocol_file(tmp_path / "study.yaml")
    quantities = {**DRUG["quantities"], "clearance": {"value": -1, "unit": "L/day"}}
    (tmp_path / "absent.yaml").write_text(yaml.safe_dump({"drug": "mine", **DRUG, "quantities": quantities}))
    with pytest.raises(InputError, match=r"absent\.yaml: quantities\.clearance"):
        read_protocol_file(tmp_path / "study.yaml")


def test_unknown_variants_drugs_and_chemotherapy_with_a_drug_are_refused():
    assert "all, healthy, nhl" in problems(study(model={"id": "hosseini-2020", "variant": "mhl"}))["model.variant"].rule
    wrong = study(arms={"a": {"n": 1, "regimen": "blinatumomab", "drug": "blinatumomap"}})
    assert "blinatumomab" in problems(wrong)["arms.a.regimen.drug"].next_step
    wrong = study(arms={"a": {"n": 1, "regimen": "flag", "drug": "blinatumomab"}})
    with pytest.raises(InputError, match="chemotherapy"):
        read_protocol(yaml.safe_dump(wrong))
    found = problems(
        study(
            drugs={"mine": {**DRUG, "target": "CD20"}}, arms={"a": {"n": 1, "regimen": "blinatumomab", "drug": "mine"}}
        )
    )
    assert "is required: CD20 is not CD19" in found["arms.a.regimen.drug"].rule


def test_a_study_is_refused_with_every_part_that_its_model_lacks_and_the_variant_that_has_it():
    found = problems(study(endpoints=["ORR", "OS"]))
    assert set(found) == {"endpoints[0].id"}
    assert "variant: lymphoma} has it" in found["endpoints[0].id"].next_step
    found = problems(study(model={"id": "hosseini-2020", "variant": "nhl"}, population={"setting": "lymphoma"},
                           endpoints=["ORR", "OS", "CRS_any"], hsct={"offer": "in_response"}))  # fmt: skip
    assert set(found) == {"endpoints[1].id", "endpoints[2].id", "hsct.offer"}


def test_a_setting_and_its_covariates_belong_together():
    with pytest.raises(InputError, match="marrow_blasts_percent: belongs to the settings of leukemia"):
        read_protocol(
            yaml.safe_dump(study(**NODAL | {"population": {"setting": "lymphoma", "marrow_blasts_percent": 50}}))
        )
    with pytest.raises(InputError, match="tumor_mL: belongs to the setting lymphoma"):
        read_protocol(yaml.safe_dump(study(population={"tumor_mL": 50})))
    nodal = Protocol.model_validate(study(**NODAL))
    assert "marrow_blasts_percent" not in nodal.population.covariates()
    assert nodal.hsct.offer == nodal.later_therapy.offer == "never"


def test_endpoints_of_lymphoma_are_those_the_model_shows():
    named = {one.id for one in Protocol.model_validate(study(**NODAL)).endpoints}
    assert {"ORR", "CR", "PFS", "OS", "CRS_any", "b_cell_depletion"} <= named
    published = study(model={"id": "hosseini-2020", "variant": "nhl"}, population={"setting": "lymphoma"})
    assert {one.id for one in Protocol.model_validate(published).endpoints} == {
        "ORR", "CR", "TTP", "b_cell_depletion", "il6_high",
    }  # fmt: skip
