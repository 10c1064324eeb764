"""The within-patient calibration end to end, cut short, and the figure that checks it."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration import (
    calibrate_time_courses,
    load_observations,
    load_time_course_fit,
    write_time_course_fit,
)
from engager.calibration.courses.cohort import cohort_likelihood, predict
from engager.core import InputError
from engager.model import load_model

SHORT = {"n_burn": 6, "n_smooth": 3, "n_final": 60, "n_chains": 1, "n_importance": 150, "n_il6_patients": 20,
         "n_il6_evaluations": 20, "with_profiles": False}  # fmt: skip


@pytest.fixture(scope="module")
def short_fit():
    return calibrate_time_courses(3, **SHORT)


def test_a_fit_can_be_written_and_read_again(short_fit, tmp_path):
    path = tmp_path / "fit.yaml"
    write_time_course_fit(short_fit, path)
    again = load_time_course_fit(path)
    assert again.population == pytest.approx(short_fit.population, rel=1e-5)
    assert again.provenance["seed"] == 3
    assert again.profiles == {}
    assert set(again.standard_errors) == set(short_fit.standard_errors)


def test_what_is_held_keeps_its_value_and_says_why(short_fit):
    model = load_model("b-all")
    assert short_fit.population["CL"] == pytest.approx(model.parameters["CL"].model_value)
    assert short_fit.population["CL.sd"] == 0.476
    assert "CL" not in short_fit.standard_errors
    assert all(len(why) > 10 for why in short_fit.held.values())


def test_estimates_stay_within_their_ranges(short_fit):
    model = load_model("b-all")
    for name in ("tau_adapt", "drive50", "k_prolif", "k_home", "target50_l"):
        row = model.parameters[name]
        assert row.low * row.to_model <= short_fit.population[name] * 1.0001
        assert short_fit.population[name] <= row.high * row.to_model * 1.0001


def test_readings_of_a_simulated_cohort_are_likelier_under_what_made_them():
    model = load_model("b-all")
    data = load_observations()
    cd8, b = data.courses["OBS-T1"], data.courses["OBS-B1"]
    names = ["k_prolif", "tau_adapt"]
    truth = np.log([[1.5, 2.5]])
    made = predict(model, names, truth, cd8.time_days, ["cd8_per_uL"])["cd8_per_uL"]
    copy = type(cd8)(**{**cd8.__dict__, "values": np.repeat(made, len(cd8.patients), axis=0)})
    terms = cohort_likelihood(model, names, copy, b).terms
    phi = truth + np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    found, squares, counts = terms(phi, np.zeros(3, dtype=np.int64), np.array([0.3, 1.0]))
    assert squares[0, 0] < 1e-3
    assert counts[0, 0] == cd8.time_days.size
    assert found[0] > found[1:].max() + 1


def test_a_missing_fit_is_told(tmp_path):
    with pytest.raises(InputError, match="calibrate_time_courses"):
        load_time_course_fit(tmp_path / "none.yaml")
