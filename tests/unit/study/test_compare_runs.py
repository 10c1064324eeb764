"""Runs beside each other: what differs, and by how much, replicate by replicate."""

from __future__ import annotations

import re

import numpy as np
import openpyxl
import polars as pl
import pytest

from engager.analysis import estimate_endpoints, prediction_interval
from engager.core import InputError
from engager.protocol import read_protocol
from engager.study import (
    RunFolder,
    compare_runs,
    comparison_json,
    figures_by_replicate,
    run_study,
    write_comparison,
)
from engager.study.compare.runs import _Trials
from engager.study.compare.words import coverage_words, difference_cell, is_told_apart

STUDY = """
study: tiny
version: 1
title: "{title}"
simulated_only: true
population: {{setting: relapsed_refractory, age_years: {{median: 40, range: [18, 80]}}}}
arms:
  chemotherapy: {{n: {n}, regimen: flag}}
follow_up: {{months: 6}}
endpoints:
  - {{id: CR}}
  - {{id: OS, origin: randomization}}
"""


@pytest.fixture
def runs(tmp_path, simulation):
    """Two runs of one seed, the second with other patients numbers, and a third of another seed."""
    found = []
    for name, n, seed in (("one", 20, 1), ("larger", 30, 1), ("other", 20, 2)):
        protocol = read_protocol(STUDY.format(title=name, n=n), f"{name}.yaml")
        found.append(run_study(protocol, replicates=12, seed=seed, out=tmp_path / name))
    return [run.path for run in found]


def test_keys_that_differ_are_named_with_both_values(runs):
    found = compare_runs(runs[:2])
    told = dict(found.study_changes)
    assert told["arms.chemotherapy.n"] == ("20", "30")
    assert "arms.chemotherapy.regimen" not in told


def test_targets_of_a_template_are_counted_not_listed(tmp_path, simulation):
    own = STUDY.format(title="x", n=20).replace("simulated_only: true\n", "")
    targets = "targets:\n  - {arm: chemotherapy, endpoint: CR, events: 6, n: 20}\n"
    texts = {"with": own + targets, "without": own}
    paths = [
        run_study(read_protocol(text, f"{name}.yaml"), replicates=2, seed=1, out=tmp_path / name).path
        for name, text in texts.items()
    ]
    told = dict(compare_runs(paths).study_changes)
    assert told["targets"] == ("1 published figure", "none")
    assert not any(key.startswith("targets[") for key in told)


def test_adverse_events_of_the_report_are_compared_though_no_study_names_them(runs):
    found = {one.endpoint: one for one in compare_runs(runs[:2]).figures}
    patients = RunFolder.open(runs[0]).table("patients")
    early = estimate_endpoints(patients, ["early_death_30d"])["value"].to_numpy()
    assert found["early_death_30d"].runs[0] == prediction_interval(early)
    assert found["CRS_any"].differences[1] is not None


def test_same_seed_is_compared_within_replicates_and_another_is_not(runs):
    assert compare_runs(runs[:2]).is_paired
    other = compare_runs([runs[0], runs[2]])
    assert not other.is_paired
    assert "The runs differ in seed, so their virtual patients are not the same" in coverage_words(other)
    assert dict(compare_runs([runs[0], runs[2]]).input_changes)["seed"] == ("1", "2")


def test_runs_of_unlike_length_are_told_each_with_its_own(runs, tmp_path, simulation):
    protocol = read_protocol(STUDY.format(title="one", n=20), "one.yaml")
    longer = run_study(protocol, replicates=60, seed=1, out=tmp_path / "longer").path
    told = coverage_words(found := compare_runs([runs[0], longer]))
    assert "Medians over 12, 60 replicates, differences over those that both runs have; intervals cover 85 %" in told
    share = next(one for one in found.figures if one.statistic == "proportion")
    counted = [share.runs[0], share.runs[1], share.differences[1]]
    assert [one.n_replicates + one.n_missing for one in counted] == [12, 60, 12]


def test_another_study_id_draws_other_patients_and_is_said_to(runs, tmp_path, simulation):
    named = STUDY.format(title="one", n=20).replace("study: tiny", "study: renamed")
    renamed = run_study(read_protocol(named, "renamed.yaml"), replicates=12, seed=1, out=tmp_path / "renamed").path
    ages = [RunFolder.open(path).table("patients")["age_years"].to_list() for path in (runs[0], renamed)]
    assert ages[0] != ages[1]
    found = compare_runs([runs[0], renamed])
    assert not found.is_paired
    assert "The runs differ in study id, so" in coverage_words(found)


def test_times_differ_by_months(runs):
    figure = next(one for one in compare_runs(runs[:2]).figures if one.statistic == "median")
    assert figure.difference_scale == "difference"
    assert re.match(r"[+-]\d+\.\d months", difference_cell(figure, 1))


TWO_ARMS = """
study: two
simulated_only: true
population: {{setting: relapsed_refractory}}
arms:
  blinatumomab: {{n: 12, regimen: {regimen}}}
  chemotherapy: {{n: 12, regimen: flag}}
follow_up: {{months: 6, accrual_months: 3{cut}}}
endpoints: [CR, OS]
"""


@pytest.mark.parametrize(("cut", "is_told"), [(", data_cut: {deaths: 5}", True), (", data_cut: {months: 8}", False)])
def test_a_cut_by_deaths_is_said_to_move_the_arm_that_was_not_changed(tmp_path, simulation, cut, is_told):
    paths = []
    for regimen in ("blinatumomab", "blinatumomab-mrd"):
        protocol = read_protocol(TWO_ARMS.format(regimen=regimen, cut=cut), "two.yaml")
        paths.append(run_study(protocol, replicates=2, seed=1, out=tmp_path / regimen).path)
    found = compare_runs(paths)
    assert found.follow_each_other == is_told
    told = "the follow-up of an arm in which nothing was changed"
    assert (told in coverage_words(found)) == is_told
    assert (told in write_comparison(found, tmp_path / "beside.html").read_text()) == is_told
    assert not compare_runs([paths[0], paths[0]]).follow_each_other


def test_a_run_does_not_differ_from_itself(runs):
    found = compare_runs([runs[0], runs[0].parent / "one" / "run.json"])
    for figure in found.figures:
        same = figure.differences[1]
        if same is not None and same.n_replicates:
            assert same.median == (1.0 if figure.difference_scale == "ratio" else 0.0)
            assert same.low == same.high == same.median
        assert not is_told_apart(figure, 1)


def test_a_difference_of_medians_that_few_replicates_reach_is_not_told(runs, monkeypatch):
    # the second run's patients live longer: its median is reached in the replicates where they happen to live short
    first, second = np.linspace(6.0, 10.0, 200), np.linspace(2.0, 30.0, 200)[::-1]
    second[second > 10.0] = np.inf
    key = ("chemotherapy", "OS", "median", None, "")
    values = iter([{key: _Trials(first, np.full(200, 20.0))}, {key: _Trials(second, np.full(200, 20.0))}])
    monkeypatch.setattr("engager.study.compare.runs._values", lambda run: next(values))
    monkeypatch.setattr("engager.study.compare.runs._adverse_events", lambda run: {})
    (figure,) = (found := compare_runs(runs[:2])).figures
    n = int(np.isfinite(second).sum())
    assert difference_cell(figure, 1) == f"known in {n} of 200 trials"
    assert not is_told_apart(figure, 1)
    told = comparison_json(found)["figures"][0]["differences"][1]
    assert (told["median"], told["n_replicates"], told["n_missing"]) == (None, n, 200 - n)


def test_replicates_whose_median_was_not_reached_are_counted_beside_the_others(runs, monkeypatch):
    values = np.array([5.0, np.inf, 7.0, np.inf, np.nan])
    monkeypatch.setattr(
        "engager.study.compare.runs._values",
        lambda run: {("chemotherapy", "OS", "median", None, ""): _Trials(values, np.full(5, 20.0))},
    )
    (row,) = figures_by_replicate(RunFolder.open(runs[0]))
    assert (row["values"], row["n_beyond"]) == ([5.0, 7.0], 2)


def test_a_difference_is_the_median_of_the_replicates_differences(runs):
    found = compare_runs(runs[:2])
    figure = next(one for one in found.figures if one.statistic == "proportion")
    one, other = (shares_of(path, figure.endpoint) for path in runs[:2])
    assert figure.differences[1].median == pytest.approx(np.median(other - one))


def shares_of(path, endpoint):
    table = pl.read_parquet(path / "estimates.parquet")
    own = table.filter((pl.col("endpoint") == endpoint) & (pl.col("statistic") == "proportion"))
    return own.sort("replicate")["value"].to_numpy()


def test_json_and_files_hold_every_figure(runs, tmp_path):
    found = compare_runs(runs)
    told = comparison_json(found)
    assert len(told["figures"]) == len(found.figures)
    assert len(told["figures"][0]["runs"]) == 3
    page = write_comparison(found, tmp_path / "beside.html").read_text()
    assert "arms.chemotherapy.n" in page.replace("<wbr>", "")
    assert page.count('<details class="on-phone long">') == len({figure.arm for figure in found.figures})
    table = write_comparison(found, tmp_path / "beside.csv").read_text().splitlines()
    assert len(table) == 1 + 3 * len(found.figures)
    assert difference_cell(found.figures[0], 0) == "–"


def test_a_run_outside_the_fit_says_so_wherever_it_is_compared(runs, tmp_path):
    found = compare_runs(runs[:2])
    told = "one lies outside what the model was fitted to"
    assert any("flag was not fitted" in sentence for sentence in found.outside_fit[0])
    assert told in write_comparison(found, tmp_path / "beside.html").read_text()
    assert comparison_json(found)["runs"][0]["outside_fit"] == list(found.outside_fit[0])
    first_sheet = openpyxl.load_workbook(write_comparison(found, tmp_path / "beside.xlsx")).worksheets[0]
    assert any(told in str(row[0]) for row in first_sheet.iter_rows(values_only=True))


@pytest.mark.parametrize("n", [0, 1, 7])
def test_two_to_six_runs_are_compared(runs, n):
    with pytest.raises(InputError, match="2 to 6"):
        compare_runs([runs[0]] * n)


def test_a_page_is_not_written_over_a_file(runs, tmp_path):
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(InputError, match="must not exist"):
        write_comparison(compare_runs(runs[:2]), tmp_path / "there.html")
    assert (tmp_path / "there.html").read_text() == "mine"
