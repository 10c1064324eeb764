"""A run leaves one complete folder or none, and its bits do not depend on how it was cut up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engager.calibration import Posterior
from engager.core import InputError, Interrupted
from engager.study import RunFolder, replay, run_study
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
        "run", "trial", "seed", "replicates", "patients_per_replicate", "seconds", "n_failed", "comparisons",
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
    run(protocol, tmp_path / "one", resume=True)
    with pytest.raises(InputError, match="nothing to resume"):
        run(protocol, tmp_path / "one", resume=True)
    with pytest.raises(InputError, match="needs the folder"):
        run_study(protocol, resume=True)


def test_a_killed_run_can_be_resumed_from_its_hidden_folder(protocol, simulation, tmp_path):
    simulation.interrupt_at_call = 2
    with pytest.raises(Interrupted):
        run(protocol, tmp_path / "one", chunk=2)
    # A kill leaves the working folder where it was.
    (tmp_path / "one").rename(tmp_path / ".one.part")
    simulation.interrupt_at_call = None
    assert run(protocol, tmp_path / "one", resume=True).path.name == "one"


def test_the_default_folder_names_study_and_seed(protocol, simulation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = run_study(protocol, replicates=1, seed=7)
    assert made.path.parent.name == "runs"
    assert made.id.startswith("tiny-7-")


def test_replay_finds_the_same_bits_and_a_change(protocol, simulation, tmp_path):
    made = run(protocol, tmp_path / "one")
    found = replay(made.path / "run.json")
    assert found.is_same
    assert found.n_tables == len(TABLES)
    content = json.loads((made.path / "run.json").read_text())
    content["seed"] = 99
    (made.path / "run.json").write_text(json.dumps(content))
    assert "patients" in replay(made.path).different


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"manifest_version": 99}'])
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
