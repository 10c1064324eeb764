"""Output of `engager evidence` and `engager regimen`."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from typer.testing import CliRunner

from engager.app.commands.evidence import evidence_app
from engager.app.commands.regimen import regimen_app
from engager.core import InputError
from engager.evidence import load_records
from engager.evidence.records.vocabulary import DATA


def _run(app, *arguments):
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_list_json_is_a_list_with_the_promised_keys():
    rows = json.loads(_run(evidence_app, "list", "--json").stdout)
    assert len(rows) == len(load_records()) >= 53
    assert all({"id", "reference", "kind", "regimens", "n"} <= set(row) for row in rows)


def test_list_csv_has_one_line_per_record():
    rows = list(csv.DictReader(io.StringIO(_run(evidence_app, "list", "--csv", "--year", "2017-2020").stdout)))
    assert [row["id"] for row in rows] == [
        "tower-2017", "braig-2017-cd19-loss", "giebel-2017-ebmt-cr1", "hosseini-2020",
        "jabbour-2018-after-blinatumomab", "nagele-2017-step-dose",
    ]  # fmt: skip
    assert rows[0]["regimens"] == "blinatumomab; soc-chemotherapy-tower"


def test_list_prints_data_to_stdout_and_the_count_to_stderr():
    result = _run(evidence_app, "list")
    assert "tower-2017" in result.stdout
    assert f"{len(load_records())} records" not in result.stdout
    assert f"{len(load_records())} records" in result.stderr


def test_show_names_sources_and_what_is_unseen():
    text = _run(evidence_app, "show", "tower-2017").stdout
    assert "91/271" in text
    assert "PMC5881572/table/T1" in text
    assert "Never seen in a source" in text
    assert "OS at 6 months" in text


def test_show_json_holds_normalized_figures():
    content = json.loads(_run(evidence_app, "show", "tower-2017", "--json").stdout)
    assert content["id"] == "tower-2017"
    assert any(figure["statistic"] == "hazard_ratio" for figure in content["outcomes"])


def test_every_record_and_regimen_can_be_shown():
    from engager.evidence import load_regimens

    for record_id in load_records():
        assert record_id in _run(evidence_app, "show", record_id).stdout
    for slug in load_regimens():
        assert slug in _run(regimen_app, "show", slug).stdout


def test_check_accepts_a_shipped_record_and_tells_problems_of_a_broken_one(tmp_path):
    shipped = DATA / "records" / "weiss-2002.yaml"
    found = _run(evidence_app, "check", str(shipped))
    assert "valid; 1 arm, " in found.stdout
    assert "take its place" not in found.stderr  # it is that one
    broken = tmp_path / "weiss-2002.yaml"
    broken.write_text(shipped.read_text(encoding="utf-8").replace("events: 11, n: 29", "events: 31, n: 29"))
    with pytest.raises(InputError, match=r"outcomes\[0\]\.events"):
        CliRunner().invoke(evidence_app, ["check", str(broken)], catch_exceptions=False)
    result = CliRunner().invoke(evidence_app, ["check", str(broken), "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["valid"] is False


def test_cite_needs_a_record_or_all():
    with pytest.raises(InputError, match="--all"):
        CliRunner().invoke(evidence_app, ["cite"], catch_exceptions=False)
    assert len(json.loads(_run(evidence_app, "cite", "--all", "--format", "csl-json").stdout)) == 42


def test_regimen_list_json_marks_what_was_not_seen():
    rows = json.loads(_run(regimen_app, "list", "--json").stdout)
    assert len(rows) == 42
    assert {row["status"] for row in rows} == {"seen", "unseen"}


def test_regimen_show_prints_doses():
    text = _run(regimen_app, "show", "blinatumomab").stdout
    assert "9 ug/day" in text
    assert "8-28" in text


def test_pool_json_holds_estimate_studies_and_what_was_left_out():
    chosen = ("--endpoint", "CR/CRh", "--regimen", "blinatumomab", "--year", "-2020")
    content = json.loads(_run(evidence_app, "pool", *chosen, "--json").stdout)
    assert {row["record"] for row in content["rows"]} == {"tower-2017", "topp-2015-phase2"}
    assert any("shares patients" in reason for reason in content["left_out"])
    assert content["estimate"]["method"] == "glmm"


def test_pool_prints_numbers_to_stdout_and_reasons_to_stderr():
    result = _run(evidence_app, "pool", "--endpoint", "OS", "--statistic", "hazard_ratio")
    assert "0.73" in result.stdout
    assert "not randomized" in result.stderr
    assert "not randomized" not in result.stdout


def test_forest_draws_a_run_as_its_own_row(tmp_path):
    from engager.study.run.folder import MANIFEST, MANIFEST_VERSION, sealed

    run = tmp_path / "tower-1"
    run.mkdir()
    (run / MANIFEST).write_text(json.dumps(sealed({"manifest_version": MANIFEST_VERSION})), encoding="utf-8")
    row = {"arm": "blinatumomab", "endpoint": "CR", "statistic": "proportion", "time_months": None}
    simulated = {"median": 0.3, "low": 0.2, "high": 0.4}
    (run / "comparisons.json").write_text(json.dumps([{**row, "simulated": simulated}]), encoding="utf-8")
    out = tmp_path / "forest.html"
    _run(
        evidence_app,
        "forest",
        "--endpoint",
        "CR",
        "--regimen",
        "blinatumomab",
        "--run",
        str(run),
        "--out",
        str(out),
    )
    assert "simulated, tower-1, blinatumomab" in out.read_text(encoding="utf-8")


def test_network_json_ranks_treatments():
    content = json.loads(_run(evidence_app, "network", "--json").stdout)
    assert next(iter(content["p_scores"])) == "blinatumomab"
    assert content["tau2"] is None
    assert any("too narrow" in said for said in content["remarks"])


def test_curve_prior_map_and_schema_print_json(tmp_path):
    curve = json.loads(_run(evidence_app, "curve", "tower-2017", "--arm", "blinatumomab", "--json").stdout)
    assert curve["anchors"][0]["time_months"] == 7.7
    prior = json.loads(
        _run(evidence_app, "prior", "--endpoint", "CR", "--class", "chemotherapy_of_choice", "--json").stdout
    )
    assert sum(part["weight"] for part in prior["components"]) == pytest.approx(1)
    assert json.loads(_run(evidence_app, "map", "--json").stdout)
    assert json.loads(_run(evidence_app, "schema").stdout)["title"] == "Evidence record"


def test_match_writes_weights(tmp_path):
    patients = tmp_path / "patients.csv"
    patients.write_text("age_years,hsct\n" + "".join(f"{20 + i},{i % 2}\n" for i in range(40)), encoding="utf-8")
    targets = tmp_path / "targets.yaml"
    targets.write_text("age_years: {mean: 41}\nhsct: {proportion: 0.35}\n", encoding="utf-8")
    out = tmp_path / "weighted.csv"
    result = _run(evidence_app, "match", str(patients), str(targets), "--out", str(out), "--json")
    content = json.loads(result.stdout)
    assert content["n_used"] == 40
    assert content["effective_sample_size"] < 40
    assert out.read_text(encoding="utf-8").startswith("age_years,hsct,weight")


def test_export_prints_the_files_it_wrote(tmp_path):
    result = _run(evidence_app, "export", str(tmp_path / "tables"))
    assert [line.rsplit("/", 1)[1] for line in result.stdout.split()] == [
        "outcomes.csv",
        "outcomes.parquet",
        "evidence.duckdb",
        "schema.md",
        "record.schema.json",
    ]


def test_check_tells_a_contributor_what_else_to_know(tmp_path):
    shipped = (DATA / "records" / "weiss-2002.yaml").read_text(encoding="utf-8")
    file = tmp_path / "any-name.yaml"
    file.write_text(shipped.replace("regimen: hidac-idarubicin-single", "regimen: new-regimen"), encoding="utf-8")
    result = _run(evidence_app, "check", str(file))
    assert "called weiss-2002 already" in result.stderr
    assert "regimen new-regimen is not in the list" in result.stderr


def test_match_takes_a_published_baseline_and_some_rows(tmp_path):
    patients = tmp_path / "patients.csv"
    lines = [f"{'a' if i % 2 else 'b'},{18 + i % 60},{i % 3 == 0},{5 + (7 * i) % 95}" for i in range(300)]
    text = "arm,age_years,prior_hsct,marrow_blasts_percent\n" + "\n".join(lines).replace("True", "true")
    patients.write_text(text.replace("False", "false") + "\n", encoding="utf-8")
    options = ("--record", "tower-2017", "--arm", "blinatumomab", "--only", "arm=a", "--event", "prior_hsct")
    result = _run(evidence_app, "match", str(patients), *options, "--json")
    content = json.loads(result.stdout)
    assert content["n_used"] == 150
    assert content["event"]["value"] == pytest.approx(94 / 270)
    assert "salvage_line was published" in result.stderr


def test_prior_of_a_median_counts_deaths():
    options = ("--endpoint", "OS", "--class", "chemotherapy_of_choice")
    assert "deaths" in _run(evidence_app, "prior", *options).stdout
    content = json.loads(_run(evidence_app, "prior", *options, "--json").stdout)
    assert content["scale"] == "log months"


def test_survival_at_a_landmark_is_pooled(engager):
    found = engager("evidence", "pool", "--endpoint", "OS", "--at", 60, "--setting", "any", "--class", "any", "--json")
    assert found.code == 0, found.err
    pooled = json.loads(found.out)
    assert (pooled["statistic"], pooled["time_months"]) == ("survival_at", 60)
    assert 0 < pooled["estimate"]["low"] < pooled["estimate"]["value"] < pooled["estimate"]["high"] < 0.3
    shown = engager("evidence", "pool", "--endpoint", "OS", "--at", 12, "--class", "any")
    assert "from n, computed" in shown.out
    assert "without loss to follow-up" in shown.err


def test_a_landmark_and_its_statistic_go_together(engager):
    for options in (["--statistic", "survival_at"], ["--statistic", "median", "--at", 12], ["--at", 0]):
        found = engager("evidence", "pool", "--endpoint", "OS", *options)
        assert found.code == 2
        assert "--at" in found.err


def test_forest_draws_a_run_that_had_nothing_to_compare_with(tmp_path, monkeypatch):
    from engager.study.run.folder import MANIFEST, MANIFEST_VERSION, RunFolder, sealed

    run = tmp_path / "own-1"
    run.mkdir()
    (run / MANIFEST).write_text(json.dumps(sealed({"manifest_version": MANIFEST_VERSION})), encoding="utf-8")
    (run / "comparisons.json").write_text("[]", encoding="utf-8")
    simulated = {"arm": "short", "endpoint": "CR", "statistic": "proportion", "time_months": None}
    predicted = [{**simulated, "definition": definition, "median": 0.5, "low": 0.4, "high": 0.6}
                 for definition in ("12 weeks", "6 weeks")]  # fmt: skip
    monkeypatch.setattr(RunFolder, "predictions", lambda _: predicted)
    arguments = ("forest", "--endpoint", "CR", "--regimen", "blinatumomab", "--out", str(tmp_path / "forest.html"))
    _run(evidence_app, *arguments, "--run", str(run))
    drawn = (tmp_path / "forest.html").read_text(encoding="utf-8")
    assert "simulated, own-1, short, 12 weeks" in drawn
    assert "simulated, own-1, short, 6 weeks" in drawn
    with pytest.raises(InputError, match="has no proportion of CR"):
        _run(evidence_app, *arguments, "--run", str(run), "--run-arm", "long")


def test_long_mixtures_are_summed_up_and_months_are_named():
    result = _run(evidence_app, "prior", "--endpoint", "OS", "--class", "chemotherapy_of_choice")
    assert len(result.stdout.splitlines()) == 2
    assert "--json prints them" in result.stderr
    assert "in months" in _run(evidence_app, "pool", "--help").stdout


def test_match_takes_a_condition_as_the_event(tmp_path):
    patients, targets = tmp_path / "patients.csv", tmp_path / "targets.yaml"
    rows = "".join(f"{20 + i},{'CR' if i % 2 else 'none'}\n" for i in range(40))
    patients.write_text("age_years,best_response\n" + rows, encoding="utf-8")
    targets.write_text("age_years: {mean: 41}\n", encoding="utf-8")
    arguments = ("match", str(patients), str(targets), "--json", "--event", "best_response=CR")
    share = json.loads(_run(evidence_app, *arguments).stdout)["event"]
    assert 0.3 < share["low"] < share["value"] < share["high"] < 0.7


def test_regimens_say_whether_and_how_they_are_given_as_an_arm():
    listed = _run(regimen_app, "list")
    assert "epratuzumab-sn38: no arm of a trial" in listed.stderr
    rows = json.loads(_run(regimen_app, "list", "--json").stdout)
    assert [row["slug"] for row in rows if not row["runs_as_arm"]] == [
        "allo-hsct", "allo-hsct-unrelated-marrow", "allo-hsct-without-reinduction",
        "blinatumomab-and-inotuzumab-in-sequence", "cd19-car-t-cells", "epratuzumab-sn38", "mini-hyper-cvd-inotuzumab",
    ]  # fmt: skip
    shown = _run(regimen_app, "show", "blinatumomab-mt103-206").stdout
    assert "as a trial arm: 5 ug/m2/day, then 15 ug/m2/day, 5 x 42 days; the doses were not seen" in shown


def test_pool_without_filters_takes_one_setting_lineage_age_and_class_and_says_so():
    result = _run(evidence_app, "pool", "--endpoint", "CR", "--json")
    content = json.loads(result.stdout)
    taken = {row["record"] for row in content["rows"]}
    # First line, T-cell disease, children and chemotherapy stay out.
    assert {"tower-2017", "topp-2015-phase2"} <= taken
    assert taken <= {"tower-2017", "topp-2015-phase2", "topp-2014"}
    told = " ".join(content["remarks"])
    for option in ("--setting any", "--lineage any", "--age-group any", "--class any"):
        assert option in told


def test_any_takes_everything_and_asked_for_filters_are_kept():
    everything = ("--setting", "any", "--lineage", "any", "--age-group", "any", "--class", "any")
    content = json.loads(_run(evidence_app, "pool", "--endpoint", "CR", *everything, "--json").stdout)
    assert len(content["rows"]) > 10
    assert not any("default" in told for told in content["remarks"])
    without = everything[:2] + everything[4:]
    adults = json.loads(_run(evidence_app, "pool", "--endpoint", "CR", *without, "--json").stdout)
    left = {row["record"] for row in content["rows"]} - {row["record"] for row in adults["rows"]}
    assert left
    assert all(load_records()[name].population.lineage == "T" for name in left)
    by_class = json.loads(_run(evidence_app, "pool", "--endpoint", "CR", "--by", "drug_class", "--json").stdout)
    assert len({row["regimen"] for row in by_class["rows"]}) > 3


def test_a_prior_without_filters_is_of_chemotherapy_of_choice_and_says_so():
    content = json.loads(_run(evidence_app, "prior", "--endpoint", "OS", "--json").stdout)
    named = json.loads(
        _run(evidence_app, "prior", "--endpoint", "OS", "--class", "chemotherapy_of_choice", "--json").stdout
    )
    assert content["labels"] == named["labels"]
    assert any("chemotherapy_of_choice" in told and "--class any" in told for told in content["remarks"])


def test_defaults_that_leave_nothing_say_how_to_widen():
    with pytest.raises(InputError, match="--setting any"):
        _run(evidence_app, "pool", "--endpoint", "death_induction")
    for option, value in (("--lineage", "NK"), ("--age-group", "old")):
        with pytest.raises(InputError, match=option):
            _run(evidence_app, "pool", "--endpoint", "CR", option, value)


def test_a_pool_in_which_every_model_was_fitted_has_no_column_of_failures(engager):
    found = engager("evidence", "pool", "--endpoint", "CR/CRh")
    assert "leaving out" in found.out
    assert "failed because" not in found.out


@pytest.mark.parametrize("endpoint", ["CR", "OS"])
@pytest.mark.parametrize("scale", ["0", "inf", "nan", "-1"])
def test_a_scale_of_a_prior_that_cannot_be_is_refused_and_never_replaced(engager, endpoint, scale):
    found = engager("evidence", "prior", "--endpoint", endpoint, "--tau-scale", scale)
    assert found.code == 2
    assert "tau_scale" in found.err
    assert "must be > 0" in found.err


def test_numbers_beside_the_studies_lead_to_their_citations(tmp_path):
    page = tmp_path / "forest.html"
    _run(evidence_app, "forest", "--endpoint", "CR/CRh", "--out", str(page))
    text = page.read_text(encoding="utf-8")
    numbers = set(re.findall(r"\[(\d+)\]", text.partition("<h2>Records</h2>")[0]))
    assert numbers
    assert numbers == set(re.findall(r"<li>\[(\d+)\] ", text))
