"""`engager design`: tables, JSON, folder, determinism, bad input, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from engager.core import digest

EXAMPLES = Path(__file__).parents[2] / "examples"
SINGLE = """
study: single
simulated_only: true
arms: {a: {n: 24, regimen: blinatumomab}}
follow_up: {months: 4, accrual_months: 3}
endpoints: [{id: CR, window_weeks: 8}]
design:
  primary: CR
  test: exact
  null_share: 0.15
  patients: [12, 24]
  null_arm: {regimen: soc-chemotherapy-tower}
"""
RANDOMIZED = """
study: two
simulated_only: true
arms:
  a: {n: 20, regimen: blinatumomab}
  b: {n: 10, regimen: soc-chemotherapy-tower}
follow_up: {months: 4, accrual_months: 2}
endpoints: [{id: CR, window_weeks: 8}, OS]
design: {primary: OS, events: 12, information: [0.5, 1]}
"""


def written(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_json_is_one_object_and_the_same_for_the_same_seed(engager, tmp_path):
    path = written(tmp_path, SINGLE)
    options = ("--replicates", 6, "--quiet", "--json")
    first, again = (engager("design", path, *options, "--threads", n) for n in (1, 2))
    other = engager("design", path, *options, "--seed", 2)
    assert first.code == 0, first.err
    assert first.out == again.out
    told, differs = json.loads(first.out), json.loads(other.out)
    assert [row["patients"] for row in told["rows"]] == [12, 24]
    assert told["rows"] != differs["rows"]
    row = told["rows"][1]
    for name in ("assurance", "power_at_median", "type_1_error", "type_1_error_at_median"):
        assert {"value", "standard_error", "low", "high", "n"} == set(row[name]["success"])
    # R: binom.test(8, 24, 0.15, alternative = "greater")$p.value is 0.0199; of 7 it is 0.0572
    assert row["looks"] == [
        {"look": 1, "information": 1.0, "patients": 24, "events": None, "success_from": 8.0, "futility_to": None}
    ]


def test_the_table_names_what_was_decided(engager, tmp_path):
    found = engager("design", written(tmp_path, RANDOMIZED), "--replicates", 4, "--quiet")
    assert found.code == 0, found.err
    for words in ("log-rank test", "assurance", "type I error", "6 events (50 %)", "12 events (100 %)", "z 2.963"):
        assert words in found.out
    assert "Monte Carlo standard error" in found.err


def test_a_folder_holds_page_tables_and_manifest(engager, tmp_path):
    out = tmp_path / "found"
    found = engager("design", written(tmp_path, SINGLE), "--replicates", 4, "--quiet", "--out", out, "--json")
    assert found.code == 0, found.err
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "Whatever the truth is" in page
    assert json.loads((out / "design.json").read_text()) == json.loads(found.out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["inputs"]["protocol"] == digest((out / "study.yaml").read_text(encoding="utf-8"))
    assert {"seed", "versions", "replicates"} <= set(manifest)
    trials = pl.read_parquet(out / "trials.parquet")
    # two sizes, two worlds, two settings
    assert trials.height == 4 * 2 * 2 * 2
    again = engager("design", out / "study.yaml", "--replicates", 4, "--quiet", "--json")
    assert json.loads(again.out)["rows"] == json.loads(found.out)["rows"]


@pytest.mark.parametrize("text", [SINGLE, RANDOMIZED], ids=["single", "randomized"])
def test_virtual_trials_are_added_to_a_finished_design(engager, tmp_path, text):
    path, out, whole = written(tmp_path, text), tmp_path / "grows", tmp_path / "whole"
    engager("design", path, "--replicates", 3, "--quiet", "--out", out)
    before = {one.name: one.read_bytes() for one in (out / "arms").iterdir()}
    more = engager("design", out / "study.yaml", "--replicates", 7, "--quiet", "--out", out, "--resume")
    assert more.code == 0, more.err
    assert "Kept 3 earlier virtual trials and simulated 4 more" in more.err
    engager("design", path, "--replicates", 7, "--quiet", "--out", whole)
    assert (out / "design.json").read_bytes() == (whole / "design.json").read_bytes()
    assert pl.read_parquet(out / "trials.parquet").equals(pl.read_parquet(whole / "trials.parquet"))
    after = {one.name: one.read_bytes() for one in (out / "arms").iterdir()}
    assert after | before == after
    assert {one.name.split("-")[1] for one in (out / "arms").iterdir()} == {"0", "3"}  # the new pieces begin at trial 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["grows", "study.yaml", "whole"]


def test_what_is_not_the_same_design_is_not_added_to(engager, tmp_path):
    path, out = written(tmp_path, SINGLE), tmp_path / "found"
    engager("design", path, "--replicates", 3, "--quiet", "--out", out)
    held = {one: one.read_bytes() for one in out.rglob("*") if one.is_file()}
    other = written(tmp_path, SINGLE.replace("null_share: 0.15", "null_share: 0.2"))
    found = engager("design", other, "--replicates", 3, "--seed", 2, "--quiet", "--out", out, "--resume")
    assert found.code == 2
    for words in ("must be the study of the finished design", "--seed", "more than the 3"):
        assert words in found.err
    assert {one: one.read_bytes() for one in out.rglob("*") if one.is_file()} == held
    nowhere = engager("design", path, "--replicates", 4, "--quiet", "--out", tmp_path / "none", "--resume")
    assert nowhere.code == 2
    assert "must hold a finished design" in nowhere.err
    assert engager("design", path, "--resume").code == 2


def test_a_folder_that_exists_is_not_touched(engager, tmp_path):
    found = engager("design", written(tmp_path, SINGLE), "--out", tmp_path)
    assert found.code == 2
    assert "must not exist yet" in found.err


def test_bad_options_are_told_together(engager, tmp_path):
    options = ("--replicates", 1, "--seed", -1, "--threads", 0, "--parameters", "center")
    found = engager("design", written(tmp_path, SINGLE), *options)
    assert found.code == 2
    for words in ("--replicates", "--seed", "--threads", "--parameters"):
        assert words in found.err


@pytest.mark.parametrize("sizes", ["many", "12,0", "12,,24"])
def test_sizes_that_are_none_are_refused(engager, tmp_path, sizes):
    found = engager("design", written(tmp_path, SINGLE), "--patients", sizes)
    assert found.code == 2
    assert "--patients" in found.err


def test_a_study_without_a_design_says_what_to_add(engager):
    found = engager("design", "tower")
    assert found.code == 2
    assert "design block" in found.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test: exact": "test: log_rank"}, "must be one of exact, simon, bayesian with one arm"),
        ({"primary: CR": "primary: MRD_response"}, "must be an endpoint of the study"),
        ({"primary: CR": "primary: CRS_any"}, "more is better"),
        ({"null_share: 0.15": "alpha: 0.7"}, "less than 0.5"),
        ({"  null_share: 0.15\n": ""}, "is needed by the test exact"),
        ({"test: exact": "test: bayesian", "  null_share: 0.15\n": "  threshold: 1.2\n"}, "threshold"),
        ({"null_share: 0.15": "null_share: 0.15\n  information: [0.5, 1]"}, "has no place with the test exact"),
        ({"null_share: 0.15": "null_share: 0.15\n  simon: {n1: 9}"}, "belongs to simon"),
        ({"soc-chemotherapy-tower": "soc-chemotherapy-twoer"}, "Did you mean"),
        ({"patients: [12, 24]": "patients: [12, 12]"}, "each size once"),
        ({"test: exact": "tset: exact"}, "Did you mean test"),
        ({"primary: CR": "primary: MRD_response", "{id: CR,": "{id: MRD_response,"}, "counts every patient"),
    ],
)
def test_a_bad_block_is_told_with_its_key(engager, tmp_path, change, words):
    text = SINGLE
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    found = engager("design", written(tmp_path, text))
    assert found.code == 2
    assert words in found.err
    assert "design." in found.err


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("{primary: OS, events: 12, information: [0.5, 0.4, 1]}", "must rise"),
        ("{primary: OS, events: 12, information: [0.5, 0.8]}", "must end with 1"),
        ("{primary: OS, information: [0.5, 1]}", "design.events"),
        ("{primary: OS, events: 300}", "30 patients"),
        ("{primary: OS, events: [6, 12], futility: [0, 1]}", "must have 1 values"),
        ("{primary: OS, treatment: c}", "must be an arm of the study"),
        ("{primary: OS, treatment: a, control: a}", "must differ"),
        ("{primary: CR, events: 12}", "belongs to a time to event"),
        ("{primary: CR, information: [0.5, 0.6, 1], patients: 3}", "too few for 3 looks"),
        ("{primary: CR, margin: 0.1}", "belongs to bayesian"),
    ],
)
def test_a_bad_randomized_block_is_told(engager, tmp_path, block, words):
    text = RANDOMIZED[: RANDOMIZED.index("design:")] + f"design: {block}\n"
    found = engager("design", written(tmp_path, text))
    assert found.code == 2
    assert words in found.err


def test_problems_of_a_block_come_together(engager, tmp_path):
    text = RANDOMIZED[: RANDOMIZED.index("design:")]
    text += "design: {primary: CRi, events: [9, 6], futility: [0, 0, 0], null_share: 0.2}\n"
    found = engager("design", written(tmp_path, text))
    for key in ("design.primary", "design.events", "design.futility", "design.null_share"):
        assert key in found.err


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ("{records: [tower-2016]}", "tower-2017"),
        ("{records: [hosseini-2020]}", "has no published proportion of CR"),
        ("{endpoint: OS}", "a yes/no endpoint"),
        ("{regimens: [no-such]}", "design.prior"),
        ("{drug_class: chemotherapy, year: 1900-1901}", "design.prior"),
    ],
)
def test_a_prior_without_records_is_refused(engager, tmp_path, prior, words):
    text = SINGLE.replace("test: exact", "test: bayesian").replace("null_share: 0.15", f"prior: {prior}")
    found = engager("design", written(tmp_path, text))
    assert found.code == 2
    assert words in found.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('{"arms.z.n": 3}', "'z' does not"),
        ('{"arms.a.regimen.doses[9].amount": 3}', "9 does not"),
        ('{"population.prior_hsct": 3}', "population.prior_hsct"),
        ('{"population.prior_hscst": 0.3}', "Did you mean prior_hsct"),
        ('{"design.alpha": 0.1}', "must lead to a key that is simulated"),
        ('{"model": "hosseini-2020"}', "must lead to a key that is simulated"),
    ],
)
def test_a_scenario_that_leads_nowhere_is_told(engager, tmp_path, change, words):
    found = engager("design", written(tmp_path, f"{SINGLE}  scenarios: {{other: {change}}}\n"))
    assert found.code == 2
    assert "design.scenarios.other" in found.err
    assert words in found.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_leaves_with_130_and_no_result(tmp_path):
    command = [sys.executable, "-m", "engager", "design", str(EXAMPLES / "design-randomized.yaml"), "--out", "found"]
    with subprocess.Popen(
        [*command, "--replicates", "5000"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "simulating" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert out == ""
    if "before the first arm was finished; nothing was written" in err:
        assert not (tmp_path / ".found.arms").exists()
    else:
        assert "kept in .found.arms. Go on with the same options." in err
    assert not (tmp_path / "found").exists()
