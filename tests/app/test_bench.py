"""The bench gives rows of the promised form, with errors measured, and tells what it skipped."""

import json

import numpy as np
import pytest

from engager.app.bench import largest_error, run_bench
from engager.app.bench_cases import hosseini


@pytest.fixture(scope="module")
def told():
    lines = []
    result = run_bench(
        json=True, patients=24, peer_patients=2, rounds=1, solvers=["engager", "scipy-lsoda", "numbalsoda"],
        models=["hosseini-2020"], threads=(1,), write=lines.append,
    )  # fmt: skip
    return result, lines


def test_json_is_one_object_with_the_promised_columns(told):
    result, lines = told
    assert len(lines) == 1
    assert json.loads(lines[0])["rows"] == json.loads(json.dumps(result["rows"]))
    for row in result["rows"]:
        assert {"solver", "model", "threads", "patients", "patients_per_s", "max_error", "failed"} <= set(row)
        assert row["failed"] == 0
        assert row["max_error"] <= 1e-4
        assert row["patients_per_s"] > 0
    assert [one["solver"] for one in result["skipped"]] == ["numbalsoda"]


def test_the_row_at_1e_6_has_errors_below_1e_5(told):
    (row,) = [row for row in told[0]["rows"] if row["solver"] == "engager rtol 1e-06"]
    assert row["max_error"] <= 1e-5
    assert {"steps", "right_sides", "ns_per_right_side", "compile_cold_s", "compile_warm_s", "share_of_peak"} <= set(
        row["detail"]
    )


def test_error_is_a_share_of_each_patients_own_scale():
    reference = np.array([[[1.0], [100.0]], [[2.0], [4.0]]])
    wrong = reference + np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    assert largest_error(wrong, reference) == pytest.approx(0.25)


def test_stretches_between_doses_cover_all_saves_once():
    case = hosseini(2)
    covered = np.concatenate([times for _, _, times in case.segments()])
    np.testing.assert_array_equal(covered, case.times[1:])
