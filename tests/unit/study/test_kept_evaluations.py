"""Evaluations of a sensitivity analysis are worked out once, and never taken from other inputs or damaged bytes."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration import TrialFunction, one_arm, shipped_posterior
from engager.core import InputError, Interrupted, working_in
from engager.protocol import shipped_protocol
from engager.study import study_sensitivity
from engager.study.sensitivity.kept import KeptEvaluations

POINTS = np.linspace(0.0, 1.0, 14).reshape(7, 2)


def evaluated(kept, points=POINTS, label="patients", at_once=3):
    calls, told = [], []

    def evaluate(first, piece):
        calls.append((first, len(piece)))
        return piece + first

    return kept(label, points, at_once, evaluate, told.append), calls, told


def test_pieces_are_worked_out_once_and_give_the_same_bits(tmp_path):
    values, calls, told = evaluated(KeptEvaluations(tmp_path, "a"))
    assert calls == [(0, 3), (3, 3), (6, 1)]
    assert told == pytest.approx([3 / 7, 6 / 7, 1.0])
    again, calls, _ = evaluated(KeptEvaluations(tmp_path, "a"))
    assert calls == []
    assert again.tobytes() == values.tobytes()


@pytest.mark.parametrize("change", [{"label": "sets"}, {"points": POINTS + 0.1}, {"at_once": 4}])
def test_other_points_functions_or_pieces_are_worked_out_anew(tmp_path, change):
    evaluated(KeptEvaluations(tmp_path, "a"))
    _, calls, _ = evaluated(KeptEvaluations(tmp_path, "a"), **change)
    assert calls


def test_other_inputs_and_damaged_bytes_are_worked_out_anew(tmp_path):
    values, _, _ = evaluated(KeptEvaluations(tmp_path, "a"))
    assert len(evaluated(KeptEvaluations(tmp_path, "b"))[1]) == 3
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    again, calls, _ = evaluated(KeptEvaluations(tmp_path, "a"))
    assert len(calls) == 3
    assert again.tobytes() == values.tobytes()


def test_a_place_that_is_a_file_or_at_work_is_refused(tmp_path):
    pytest.importorskip("SALib")
    study, options = shipped_protocol("tower"), {"outputs": ["cd8_nadir"], "samples": 2}
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file'; must be a place that can be written"):
        study_sensitivity(study, **options, work=tmp_path / "file")
    with working_in("--work", tmp_path / "used"), pytest.raises(InputError, match="being written by process"):
        study_sensitivity(study, **options, work=tmp_path / "used")
    assert not (tmp_path / "used").exists()


def test_a_stopped_analysis_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    pytest.importorskip("SALib")
    monkeypatch.setattr("engager.study.sensitivity.study.PATIENTS_AT_ONCE", 16)
    options = {"outputs": ["il6_peak"], "samples": 2}
    study = shipped_protocol("tower")
    whole = study_sensitivity(study, **options)

    def stop(label, share):
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="1 finished piece is kept in"):
        study_sensitivity(study, **options, work=tmp_path, progress=stop)
    (first,) = tmp_path.iterdir()
    made = first.stat().st_mtime_ns
    told = []
    resumed = study_sensitivity(study, **options, work=tmp_path, progress=lambda label, share: told.append(share))
    assert resumed.as_json() == whole.as_json()
    assert first.stat().st_mtime_ns == made
    assert len(list(tmp_path.iterdir())) > 2
    assert told == sorted(told)


def test_a_second_stop_does_not_say_that_what_the_first_left_is_gone(tmp_path):
    assert "nothing was written" in KeptEvaluations(tmp_path).after_a_stop()
    KeptEvaluations(tmp_path)("f", np.zeros((1, 1)), 1, lambda start, piece: piece, lambda share: None)
    said = KeptEvaluations(tmp_path).after_a_stop()
    assert "those of earlier calls are kept in" in said
    assert "Go on with the same options." in said


def test_sets_of_a_trial_in_pieces_are_those_of_one_call():
    single = one_arm(shipped_protocol("tower"))
    model = single.model_of(single.arm_ids[0])
    function = TrialFunction(single, model, patients=6, seed=3, posterior=shipped_posterior(model.id), n_threads=1)
    sets = function.design(4)
    for simulate, points in ((function.with_own_chance, sets), (function.with_common_chance, 0.5 + 0.1 * sets)):
        whole = simulate(points)
        pieces = np.concatenate([simulate(points[:3]), simulate(points[3:], None, 3)])
        assert pieces.tobytes() == whole.tobytes()
