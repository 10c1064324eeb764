"""`engager patient` and `engager model`: what they print."""

from __future__ import annotations

import csv
import io
import json

import pytest

DECAY = "model decay\n  x = 10; k = 0.5\n  x' = -k*x\nend\n"


def test_patient_draws_and_tells_who_on_stderr(engager, tmp_path):
    out = tmp_path / "patient.svg"
    found = engager("patient", "--days", 2, "--set", "age_years=60", "--out", out)
    assert (found.code, found.out) == (0, "")
    assert "age_years 60" in found.err
    assert out.stat().st_size > 10_000
    again = engager("patient", "--days", 2, "--out", out)
    assert again.code == 2
    assert "must not exist" in again.err


def test_patient_writes_regimens_into_one_table(engager, tmp_path):
    out = tmp_path / "p.csv"
    assert engager("patient", "--days", 1, "--compare", "flag", "--out", out).code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert {row["regimen"] for row in rows} == {"blinatumomab", "flag"}
    assert [float(row["day"]) for row in rows[:5]] == [0, 0.25, 0.5, 0.75, 1]
    assert float(rows[4]["drug_pg_per_mL"]) > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "age_years"], "--set: got 'age_years'"),
        (["--set", "marrow_blasts_percent=5%"], "Write 5: the key counts percent."),
        (["--set", "agee=3"], "Did you mean age"),
        (["--regimen", "blinatumomap"], "Did you mean blinatumomab"),
        (["--regimen", "allo-hsct-unrelated-marrow"], "transplant"),
        (["--days", "-1"], "--days: got -1"),
        (["--model", "b-al"], "b-all"),
        (["--out", "patient.doc", "--days", "1"], "must end in"),
    ],
)
def test_patient_refuses_what_it_cannot_use(engager, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    found = engager("patient", *arguments)
    assert (found.code, found.out) == (2, "")
    assert told in found.err
    assert list(tmp_path.iterdir()) == []


def test_model_list_and_show(engager):
    assert {"b-all"} <= {row["id"] for row in json.loads(engager("model", "list", "--json").out)}
    content = json.loads(engager("model", "show", "b-all", "--json").out)
    clearance = next(row for row in content["parameters"] if row["name"] == "CL")
    assert (clearance["value"], clearance["unit"]) == (2.22, "L/h")
    assert clearance["from"] in content["sources"]
    assert "clearance" in engager("model", "show", "b-all").out.lower()


def test_model_simulate_prints_csv(engager, tmp_path):
    path = tmp_path / "decay.ant"
    path.write_text(DECAY)
    found = engager("model", "simulate", path, "--until", 2, "--step", 1, "--set", "k=1")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert [float(row["x"]) for row in rows] == pytest.approx([10, 3.6787944, 1.3533528], rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--until", -1], "until"), (["--until", 1, "--set", "q=1"], "q"), ([], "until")],
)
def test_model_simulate_refuses(engager, tmp_path, arguments, told):
    path = tmp_path / "decay.ant"
    path.write_text(DECAY)
    found = engager("model", "simulate", path, *arguments)
    assert (found.code, found.out) == (2, "")
    assert told in found.err


def test_model_verify_counts_cases(engager, tmp_path):
    found = engager("model", "verify", tmp_path)
    assert found.code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--device", "tpu"], "--device"), (["--patients", 0], "--patients"), (["--model", "b-al"], "b-all")],
)
def test_bench_refuses_what_it_cannot_compare(engager, arguments, told):
    found = engager("bench", *arguments)
    assert (found.code, found.out) == (2, "")
    assert told in found.err


def test_the_page_of_a_patient_is_a_page_of_the_house(engager, tmp_path):
    out = tmp_path / "patient.html"
    assert engager("patient", "--days", 3, "--compare", "flag", "--out", out).code == 0
    page = out.read_text()
    assert "width=device-width" in page
    assert "prefers-color-scheme: dark" in page
    assert "Man, age 37 years, weight 75 kg, height 172 cm; marrow blasts 80 %; first salvage;" in page
    assert 'class="wide"' in page
    assert 'class="narrow"' in page
