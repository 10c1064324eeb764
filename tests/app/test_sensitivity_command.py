"""`engager sensitivity`: files, output text, JSON and bad input."""

from __future__ import annotations

import json

import polars as pl
import pytest

pytest.importorskip("SALib")

ONE_PATIENT = ("--outputs", "blast_reduction,il6_peak", "--samples", 4, "--quiet")


def test_one_patient_leaves_tables_figures_and_a_page(engager, tmp_path):
    out = tmp_path / "found"
    found = engager("sensitivity", "tower", *ONE_PATIENT, "--out", out)
    assert found.code == 0, found.err
    assert "k_IL6" in found.out
    assert (out / "sensitivity.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (out / "figures" / "sobol-patient.svg").is_file()
    assert (out / "figures" / "tornado-patient.png").is_file()
    assert "| IL-6 peak (log10 pg/mL) | `k_IL6`" in (out / "sensitivity.md").read_text(encoding="utf-8")
    table = pl.read_parquet(out / "sobol.parquet")
    assert set(table["output"]) == {"blast_reduction", "il6_peak"}
    assert set(table["level"]) == {"patient"}
    told = json.loads((out / "sensitivity.json").read_text())
    assert told["trial"] is None


def test_json_is_one_object_and_the_same_for_the_same_seed(engager, tmp_path, monkeypatch):
    # Drawing takes longer than the analysis and is no part of this claim.
    monkeypatch.setattr("engager.study.write_sensitivity", lambda found, folder: folder / "sensitivity.html")
    seen = [
        json.loads(engager("sensitivity", "tower", *ONE_PATIENT, "--out", tmp_path / str(k), "--json").out)
        for k in range(2)
    ]
    assert seen[0] == seen[1]
    patient = seen[0]["patient"]
    assert patient["n_patients"] == 4 * (len({one["factor"] for one in patient["indices"]}) + 2)


def test_a_summary_keeps_the_strongest_factors_and_where_they_came_from(engager, tmp_path):
    path = tmp_path / "summary.json"
    found = engager("sensitivity", "tower", *ONE_PATIENT, "--out", tmp_path / "found", "--summary", path)
    assert found.code == 0, found.err
    told, whole = json.loads(path.read_text()), json.loads((tmp_path / "found" / "sensitivity.json").read_text())
    assert told["made"]["study"] == "tower"
    assert told["made"]["samples"] == 4
    assert told["trial"] is None
    assert set(told["patient"]["outputs"]) == {"il6_peak"}
    of_il6 = [one for one in whole["patient"]["indices"] if one["output"] == "il6_peak"]
    strongest = max(of_il6, key=lambda one: one["total"])
    assert told["patient"]["indices"][0]["factor"] == strongest["factor"]
    assert told["patient"]["indices"][0]["total"] == pytest.approx(strongest["total"], rel=1e-3)
    away = tmp_path / "no" / "summary.json"
    refused = engager("sensitivity", "tower", *ONE_PATIENT, "--out", tmp_path / "two", "--summary", away)
    assert refused.code == 2
    assert "--summary" in refused.err


def test_bad_input_is_told_together(engager, tmp_path):
    found = engager(
        "sensitivity", "tower", "--outputs", "il6_paek", "--samples", 100, "--sets", 3, "--over", "all",
        "--out", tmp_path / "none",
    )  # fmt: skip
    assert found.code == 2
    for words in ("il6_peak", "power of two", "between 20", "posterior or prior"):
        assert words in found.err
    assert not (tmp_path / "none").exists()


def test_a_folder_that_exists_is_not_touched(engager, tmp_path):
    found = engager("sensitivity", "tower", *ONE_PATIENT, "--out", tmp_path)
    assert found.code == 2
    assert "must not exist yet" in found.err


def test_a_file_that_is_no_posterior_is_refused(engager, tmp_path):
    path = tmp_path / "posterior.json"
    path.write_text('{"model": "b-all"}')
    found = engager("sensitivity", "tower", *ONE_PATIENT, "--posterior", path, "--out", tmp_path / "none")
    assert found.code == 2
    assert "engager calibrate" in found.err
