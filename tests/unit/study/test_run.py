"""A run leaves one complete folder or none, and its bits do not depend on how it was cut up."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import engager.study.run.simulate
from engager.calibration import Posterior
from engager.core import InputError, Interrupted, sha256_of
from engager.protocol import DataCut
from engager.study import RunFolder, replay, run_study
from engager.study.run.folder import sealed
from engager.study.run.replay import CONTENTS
from engager.study.run.tables import TABLES


def run(protocol, out, **options):
    return run_study(protocol, **{"replicates": 5, "seed": 3, "out": out, **options})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_holds_what_is_promised(protocol, simulation, tmp_path):
    folder = run(protocol, tmp_path / "one").path
    promised = ["run.json", "study.yaml", "estimates.parquet", "comparisons.json", "report.html"]
    assert names(folder) == sorted([*promised, *(f"{name}.parquet" for name in TABLES)])
    assert names(tmp_path) == ["one"]


def test_the_summary_is_the_promised_object(protocol, simulation, tmp_path):
    summary = run(protocol, tmp_path / "one").summary()
    assert list(summary) == [
        "run", "trial", "seed", "replicates", "patients_per_replicate", "seconds", "n_after_cut", "n_failed",
        "outside_fit", "verdict", "comparisons",
    ]  # fmt: skip
    assert (summary["trial"], summary["replicates"], summary["patients_per_replicate"]) == ("tiny", 5, 9)
    first = summary["comparisons"][0]
    assert {"arm", "endpoint", "statistic", "time_months", "published", "simulated", "inside"} <= set(first)
    assert set(first["published"]) == {"value", "low", "high", "n", "source"}
    assert set(first["simulated"]) == {"median", "low", "high"}
    json.dumps(summary, allow_nan=False)


def test_a_run_opened_again_is_the_same(protocol, simulation, tmp_path):
    made = run(protocol, tmp_path / "one")
    for path in (made.path, made.path / "run.json"):
        assert RunFolder.open(path).manifest == made.manifest
    assert made.protocol == protocol
    assert made.table("patients").height == 5 * 9
    assert made.trial_data().patients.equals(made.table("patients"))


@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
def test_chunks_change_no_bit(protocol, simulation, tmp_path, chunk):
    whole = run(protocol, tmp_path / "whole")
    cut = run(protocol, tmp_path / "cut", chunk=chunk)
    assert cut.manifest["tables"] == whole.manifest["tables"]
    assert cut.comparisons == whole.comparisons


def test_another_seed_gives_other_tables(protocol, simulation, tmp_path):
    one, other = run(protocol, tmp_path / "one"), run(protocol, tmp_path / "other", seed=4)
    assert one.manifest["tables"]["patients"] != other.manifest["tables"]["patients"]


def test_fewer_patients_keep_the_arms_proportions(protocol, simulation, tmp_path):
    made = run(protocol, tmp_path / "one", patients=3)
    assert made.manifest["patients_per_replicate"] == 3
    assert made.table("patients")["arm"].value_counts().sort("arm")["count"].to_list() == [10, 5]


def test_who_came_after_the_data_cut_is_counted_and_told(protocol, simulation, tmp_path, monkeypatch):
    cut = protocol.follow_up.model_copy(update={"data_cut": DataCut(months=6), "accrual_months": 12.0})
    everybody = simulation.by_spans

    def early(protocol, spans, **options):
        for span, data in everybody(protocol, spans, **options):
            # of replicate 1 nobody, of replicate 2 the first two of each arm
            patients = data.patients.filter(pl.col("replicate") != 1)
            yield span, replace(data, patients=patients.filter((pl.col("replicate") != 2) | (pl.col("patient") < 2)))

    monkeypatch.setattr(engager.study.run.simulate, "simulate_spans", early)
    made = run(protocol.model_copy(update={"follow_up": cut}), tmp_path / "one", chunk=2)
    assert made.summary()["n_after_cut"] == 9 + 5
    assert made.n_patients == made.table("patients").height == 5 * 9 - 14
    assert made.remarks == ["14 of 45 patients would have entered only after the data cut, and are in no table."]
    # runs are compared replicate by replicate, so the empty one keeps its place
    for _, rows in made.table("estimates").group_by("request"):
        assert sorted(rows["replicate"]) == [0, 1, 2, 3, 4]
        empty = rows.filter(pl.col("replicate") == 1)
        assert (empty["n"].item(), np.isnan(empty["value"].item())) == (0, True)

    with pytest.raises(RuntimeError, match="gave others"):
        run(protocol, tmp_path / "no-cut")


def test_progress_is_told_to_the_end(protocol, simulation, tmp_path):
    told = []
    run(protocol, tmp_path / "one", chunk=2, progress=told.append)
    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert (told[-1].replicates, told[-1].patients, told[-1].stage) == (5, 45, "reporting")


@pytest.mark.parametrize(
    "options",
    [{"replicates": 0}, {"replicates": -1}, {"seed": -1}, {"n_threads": 0}, {"chunk": 0}, {"patients": 0}],
)
def test_bad_arguments_write_nothing(protocol, simulation, tmp_path, options):
    with pytest.raises(InputError):
        run(protocol, tmp_path / "runs" / "one", **options)
    assert names(tmp_path) == []


def test_bad_arguments_are_told_together(protocol, simulation, tmp_path):
    with pytest.raises(InputError) as caught:
        run(protocol, tmp_path / "one", replicates=0, seed=-1)
    assert [problem.where for problem in caught.value.problems] == ["--replicates", "--seed"]


def test_an_existing_folder_is_refused_and_untouched(protocol, simulation, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="must not exist"):
        run(protocol, tmp_path / "one")
    assert names(tmp_path / "one") == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_refused(protocol, simulation, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can be written"):
        run(protocol, tmp_path / "file" / "one")


def test_an_interrupted_run_goes_on_and_ends_the_same(protocol, simulation, tmp_path):
    whole = run(protocol, tmp_path / "whole")
    simulation.calls.clear()
    simulation.interrupt_at_call = 3
    with pytest.raises(Interrupted, match="4 finished replicates are kept"):
        run(protocol, tmp_path / "cut", chunk=2)
    assert names(tmp_path / "cut") == ["chunks", "partial.json"]
    with pytest.raises(InputError, match="Finish it with --resume"):
        RunFolder.open(tmp_path / "cut")
    with pytest.raises(InputError, match="Add --resume"):
        run(protocol, tmp_path / "cut")
    simulation.interrupt_at_call = None
    simulation.calls.clear()
    finished = run(protocol, tmp_path / "cut", resume=True)
    assert simulation.calls == [(4, 5)], "only what was missing is simulated"
    assert finished.manifest["tables"] == whole.manifest["tables"]
    assert names(tmp_path) == ["cut", "whole"]


def test_an_interrupt_before_the_first_chunk_leaves_nothing(protocol, simulation, tmp_path):
    simulation.interrupt_at_call = 1
    with pytest.raises(Interrupted, match="nothing was written"):
        run(protocol, tmp_path / "one")
    assert names(tmp_path) == []


def test_a_fault_keeps_finished_chunks(protocol, simulation, tmp_path):
    simulation.fail_at_call = 2
    with pytest.raises(RuntimeError):
        run(protocol, tmp_path / "one", chunk=2)
    assert names(tmp_path / "one") == ["chunks", "partial.json"]


def test_resume_refuses_other_inputs_and_finished_runs(protocol, simulation, tmp_path):
    simulation.interrupt_at_call = 2
    with pytest.raises(Interrupted):
        run(protocol, tmp_path / "one", chunk=2)
    simulation.interrupt_at_call = None
    with pytest.raises(InputError) as caught:
        run(protocol, tmp_path / "one", seed=9, replicates=7, resume=True)
    assert [problem.where for problem in caught.value.problems] == ["--resume: seed", "--resume: replicates"]
    made = run(protocol, tmp_path / "one", resume=True)
    simulation.calls.clear()
    assert run(protocol, tmp_path / "one", resume=True).manifest == made.manifest
    assert simulation.calls == [], "a finished run is finished"
    with pytest.raises(InputError, match="must be as in the finished run"):
        run(protocol, tmp_path / "one", seed=9, resume=True)
    with pytest.raises(InputError, match="needs the folder"):
        run_study(protocol, resume=True)


def test_resume_begins_where_nothing_was_begun_and_says_so(protocol, simulation, tmp_path):
    told = []
    made = run(protocol, tmp_path / "one", resume=True, tell=told.append)
    assert "a new one begins" in told[0]
    assert made.table("patients").height == 45
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("")
    with pytest.raises(InputError, match="must hold an interrupted run"):
        run(protocol, tmp_path / "mine", resume=True)
    assert names(tmp_path / "mine") == ["precious.txt"]


def test_the_default_folder_names_study_and_seed(protocol, simulation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = run_study(protocol, replicates=1, seed=7)
    assert made.path.parent.name == "runs"
    assert made.id.startswith("tiny-7-")


def test_replay_finds_the_same_bits_and_a_change(protocol, simulation, tmp_path):
    made = run(protocol, tmp_path / "one")
    found = replay(made.path / "run.json")
    assert found.is_same
    assert found.n_tables == len(CONTENTS)
    content = json.loads((made.path / "run.json").read_text())
    content["seed"] = 99
    (made.path / "run.json").write_text(json.dumps(content))
    found = replay(made.path)
    assert {"patients", "estimates", "comparisons"} <= set(found.different)
    assert found.altered == {"run.json": "altered"}


def test_replay_compares_in_pieces(protocol, simulation, tmp_path, monkeypatch):
    made = run(protocol, tmp_path / "one")
    monkeypatch.setattr("engager.study.run.replay.piece_size", lambda *arguments: 2)
    simulation.calls.clear()
    assert replay(made.path).is_same
    assert simulation.calls == [(0, 2), (2, 4), (4, 5)]


def test_an_altered_file_is_told_by_replay_and_refused_elsewhere(protocol, simulation, tmp_path):
    made = run(protocol, tmp_path / "one")
    promised = {path.name for path in made.path.iterdir()}
    assert set(made.manifest["sha256"]) == promised - {"run.json"}
    for name in sorted(promised):
        path = made.path / name
        content = path.read_bytes()
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes(content.replace(b'"n_failed": 0', b'"n_failed": 1') if name == "run.json" else flipped)
        assert RunFolder.open(made.path, believe=True).altered() == {name: "altered"}
        with pytest.raises(InputError, match=f"{name} is altered"):
            RunFolder.open(made.path).check()
        path.unlink()
        if name != "run.json":
            assert RunFolder.open(made.path, believe=True).altered() == {name: "missing"}
        path.write_bytes(content)
    assert made.altered() == {}
    (made.path / "study.yaml").write_text("study: other")
    assert not replay(made.path).is_same


@pytest.mark.parametrize("change", ["# a remark\n{}", "", None])
def test_a_run_whose_study_file_was_changed_is_not_opened(protocol, simulation, tmp_path, change):
    """Nothing is computed from it, but whoever opens the folder would read another study than was run."""
    made = run(protocol, tmp_path / "one")
    study = made.path / "study.yaml"
    text = study.read_text()
    if change is None:
        study.unlink()
    else:
        study.write_text(change.format(text))
    with pytest.raises(InputError, match=r"study\.yaml is (altered|missing)"):
        RunFolder.open(made.path)
    study.write_text(text)
    assert RunFolder.open(made.path).altered() == {}


def test_a_table_that_says_something_else_is_told_though_hashes_agree(protocol, simulation, tmp_path):
    made = run(protocol, tmp_path / "one")
    edited = made.table("patients").with_columns(death_day=None).cast({"death_day": pl.Float64})
    edited.write_parquet(made.path / "patients.parquet")
    comparisons = json.loads((made.path / "comparisons.json").read_text())
    comparisons[0]["inside"] = not comparisons[0]["inside"]
    (made.path / "comparisons.json").write_text(json.dumps(comparisons))
    manifest = dict(made.manifest)
    manifest["sha256"] = {name: sha256_of(made.path / name) for name in manifest["sha256"]}
    (made.path / "run.json").write_text(json.dumps(sealed(manifest)))
    found = replay(made.path)
    assert found.altered == {}
    assert set(found.misread) == {"patients", "comparisons"}
    assert not found.is_same


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"manifest_version": 99}', "[" * 100_000])
def test_a_broken_manifest_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match="manifest"):
        RunFolder.open(tmp_path)


def test_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="must be a finished run"):
        RunFolder.open(tmp_path / "nowhere")


def test_parameters_are_chosen_recorded_and_replayed(protocol, simulation, tmp_path, monkeypatch):
    def fitted(model):
        return Posterior(model, "other", ("k_kill",), np.array([[1.0], [2.0]]))

    monkeypatch.setattr("engager.study.parameters.shipped_posterior", fitted)
    drawn = run(protocol, tmp_path / "drawn")
    assert any("another state of the model" in note for note in drawn.manifest["notes"])
    assert {simulation.settings(replicate).typical["k_kill"] for replicate in range(20)} == {1.0, 2.0}
    run(protocol, tmp_path / "center", parameters="center")
    assert simulation.settings(0).written() == simulation.settings(9).written() == {"k_kill": 1.5}
    run(protocol, tmp_path / "table", parameters="table")
    assert simulation.settings(0).written() == {}
    assert replay(tmp_path / "drawn").changed_inputs == ()
    monkeypatch.setattr("engager.study.parameters.shipped_posterior", lambda model: None)
    assert len(replay(tmp_path / "center").changed_inputs) == 1
    with pytest.raises(InputError, match="Did you mean center"):
        run(protocol, tmp_path / "none", parameters="centre")


def test_predictions_give_one_row_per_request_and_arm(protocol, simulation, tmp_path):
    rows = run(protocol, tmp_path / "one").predictions()
    cr = [row for row in rows if row["endpoint"] == "CR"]
    assert [row["arm"] for row in cr] == ["a", "b"]
    assert all(row["low"] <= row["median"] <= row["high"] for row in cr)
    assert sum(row["statistic"] == "hazard_ratio" for row in rows) == 1
    json.dumps(rows, allow_nan=False)
