"""A patient as a model file is read back with the patient's own numbers."""

from __future__ import annotations

import pytest

from engager.model import load_model, read_antimony
from engager.study import patient_antimony, regimen_by_id, simulate_patient


def test_antimony_holds_this_patients_numbers():
    one = simulate_patient(regimen_by_id("blinatumomab"), days=1, changes={"CL": 5.0, "marrow_blasts_percent": 20})
    text = patient_antimony(one)
    system = read_antimony(text)
    assert "marrow_blasts_percent 20" in text
    row = load_model("b-all").parameters["CL"]
    assert system.defaults["CL"] == pytest.approx(5.0 * row.to_model)
    for name in ("k_kill", "growth"):
        assert system.defaults[name] == pytest.approx(one.parameters[name])
