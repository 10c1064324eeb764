"""`engager validate` and `engager calibrate` on a small study."""

from __future__ import annotations

import csv
import json

import pytest

STUDY = """
study: mine
arms:
  a:
    n: 8
    regimen: {drug: blinatumomab, cycle_days: 42, cycles: 1, doses: [{days: 1-28, amount: 28, unit: ug/day}]}
follow_up: {months: 3}
targets:
  - {endpoint: CR/CRh/CRi, events: 4, n: 8, use: fit}
  - {endpoint: OS, statistic: survival_at, time_months: 2, value: 0.7, n: 8}
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY)
    return path


def test_validate_json_lists_targets_and_counts(engager, study):
    found = engager("validate", "--against", study, "--replicates", 10, "--json", "--quiet")
    assert found.code == 0, found.err
    content = json.loads(found.out)
    assert [(one["trial"], one["use"]) for one in content["targets"]] == [("mine", "fit"), ("mine", None)]
    assert content["counts"]["fit"]["of"] == 1
    assert list(content) == ["targets", "counts", "acceptance", "asked"]
    assert content["counts"]["unmarked"]["of"] == 1
    assert {"fit_inside", "check_inside"} <= set(content["acceptance"])
    keys = "use trial arm endpoint statistic time_months subgroup published simulated inside"
    assert all(list(one) == keys.split() for one in content["targets"])
    assert all(set(one["simulated"]) == {"median", "low", "high"} for one in content["targets"])


def test_validate_prints_a_table_and_the_counts(engager, study):
    found = engager("validate", "--against", study, "--replicates", 2)
    assert "CR/CRh/CRi" in found.out
    assert "(33 % prediction)" in found.out
    assert "No verdict: intervals from 2 virtual trials cover 33 %" in found.err
    assert "figures inside" not in found.err
    assert "mine: " in found.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--against", "towr"], "Did you mean tower"),
        (["--against", "tower", "--replicates", 0], "--replicates"),
        (["--against", "tower", "--parameters", "best"], "--parameters"),
    ],
)
def test_validate_refuses(engager, options, told):
    found = engager("validate", *options)
    assert (found.code, found.out) == (2, "")
    assert told in found.err


def test_calibrate_writes_a_posterior_that_is_the_same_twice(engager, study, tmp_path):
    command = ("calibrate", "--targets", study, "--members", 4, "--rounds", 1, "--seed", 5, "--quiet")
    for name in ("one.json", "two.json"):
        found = engager(*command, "--out", tmp_path / name)
        assert found.code == 0, found.err
    one = json.loads((tmp_path / "one.json").read_text())
    assert one["provenance"]["seed"] == 5
    assert len(one["draws"]) == 4
    assert one == json.loads((tmp_path / "two.json").read_text())
    # the emulator stands beside it, and neither is written over
    assert (tmp_path / "one.npz").is_file()
    (tmp_path / "one.json").unlink()
    again = engager(*command, "--out", tmp_path / "one.json")
    assert (again.code, "one.npz" in "".join(again.err.split())) == (2, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--members", 1], "--members"), (["--rounds", 0], "--rounds"), (["--targets", "towr"], "tower")],
)
def test_calibrate_refuses_and_writes_nothing(engager, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    found = engager("calibrate", *options)
    assert (found.code, found.out) == (2, "")
    assert told in found.err
    assert list(tmp_path.iterdir()) == []


def test_model_export_reads_back(engager, tmp_path):
    for form, ending in (("sbml", "xml"), ("antimony", "ant")):
        out = tmp_path / f"model.{ending}"
        path = tmp_path / "decay.ant"
        path.write_text("model decay\n  x = 10; k = 0.5\n  x' = -k*x\nend\n")
        assert engager("model", "export", path, "--format", form, "--out", out).code == 0
        table = engager("model", "simulate", out, "--until", 1, "--step", 1).out.splitlines()
        assert float(table[-1].split(",")[1]) == pytest.approx(6.0653066, rel=1e-6)
    assert engager("model", "export", "b-all", "--format", "petab").code == 2


def test_calibrate_tells_prior_beside_posterior_and_its_file_is_used(engager, study, tmp_path):
    out, work = tmp_path / "own.json", tmp_path / "work"
    command = ("calibrate", "--targets", study, "--members", 4, "--rounds", 1, "--quiet", "--work", work)
    found = engager(*command, "--out", out, "--json", "--tables", tmp_path / "tables")
    assert found.code == 0, found.err
    content = json.loads(found.out)
    with (tmp_path / "tables" / "unknowns.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [row["name"] for row in content["unknowns"]]
    assert float(rows[0]["prior_low"]) == pytest.approx(content["unknowns"][0]["prior"]["low"])
    with (tmp_path / "tables" / "columns.csv").open(newline="") as file:
        assert {row["column"] for row in csv.DictReader(file) if row["meaning"]} == rows[0].keys()
    assert content["data_points"] == 1
    for row in content["unknowns"]:
        assert row["prior"]["low"] < row["prior"]["median"] < row["prior"]["high"]
    # the same fit goes on from its work, another one is refused it
    assert engager(*command, "--out", tmp_path / "again.json").code == 0
    other = engager(*command, "--seed", 99, "--out", tmp_path / "other.json")
    assert (other.code, "another fit" in other.err) == (2, True)
    run = engager("trial", "run", study, "--replicates", 2, "--quiet", "--parameters", out, "--out", tmp_path / "run")
    assert run.code == 0, run.err
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert any(name.startswith("parameters:posterior") for name in manifest["inputs"])


def test_a_stopped_fit_keeps_its_rounds_beside_its_file_and_goes_on(engager, study, tmp_path, monkeypatch):
    import engager.calibration.population.fit as fit

    out, options = tmp_path / "own.json", ("--targets", study, "--members", 4, "--rounds", 2, "--quiet")
    simulate = fit.simulate_members

    def stop_in_the_second_round(plan, members, number, *rest):
        if number == 1:
            raise KeyboardInterrupt
        return simulate(plan, members, number, *rest)

    monkeypatch.setattr(fit, "simulate_members", stop_in_the_second_round)
    found = engager("calibrate", *options, "--out", out)
    assert found.code == 130
    assert "finished rounds are kept in" in found.err
    assert "Go on with the same options." in found.err
    simulated = []
    monkeypatch.setattr(fit, "simulate_members", lambda *given: simulated.append(given[2]) or simulate(*given))
    assert engager("calibrate", *options, "--out", out).code == 0
    assert simulated == [1]
    assert sorted(path.name for path in tmp_path.iterdir() if "own" in path.name) == ["own.json", "own.npz"]


def test_a_file_that_is_no_posterior_is_refused(engager, study, tmp_path):
    path = tmp_path / "other.json"
    path.write_text("{}")
    found = engager("validate", "--against", study, "--parameters", path)
    assert (found.code, found.out) == (2, "")
    assert "must hold a posterior" in found.err


def test_problems_of_several_files_are_told_together(engager, study, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("study: broken\narms: {a: {n: 0, regimen: blinatumomab}}\nfollow_up: {months: -1}\n")
    found = engager("validate", "--against", broken, "--against", "towr", "--against", study)
    assert found.code == 2
    for told in ("arms.a.n", "follow_up.months", "Did you mean tower"):
        assert told in found.err


def test_validate_writes_a_document_with_every_figure(engager, study, tmp_path):
    out = tmp_path / "validation.md"
    found = engager("validate", "--against", study, "--replicates", 6, "--quiet", "--uncertainty", "--markdown", out)
    assert found.code == 0, found.err
    text = out.read_text()
    assert "--replicates 6 --seed 1" in text
    assert text.count("| mine |") >= 4
    assert "Monte Carlo" in found.out


def test_validate_writes_a_page_with_figures_and_their_scatter(engager, study, tmp_path):
    out = tmp_path / "page.html"
    found = engager("validate", "--against", study, "--replicates", 6, "--quiet", "--json", "--report", out)
    assert found.code == 0, found.err
    assert list(json.loads(found.out)) == ["targets", "counts", "acceptance", "asked"]
    page = out.read_text(encoding="utf-8")
    assert "--replicates 6 --seed 1 --parameters posterior --report" in page
    assert "Three sources of uncertainty" in page
    assert page.count("OS at 2 months") >= 2
    assert "Observations within patients" not in page


def test_validate_writes_a_page_of_individual_patients(engager, tmp_path):
    out = tmp_path / "page.html"
    found = engager("validate", "--against", "observations", "--quiet", "--report", out)
    assert found.code == 0, found.err
    page = out.read_text(encoding="utf-8")
    for observation in ("OBS-T1", "OBS-B1", "OBS-IL6a", "OBS-IL6b", "OBS-PK1"):
        assert f"{observation}: " in page  # the title of its panel
    assert "not read at or below 10 pg/mL" in page
    assert "OBS-EX1-continuous" in page


def test_pages_go_into_folders_that_exist(engager, study, tmp_path):
    away = tmp_path / "away" / "page.html"
    found = engager("validate", "--against", study, "--report", away, "--markdown", tmp_path / "gone" / "a.md")
    assert found.code == 2
    assert "--report" in found.err
    assert "--markdown" in found.err
    found = engager("calibrate", "--targets", study, "--report", tmp_path / "page.html", "--out", tmp_path / "a.json")
    assert found.code == 2
    assert "time-courses" in found.err


def test_calibrate_writes_the_page_of_the_fit_it_made(engager, tmp_path, monkeypatch):
    from engager.calibration import load_time_course_fit

    # The fit itself takes minutes and is tested where it lives; this is about the files.
    fit = load_time_course_fit()
    # At the door, which remembers what it was first asked for: a patch behind it would outlive the test.
    monkeypatch.setattr("engager.calibration.calibrate_time_courses", lambda *a, **k: fit)
    out, page = tmp_path / "fit.yaml", tmp_path / "fit.html"
    found = engager("calibrate", "--targets", "time-courses", "--out", out, "--report", page, "--quiet")
    assert found.code == 0, found.err
    text = page.read_text(encoding="utf-8")
    assert "Estimates of the fit" in text
    assert text.count('<details class="on-phone long">') == 2  # its tables, folded on a phone
    assert "OBS-T1: fitted" in text
    assert load_time_course_fit(out).population.keys() == fit.population.keys()
