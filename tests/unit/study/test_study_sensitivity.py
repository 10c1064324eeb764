"""Sensitivity of a study as a whole: both levels, what the fit could tell, and one page, at the smallest sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engager.calibration import Posterior, SobolIndex
from engager.model import load_model
from engager.protocol import Protocol
from engager.study import strongest_rows, study_sensitivity, write_sensitivity

pytest.importorskip("SALib")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    model = load_model("b-all")
    rng = np.random.default_rng(2)
    draws = np.column_stack([np.exp(rng.normal(np.log(3.0), 0.3, 30)), np.exp(rng.normal(np.log(60.0), 0.6, 30))])
    path = tmp_path_factory.mktemp("fit") / "posterior.json"
    Posterior(model.id, model.hash, ("k_kill", "h_crs"), draws).write(path)
    protocol = Protocol.model_validate(
        {"study": "short", "arms": {"a": {"n": 30, "regimen": "blinatumomab"}}, "follow_up": {"months": 2}}
    )
    return study_sensitivity(
        protocol, outputs=["CRS_grade3plus", "il6_peak"], samples=4, sets=20, patients=20, posterior=path, seed=3
    )


def test_each_level_tells_of_its_own_outputs_and_factors(found):
    assert found.patient.outputs == ("il6_peak",)
    assert found.trial.outputs == ("CRS_grade3plus",)
    assert {one.factor for one in found.trial.swings} == {"k_kill", "h_crs"}
    assert found.trial.over == "posterior"
    assert 0.0 <= found.trial.chance_share["CRS_grade3plus"] <= 1.0


def test_more_hazard_never_lowers_toxicity_under_common_chance(found):
    swing = next(one for one in found.trial.swings if one.factor == "h_crs")
    assert swing.low_value < swing.high_value
    assert swing.at_low <= swing.at_center <= swing.at_high


def test_the_folder_holds_every_table_and_the_page(found, tmp_path):
    page = write_sensitivity(found, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert "What moves the result of a trial" in text
    assert "What the data can tell" in text
    tables = {path.stem for path in page.parent.glob("*.parquet")}
    assert tables == {"sobol", "tornado", "rank-correlations", "unknowns", "correlations", "held"}
    assert set(pl.read_parquet(page.parent / "tornado.parquet")["level"]) == {"patient", "trial"}
    assert "### A trial (20 parameter sets over the posterior" in (page.parent / "sensitivity.md").read_text()


def test_outputs_of_a_trial_in_remission_leave_out_remission():
    protocol = Protocol.model_validate(
        {
            "study": "mrd",
            "population": {"setting": "mrd_positive"},
            "arms": {"a": {"n": 2, "regimen": "blinatumomab"}},
            "follow_up": {"months": 1},
        }
    )
    found = study_sensitivity(protocol, outputs=["cd8_nadir"], samples=2)
    assert found.trial is None
    assert "mrd_log10" in {one.factor for one in found.patient.indices}


def test_the_strongest_factors_are_told_in_words_and_only_where_enough_is_explained(found):
    one = SobolIndex("CRS_grade3plus", "h_crs", -0.002, -0.1, 0.1, 0.8, 0.6, 0.9)
    known = replace(found, trial=replace(found.trial, q2={"CRS_grade3plus": 0.9}, indices=(one,)))
    rows = strongest_rows(known)
    assert {row[1] for row in rows} == {"IL-6 peak (log10 pg/mL)", "CRS, grade 3+ (%)"}
    assert rows[-1][2].endswith(" (h_crs)")
    assert rows[-1][3:] == ["0 %", "80 %", "60 % to 90 %"]
    unknown = strongest_rows(replace(found, trial=replace(found.trial, q2={"CRS_grade3plus": 0.1})))
    (told,) = [row for row in unknown if row[0] == "trial"]
    assert told[2:] == ["too little is explained; more sets or patients are needed", "–", "–", "–"]


def test_the_page_lists_its_contents_and_folds_the_long_tables(found, tmp_path):
    page = write_sensitivity(found, tmp_path / "page").read_text()
    assert '<a href="#identifiability">What the data can tell</a>' in page
    assert "<summary><h2>What the data can tell</h2></summary>" in page
