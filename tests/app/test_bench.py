"""The bench gives rows of the promised form, with errors measured, and tells what it skipped."""

import json

import numpy as np
import pytest

from engager.bench.cases import acute_leukemia, hosseini
from engager.bench.compare import largest_error, run_bench
from engager.bench.compiled_peers import c_source
from engager.bench.peers import PEERS, SELF_TIMED
from engager.engine import CompiledRates, solve
from engager.model import Graph, System


@pytest.fixture(scope="module")
def told():
    lines = []
    result = run_bench(
        json=True, patients=24, peer_patients=2, rounds=1, solvers=["engager", "scipy-lsoda", "no-such-solver"],
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
    assert [one["solver"] for one in result["skipped"]] == ["no-such-solver"]


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


@pytest.fixture(scope="module", params=[hosseini, acute_leukemia])
def case_and_reference(request):
    case = request.param(2)
    values = solve(case.problem(2), method="rodas5p", rtol=1e-10).values
    scale = np.abs(values).max(axis=(0, 1))
    return case, values, 1e-13 * np.where(scale > 0, scale, 1.0)


def test_numbalsoda_agrees_with_the_reference(case_and_reference):
    pytest.importorskip("numbalsoda")
    case, reference, atol = case_and_reference
    peer = PEERS["numbalsoda"](case)
    peer.tolerate(1e-7, atol)
    # the later patient first: nothing of one may stay for the next
    later, first = peer.solve(1), peer.solve(0)
    assert largest_error(np.array([first, later]), reference) <= 1e-4


def test_desolve_agrees_with_the_reference_and_times_itself(case_and_reference):
    case, reference, atol = case_and_reference
    try:
        peer = SELF_TIMED["deSolve"](case)
    except ImportError as absent:
        pytest.skip(str(absent))
    peer.tolerate(1e-7, atol)
    values, elapsed, busy = peer.solve_first(2)
    assert largest_error(values, reference) <= 1e-4
    assert 0 < busy <= elapsed + 0.05 < 30


def test_desolve_without_r_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImportError, match="install R"):
        SELF_TIMED["deSolve"](hosseini(1))


def test_rates_pointer_reaches_the_block_that_rates_uses():
    case = hosseini(1)
    right = CompiledRates(case.model.system)
    state = right.begin(case.parameters[0], np.array([9.0])).copy()
    pointer, n = right.pointer(), len(state)
    out = np.zeros(n)
    right.rates(3.0, state, out)
    assert pointer.function != 0
    assert pointer.block[pointer.time] == 3.0
    assert pointer.block[pointer.inputs] == 9.0
    np.testing.assert_array_equal(pointer.block[pointer.state : pointer.state + n], state)
    np.testing.assert_array_equal(pointer.block[pointer.rates : pointer.rates + n], out)


def test_c_source_computes_once_what_only_parameters_decide_and_names_nothing():
    graph = Graph()
    state, rate, inflow = graph.symbol("cells"), graph.symbol("kill rate"), graph.symbol("inflow")
    root = graph.mul(graph.apply("max", state, graph.const(-2.0)), graph.div(rate, inflow))
    system = System("m", graph, ("cells",), ("kill rate",), (root,), (graph.const(1.0),), inputs=("inflow",))
    source = c_source(system)
    begin, moving = source.split("void engager_rates")
    assert "q[0] = p[0] / p[1];" in begin
    assert "x[0] > (-2.0) ? x[0] : (-2.0);" in moving
    assert "rate[0] = " in moving
    assert "kill" not in source
    assert "cells" not in source


def test_streaming_tells_memory_and_failures():
    from engager.bench.stream import measure_stream

    found = measure_stream(64, "hosseini-2020", lambda text: None)
    assert found["patients"] == 64
    assert found["times"] == 25
    assert found["failed"] == 0
    assert 0 < found["parquet_bytes"] < found["resident_bytes"]
