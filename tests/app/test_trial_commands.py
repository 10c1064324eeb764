"""`engager trial` and `engager replay`: output text, JSON, bad input, interrupts."""

from __future__ import annotations

import json
import os
import sys

import pytest
import yaml

from engager.core import InputError
from engager.protocol import read_protocol, shipped_protocol
from engager.trial import replicates

SMALL_RUN = ("--replicates", 2, "--patients", 6, "--quiet")


def test_list_names_every_study(engager):
    found = engager("trial", "list")
    assert "tower" in found.out
    rows = json.loads(engager("trial", "list", "--json").out)
    tower = next(row for row in rows if row["id"] == "tower")
    assert tower["arms"] == {"blinatumomab": 271, "chemotherapy": 134}


def test_show_prints_a_study_file_that_reads_back(engager):
    shown = engager("trial", "show", "tower")
    assert read_protocol(shown.out) == shipped_protocol("tower")
    assert "Note: " in shown.err
    assert json.loads(engager("trial", "show", "tower", "--json").out)["study"] == "tower"


def test_a_template_has_no_targets_and_keeps_the_rest(engager):
    shown = engager("trial", "show", "tower", "--as-template")
    template, shipped = read_protocol(shown.out), shipped_protocol("tower")
    assert (template.targets, template.record, template.title) == ((), None, "")
    assert (template.population, template.arms, template.hsct) == (shipped.population, shipped.arms, shipped.hsct)
    assert "Left out: targets, record and title" in shown.err


def test_what_lies_outside_the_fit_is_told_on_every_surface(engager, tmp_path):
    study = tmp_path / "far.yaml"
    study.write_text(
        "study: far\npopulation: {setting: untreated}\n"
        "arms: {a: {n: 6, regimen: {drug: blinatumomab, cycle_days: 42, cycles: 1,"
        " doses: [{days: 1-28, amount: 28000, unit: ug/day}]}}}\n"
    )
    assert "OUTSIDE WHAT THE MODEL WAS FITTED TO" in engager("trial", "show", study).err
    found = engager("trial", "run", study, *SMALL_RUN, "--out", tmp_path / "run", "--json")
    told = json.loads(found.out)["outside_fit"]
    assert any(text.startswith("Setting: untreated") for text in told)
    assert any(text.startswith("Dose (a): 28,000 ug/day") for text in told)
    page = (tmp_path / "run" / "report.html").read_text()
    assert all(text in found.err and text in page for text in told)
    assert "OUTSIDE" not in engager("trial", "show", "tower").err


def test_no_report_leaves_the_page_out_and_changes_no_number(engager, tmp_path):
    runs = {}
    for name, option in (("with", "--report"), ("without", "--no-report")):
        found = engager("trial", "run", "mt103-206", *SMALL_RUN, option, "--out", tmp_path / name)
        assert found.code == 0, found.err
        runs[name] = json.loads((tmp_path / name / "run.json").read_text())
        assert (tmp_path / name / "report.html").exists() == (name == "with")
        assert ("(no report)" in found.err) == (name == "without")
    assert runs["with"]["tables"] == runs["without"]["tables"]
    assert "report.html" not in runs["without"]["sha256"]
    assert engager("replay", tmp_path / "without").code == 0


def test_schema_is_json(engager):
    assert json.loads(engager("trial", "schema").out)["title"].startswith("engager study file")


def test_run_json_is_one_object_with_the_promised_comparisons(engager, tmp_path):
    found = engager("trial", "run", "tower", *SMALL_RUN, "--out", tmp_path / "run", "--json")
    assert found.code == 0, found.err
    summary = json.loads(found.out)
    assert list(summary) == [
        "run", "trial", "seed", "replicates", "patients_per_replicate", "seconds", "n_after_cut", "n_failed",
        "outside_fit", "verdict", "comparisons",
    ]  # fmt: skip
    there = {(one["arm"], one["endpoint"], one["statistic"], one["time_months"]) for one in summary["comparisons"]}
    for arm in ("blinatumomab", "chemotherapy"):
        assert {(arm, "CR", "proportion", None), (arm, "CR/CRh/CRi", "proportion", None)} <= there
        assert {(arm, "OS", "median", None), (arm, "EFS", "survival_at", 6.0)} <= there
    assert ("blinatumomab vs chemotherapy", "OS", "hazard_ratio", None) in there
    report = (tmp_path / "run" / "report.html").read_text()
    assert "never advice on treating a patient" in report
    assert "http" not in "".join(line for line in report.splitlines() if "<script" in line or "<link" in line)


def test_run_prints_the_comparison_and_tells_progress_on_stderr(engager, tmp_path):
    found = engager("trial", "run", "tower", "--replicates", 1, "--patients", 6, "--out", tmp_path / "run")
    assert "OS" in found.out
    assert "simulating" not in found.out
    assert "simulating: 0 of 6 patients, 0 of 1 replicates" in found.err
    assert f"Report: {tmp_path / 'run' / 'report.html'}" in found.err


def test_a_users_own_file_runs_the_same_way(engager, no_report, tmp_path):
    path = tmp_path / "mine.yaml"
    content = yaml.safe_load(engager("trial", "show", "tower").out)
    path.write_text(yaml.safe_dump(content))
    one = json.loads(engager("trial", "run", path, *SMALL_RUN, "--out", tmp_path / "a", "--json").out)
    two = json.loads(engager("trial", "run", "tower", *SMALL_RUN, "--out", tmp_path / "b", "--json").out)
    assert one["comparisons"] == two["comparisons"]


def test_a_study_without_targets_prints_what_was_simulated(engager, no_report, tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD)
    found = engager("trial", "run", tmp_path / "mine.yaml", "--replicates", 2, "--quiet", "--out", tmp_path / "r")
    assert found.code == 0, found.err
    assert "CR/CRh/CRi" in found.out
    assert "Nothing published to compare with" in found.err


def test_replay_gives_the_same_bits(engager, no_report, tmp_path):
    engager("trial", "run", "tower", *SMALL_RUN, "--out", tmp_path / "run")
    found = engager("replay", tmp_path / "run" / "run.json")
    assert found.code == 0
    assert "same, bit by bit" in found.out
    manifest = tmp_path / "run" / "run.json"
    manifest.write_text(manifest.read_text().replace('"seed": 1,', '"seed": 2,'))
    changed = engager("replay", tmp_path / "run", "--json")
    assert changed.code == 1
    assert "patients" in json.loads(changed.out)["different"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--replicates", 0], "--replicates: got 0"),
        (["--replicates", -2], "--replicates: got -2"),
        (["--patients", 0], "--patients: got 0"),
        (["--seed", -1], "--seed: got -1"),
        (["--threads", 0], "--threads: got 0"),
        (["--resume"], "--resume"),
    ],
)
def test_bad_options_are_told_and_nothing_is_written(engager, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    found = engager("trial", "run", "tower", *options)
    assert (found.code, found.out) == (2, "")
    assert told in found.err
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_refused(engager, tmp_path):
    found = engager("trial", "run", "tower", "--out", tmp_path)
    assert found.code == 2
    assert "must not exist" in found.err


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(engager, tmp_path):
    tmp_path.chmod(0o500)
    found = engager("trial", "run", "tower", "--out", tmp_path / "run")
    tmp_path.chmod(0o700)
    assert found.code == 2
    assert "can be written" in found.err


def test_a_place_below_a_file_is_refused(engager, tmp_path):
    (tmp_path / "file").write_text("")
    found = engager("trial", "run", "tower", "--out", tmp_path / "file" / "run")
    assert found.code == 2
    assert "can be written" in found.err


GOOD = """
study: mine
arms:
  a:
    n: 4
    regimen: {drug: blinatumomab, cycle_days: 42, cycles: 1, doses: [{days: 1-28, amount: 28, unit: ug/day}]}
follow_up: {months: 6}
"""


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("amount: 28, ", "", "doses[0].amount (line 6)"),
        ("amount: 28", "amount: -28", "greater than 0"),
        ("unit: ug/day", "unit: mg/L", "must be a dose"),
        ("months: 6", "months: -6", "follow_up.months (line 7)"),
        ("n: 4", "n: -4", "arms.a.n (line 5)"),
        ("n: 4", "n: 0", "arms.a.n (line 5)"),
        ("    n: 4\n", "", "arms.a.n"),
        ("cycle_days: 42, ", "", "arms.a.regimen.cycle_days"),
        ("{drug", "blinatumomap # {drug", "must be a regimen"),
        ("study: mine", "study: mine\nsturdy: x", "Did you mean study"),
        ("arms:", "arms: [", "must be YAML"),
    ],
)
def test_a_bad_file_is_told_with_file_and_key(engager, tmp_path, monkeypatch, good, bad, told):
    monkeypatch.chdir(tmp_path)
    assert good in GOOD
    (tmp_path / "mine.yaml").write_text(GOOD.replace(good, bad, 1))
    found = engager("trial", "run", "mine.yaml")
    assert (found.code, found.out) == (2, "")
    assert "mine.yaml" in found.err
    assert told in found.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_all_problems_of_a_file_are_counted(engager, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("n: 4", "n: -4").replace("28, unit", "-28, unit"))
    assert engager("trial", "run", path).err.startswith("Error: 2 problems.")


def test_ctrl_c_keeps_finished_replicates_and_resume_goes_on(engager, no_report, tmp_path, monkeypatch):
    real, calls = replicates.simulate_here, []

    def stopped_at_the_second_chunk(*arguments, **options):
        calls.append(options["replicates"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    (tmp_path / "mine.yaml").write_text(GOOD)
    command = (
        "trial",
        "run",
        tmp_path / "mine.yaml",
        "--replicates",
        3,
        "--chunk",
        1,
        "--out",
        tmp_path / "run",
    )
    monkeypatch.setattr(replicates, "simulate_here", stopped_at_the_second_chunk)
    stopped = engager(*command)
    assert stopped.code == 130
    assert "1 finished replicate is kept" in stopped.err
    resumed = engager(*command, "--resume", "--json")
    assert resumed.code == 0, resumed.err
    assert calls[2:] == [[1], [2]]


def test_a_device_that_is_not_there_is_refused_before_anything_is_written(engager, tmp_path):
    from engager.engine import require_gpu

    try:
        require_gpu()
    except InputError as error:
        reason = str(error)
    else:
        pytest.skip("this machine has a GPU")
    out = tmp_path / "r"
    found = engager("trial", "run", "tower", "--device", "cuda", "--out", str(out))
    assert (found.code, found.out) == (2, "")
    assert reason in found.err
    assert reason in engager("bench", "--device", "cuda", "--trial").err
    assert "must be cpu or cuda" in engager("trial", "run", "tower", "--device", "gpu", "--out", str(out)).err
    assert not out.exists()
