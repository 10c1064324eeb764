"""The verbs for people who write Python."""

from __future__ import annotations

import pytest

import engager
from engager.core import InputError
from engager.evidence import record
from engager.protocol import read_protocol

TINY = """
study: tiny
version: 1
simulated_only: true
population: {setting: relapsed_refractory}
arms: {blinatumomab: {n: 8, regimen: blinatumomab}}
follow_up: {months: 3}
endpoints: [{id: CR}, {id: OS, origin: randomization}]
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    study = read_protocol(TINY, "tiny.yaml")
    return [engager.run(study, replicates=2, seed=seed, out=folder / f"seed-{seed}") for seed in (1, 2)]


def test_a_run_gives_frames_and_shows_itself(runs):
    one = runs[0]
    assert one.table("patients").height == 16
    assert one.to_pandas("estimates").shape[0] == one.table("estimates").height
    assert set(one.predictions["endpoint"]) >= {"CR", "OS"}
    assert repr(one) == "<Run tiny: 2 x 8 patients>"
    shown = one._repr_html_()
    assert shown.count("<tr>") == len(one.folder.predictions()) + 1
    assert "OS, median, blinatumomab" in shown
    assert "shape:" not in shown
    assert one.plot_survival("OS").axes


def test_a_run_can_leave_its_report_out(tmp_path):
    study = read_protocol(TINY, "tiny.yaml")
    one = engager.run(study, replicates=1, patients=2, out=tmp_path / "quick", report=False)
    assert one.table("patients").height == 2
    assert not one.folder.report.exists()


def test_runs_are_compared(runs):
    found = engager.compare(*runs)
    assert set(found.frame["run"]) == {"seed-1", "seed-2"}
    assert found.changes == {}
    assert "seed-1 and seed-2" in repr(found)
    shown = found._repr_html_()
    assert "<svg" in shown
    assert shown.count("<tr>") == len(found.found.figures) + 1
    assert "seed-2 against seed-1" in shown
    assert "The runs differ in seed" in shown
    assert "shape:" not in shown


def test_a_run_shows_every_published_figure_with_what_its_intervals_cover(tmp_path):
    from engager.report import without_repeats

    one = engager.run("mt103-206", replicates=2, patients=4, out=tmp_path / "run", report=False)
    shown = one._repr_html_()
    assert shown.count("<tr>") == len(without_repeats(one.folder.comparisons)) + 1 > 8
    assert "simulated (33 % prediction interval)" in shown
    assert "No verdict: intervals from 2 virtual trials" in shown


def test_a_patient_draws_itself():
    one = engager.patient(marrow_blasts_percent=30, days=3)
    assert one.frame["day"].max() == 3
    assert "30 % blasts" in repr(one)
    assert one._repr_html_().startswith("<svg")


def test_published_figures_come_with_their_source():
    found = engager.published("blast-2014")
    assert found.frame.height > 10
    assert found.frame["source"].str.len_chars().min() > 0
    assert set(", ".join(found.frame["source"]).split(", ")) <= set(found.sources)
    shown = found._repr_html_()
    assert shown.count("<tr>") == found.frame.height + 1
    assert found.citation.split(".")[0] in shown
    assert record("blast-2014")._repr_html_().count("<tr>") == found.frame.height + 1


def test_slips_are_told_in_the_words_of_python():
    with pytest.raises(InputError) as told:
        engager.patient(days=-1)
    assert told.value.problems[0].where == "days"
    with pytest.raises(InputError, match="tower"):
        engager.run("towr")
    with pytest.raises(InputError) as told:
        engager.patient(age=70)
    assert told.value.problems[0].where == "age"
    with pytest.raises(InputError, match=r"^runs: got 1"):
        engager.compare("one")


def test_a_table_or_curve_that_is_not_there_is_refused_with_those_that_are(runs):
    with pytest.raises(InputError, match="must be one of estimates, patients, visits"):
        runs[0].to_pandas("patient")
    with pytest.raises(InputError, match="'EFS'; must be one of OS"):
        runs[0].plot_survival("EFS")
    with pytest.raises(InputError, match="'EFS'; must be one of OS"):
        engager.compare(*runs).plot_survival("EFS")


def test_importing_the_package_stays_light():
    import subprocess
    import sys

    heavy = "import sys, engager; sys.exit(any(name in sys.modules for name in ('polars', 'scipy', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", heavy]).returncode == 0


def test_a_study_names_its_endpoints_in_words():
    from engager.study import load_protocol

    shown = load_protocol("tower")._repr_html_()
    assert "Neurologic event, grade 3+" in shown
    assert "grade3plus" not in shown
