"""NONMEM-style tables against closed forms of one- and two-compartment models."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from engager.core import InputError
from engager.engine import Status, read_nonmem, with_infusion_inputs
from engager.engine.reference.backend import solve_reference
from engager.model import read_antimony

ONE = "model one; A' = -k*A; A = 0; k = 0.1; R1 = 25; D1 = 8; tlag = 1.5; F = 0.5; wt = 70; end"
TWO = """model two; A' = -(k10 + k12)*A + k21*B; B' = k12*A - k21*B;
    A = 0; B = 0; k10 = 0.2; k12 = 0.3; k21 = 0.15; end"""
K = 0.1


def solved(text, model=ONE, state="A", **options):
    system = read_antimony(model)
    data = read_nonmem(text, system, **options)
    result = solve_reference(data.problem(), rtol=1e-10)
    assert result.n_failed == 0
    return [data.shown_times[places] for places in data.observations], data.observed(result, state)


def one_patient(text, **options):
    times, values = solved(text, **options)
    return times[0], values[0]


def table(header, *rows):
    return "\n".join([header, *rows]) + "\n"


def bolus(t, at, amount=100.0, k=K):
    return np.where(t >= at, amount * np.exp(-k * np.maximum(t - at, 0)), 0.0)


def infusion(t, at, rate, duration, k=K):
    on = np.clip(t - at, 0, duration)
    return rate / k * (1 - np.exp(-k * on)) * np.exp(-k * np.maximum(t - at - duration, 0))


def observe(*times, columns=8):
    return [f"1,{t}" + ",0" * (columns - 2) for t in times]


HEADER = "ID,TIME,EVID,AMT,RATE,ADDL,II,SS"


def test_additional_doses_repeat_at_the_interval():
    t, a = one_patient(table(HEADER, "1,0,1,100,0,3,12,0", *observe(0, 11, 12, 30, 50)))
    np.testing.assert_allclose(a, sum(bolus(t, 12 * k) for k in range(4)), rtol=1e-8)


def test_overlapping_infusions_add_up():
    t, a = one_patient(table(HEADER, "1,0,1,100,10,0,0,0", "1,4,1,40,20,0,0,0", *observe(5, 5.5, 9, 12, 20)))
    np.testing.assert_allclose(a, infusion(t, 0, 10, 10) + infusion(t, 4, 20, 2), rtol=1e-8)


@pytest.mark.parametrize(("code", "rate", "duration"), [(-1, 25.0, 4.0), (-2, 12.5, 8.0)])
def test_rate_or_duration_can_be_a_parameter(code, rate, duration):
    t, a = one_patient(table(HEADER, f"1,0,1,100,{code},0,0,0", *observe(2, 4, 8, 10)))
    np.testing.assert_allclose(a, infusion(t, 0, rate, duration), rtol=1e-8)


def test_reset_stops_an_infusion_and_cancels_additional_doses():
    rows = ["1,0,1,100,10,5,24,0", *observe(5), "1,6,3,0,0,0,0,0", *observe(7, 30)]
    _, a = one_patient(table(HEADER, *rows))
    np.testing.assert_allclose(a, [infusion(np.array(5.0), 0, 10, 10), 0, 0], rtol=1e-8, atol=1e-12)


def test_reset_and_dose_begins_anew():
    rows = ["1,0,1,100,10,5,24,0", *observe(5), "1,6,4,50,5,1,12,0", *observe(7, 17, 20, 40)]
    t, a = one_patient(table(HEADER, *rows))
    expected = infusion(t, 6, 5, 10) + infusion(t, 18, 5, 10)
    expected[0] = infusion(np.array(5.0), 0, 10, 10)
    np.testing.assert_allclose(a, expected, rtol=1e-8)


def test_bolus_at_steady_state_and_additional_doses_after_it():
    t, a = one_patient(table(HEADER, "1,2,1,100,0,2,12,1", *observe(2, 8, 14, 30, 60)))
    trough = 100 * np.exp(-K * 12) / (1 - np.exp(-K * 12))
    expected = trough * np.exp(-K * (t - 2)) + sum(bolus(t, 2 + 12 * k) for k in range(3))
    np.testing.assert_allclose(a, expected, rtol=1e-7)


def series(t, rate, duration, interval, n=400):
    """An infusion at 0 and the `n` before it."""
    return sum(infusion(t, -interval * j, rate, duration) for j in range(n))


@pytest.mark.parametrize("duration", [5.0, 12.0, 30.0])
def test_infusion_at_steady_state_even_when_longer_than_the_interval(duration):
    rate = 100 / duration
    t, a = one_patient(table(HEADER, f"1,0,1,100,{rate!r},0,12,1", *observe(0, 3, 6, 11, 14, 25, 31, 40)))
    np.testing.assert_allclose(a, series(t, rate, duration, 12.0), rtol=1e-7)


def test_infusion_at_steady_state_with_additional_doses_keeps_its_cycle():
    _, a = one_patient(table(HEADER, f"1,0,1,100,{100 / 30!r},4,12,1", *observe(1, 13, 25, 37, 49)))
    np.testing.assert_allclose(a, a[0], rtol=1e-7)


def test_steady_state_2_adds_to_what_is_there():
    t, a = one_patient(table(HEADER, "1,0,1,40,0,0,0,0", "1,5,1,100,0,0,12,2", *observe(5, 9, 20)))
    trough = 100 * np.exp(-K * 12) / (1 - np.exp(-K * 12))
    np.testing.assert_allclose(a, bolus(t, 0, 40.0) + bolus(t, 5) + trough * np.exp(-K * (t - 5)), rtol=1e-7)


def test_steady_state_1_cancels_what_was_going_on():
    rows = ["1,0,1,400,10,5,24,0", "1,5,1,100,0,0,12,1", *observe(5, 9, 48)]
    t, a = one_patient(table(HEADER, *rows))
    peak = 100 / (1 - np.exp(-K * 12))
    np.testing.assert_allclose(a, peak * np.exp(-K * (t - 5)), rtol=1e-7)


def test_constant_infusion_at_steady_state_ends_at_its_row():
    t, a = one_patient(table(HEADER, "1,3,1,0,7,0,0,1", *observe(3, 10)))
    np.testing.assert_allclose(a, 70 * np.exp(-K * (t - 3)), rtol=1e-7)


@pytest.mark.parametrize("lag_options", [{"lags": {"A": "tlag"}}])
def test_lag_shifts_doses_and_their_steady_state(lag_options):
    t, a = one_patient(table(HEADER, "1,0,1,100,0,1,12,1", *observe(0, 1, 2, 13, 14)), **lag_options)
    trough = 100 * np.exp(-K * 12) / (1 - np.exp(-K * 12))
    expected = (trough + 0) * np.exp(-K * (t - 1.5)) + bolus(t, 1.5) + bolus(t, 13.5)
    np.testing.assert_allclose(a, expected, rtol=1e-7)


def test_bioavailability_scales_the_dose():
    t, a = one_patient(table(HEADER, "1,0,1,100,0,0,0,0", *observe(0, 5)), bioavailability={"A": "F"})
    np.testing.assert_allclose(a, 0.5 * bolus(t, 0), rtol=1e-8)


def test_two_compartments_at_steady_state():
    t, a = one_patient(table(HEADER, "1,0,1,100,50,0,8,1", *observe(0, 1, 2, 5, 20)), model=TWO)
    matrix = np.array([[-0.5, 0.15], [0.3, -0.15]])
    values, vectors = np.linalg.eig(matrix)
    weights = np.linalg.solve(vectors, [1.0, 0.0])

    def after(tau):  # central amount of a unit infusion rate of length 2, tau after its beginning
        on, off = np.clip(tau, 0, 2), np.maximum(tau - 2, 0)
        parts = [vectors[0, i] * weights[i] * (np.exp(v * on) - 1) / v * np.exp(v * off) for i, v in enumerate(values)]
        return sum(parts)

    np.testing.assert_allclose(a, 50 * sum(after(t + 8 * j) for j in range(200)), rtol=1e-7)


def test_rows_of_one_time_act_in_the_order_of_the_file():
    _, a = one_patient(table(HEADER, *observe(0), "1,0,1,100,0,0,0,0", *observe(0)))
    assert a.tolist() == [0.0, 100.0]
    rows = ["1,0,1,100,0,0,0,0", *observe(5), "1,5,1,50,0,0,0,0", *observe(5), "1,5,4,7,0,0,0,0", *observe(5)]
    _, a = one_patient(table(HEADER, *rows))
    np.testing.assert_allclose(a, [100 * np.exp(-0.5), 100 * np.exp(-0.5) + 50, 7], rtol=1e-8)


def test_an_additional_dose_comes_before_the_rows_of_its_time():
    rows = ["1,0,1,100,0,1,12,0", *observe(12), "1,12,1,50,0,0,0,0", *observe(12)]
    _, a = one_patient(table(HEADER, *rows))
    np.testing.assert_allclose(a, [100 * np.exp(-1.2) + 100, 100 * np.exp(-1.2) + 150], rtol=1e-8)


def test_a_dose_after_an_observation_keeps_the_times_of_its_series():
    rows = [*observe(0), "1,0,1,100,0,2,12,0", *observe(12, 24, 240)]
    _, a = one_patient(table(HEADER, *rows))
    expected = [0.0, *(sum(bolus(np.array(t), 12 * k) for k in range(3)) for t in (12.0, 24.0, 240.0))]
    np.testing.assert_allclose(a, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("ending", ["1", "_A"])
def test_share_and_lag_are_taken_by_name(ending):
    model = ONE.replace("wt = 70", f"wt = 70; F{ending} = 0.5; ALAG{ending} = 2")
    t, a = one_patient(table(HEADER, "1,0,1,100,0,1,12,0", *observe(1, 10, 20)), model=model)
    np.testing.assert_allclose(a, 0.5 * (bolus(t, 2) + bolus(t, 14)), rtol=1e-8)


def test_a_share_may_be_a_rule_over_parameters_but_not_over_states():
    model = ONE.replace("wt = 70", "wt = 70; F1 := wt/140")
    t, a = one_patient(table(HEADER, "1,0,1,100,0,0,0,0", *observe(1)), model=model)
    np.testing.assert_allclose(a, 0.5 * bolus(t, 0), rtol=1e-8)
    with pytest.raises(InputError, match="F1"):
        one_patient(table(HEADER, "1,0,1,100,0,0,0,0"), model=ONE.replace("wt = 70", "wt = 70; F1 := A/140"))


def test_a_share_that_the_equations_use_is_told_and_not_taken():
    system = read_antimony("model m; A' = -k*F1*A; A = 0; k = 0.2; F1 = 0.5; end")
    data = read_nonmem(table(HEADER, "1,0,1,100,0,0,0,0", *observe(5)), system)
    assert any("F1" in note for note in data.notes)
    values = solve_reference(data.problem(), rtol=1e-10).state("A")[0]
    np.testing.assert_allclose(values, [100.0, 100 * np.exp(-0.5)], rtol=1e-8)


def test_columns_are_told_when_not_used_and_found_in_lower_case():
    text = table("id,time,amt,dur,K,visit,dv", "1,0,100,4,0.2,1,7", "1,8,0,0,0.2,2,.")
    data = read_nonmem(text, read_antimony(ONE))
    assert data.notes == ("table: not used: visit, DV",)
    values = solve_reference(data.problem(), rtol=1e-10).state("A")[0]
    np.testing.assert_allclose(values[-1], infusion(np.array(8.0), 0, 25, 4, 0.2), rtol=1e-8)


@pytest.mark.parametrize(
    ("header", "rows", "word"),
    [
        ("ID,TIME,AMT,wt", ["1,0,100,70", "1,5,0,70 kg"], "line 3: got '70 kg'; wt must be a number"),
        ("ID,TIME,AMT,wt", ['1,0,100,"70,5"'], "Write a point"),
        ("ID,TIME,AMT,wt", ["1,0,100,inf"], "wt must be a number"),
        ("ID,TIME,AMT,wt,WT", ["1,0,100,70,80"], "wt of the model once"),
        ("ID,TIME,AMT", ["1,0,1_000"], "AMT must be a number"),
        ("ID,TIME,AMT", [",0,100"], "ID must say whose"),
        ("ID,TIME,AMT", ["1,0,100", "1.0,5,0"], "written alike"),
        ("ID;TIME", ["1;0,5", "1;1,5"], "TIME must be a number"),
        ("ID TIME", ["1 0,5"], "cells"),
    ],
)
def test_what_would_silently_mean_something_else_is_refused(header, rows, word):
    with pytest.raises(InputError, match=word):
        read_nonmem(table(header, *rows), read_antimony(ONE))


def test_a_column_that_is_not_used_may_hold_anything_and_a_missing_covariate_is_the_models_own():
    data = read_nonmem(table("ID,TIME,AMT,note,wt", "1,0,100,first visit,.", "1,5,0,-,."), read_antimony(ONE))
    assert data.parameters()[0, data.system.parameters.index("wt")] == 70.0


@pytest.mark.parametrize("separated", ["1;0;100\n 1;5;0", "1, 0, 100\n1 5 0"])
def test_rows_are_of_one_patient_whatever_separates_their_cells(separated):
    header = "ID;TIME;AMT" if ";" in separated else "ID TIME AMT"
    assert read_nonmem(table(header, separated), read_antimony(ONE)).ids == ("1",)


@pytest.mark.parametrize("start", [0, 3, 1000])
@pytest.mark.parametrize("rate", ["1e9", "1e12", "1e15", "1e300"])
def test_an_infusion_too_short_to_be_told_from_a_bolus_brings_its_dose(start, rate):
    rows = f"1,{start},1,100,{rate},0,0,0", f"1,{start + 5},0,0,0,0,0,0"
    t, a = one_patient(table(HEADER, *rows))
    np.testing.assert_allclose(a, bolus(t, start), rtol=1e-6)


def test_a_rate_and_a_duration_contradict_each_other():
    with pytest.raises(InputError, match="DUR"):
        read_nonmem(table("ID,TIME,AMT,RATE,DUR", "1,0,100,10,4"), read_antimony(ONE))


ORAL = "model m; D = 0; C = 0; ka = 1.5; k = 0.055; D' = -ka*D; C' = ka*D - k*C; end"


def oral(t, ka, k, interval, dose=100.0):
    """C at steady state, t after a dose."""
    parts = [np.exp(-r * t) / (1 - np.exp(-r * interval)) for r in (k, ka)]
    return dose * ka / (ka - k) * (parts[0] - parts[1])


@pytest.mark.parametrize(("ka", "interval"), [(1.5, 24), (5, 24), (0.5, 168), (2, 168), (1.5, 672)])
@pytest.mark.parametrize("dose", [100.0, 1e-19])
def test_a_depot_that_empties_between_doses_has_a_steady_state(ka, interval, dose):
    model = ORAL.replace("ka = 1.5", f"ka = {ka}")
    t, c = one_patient(table(HEADER, f"1,0,1,{dose},0,0,{interval},1", *observe(1, 20)), model=model, state="C")
    np.testing.assert_allclose(c, oral(t, ka, 0.055, interval, dose), rtol=1e-7)


@pytest.mark.parametrize("k", [0.1, 1e-3, 1e-5])
def test_a_constant_infusion_of_a_slow_drug_has_a_steady_state(k):
    model = f"model m; A = 0; k = {k}; A' = -k*A; end"
    _, a = one_patient(table(HEADER, "1,0,1,0,1,0,0,1", *observe(0)), model=model)
    np.testing.assert_allclose(a, 1 / k, rtol=1e-7)


@pytest.mark.parametrize(("amount", "rate", "interval"), [(0.3, 0.1, 3), (0.7, 0.1, 7), (2.1, 0.3, 7), (0.6, 0.1, 3)])
def test_an_infusion_that_fills_its_interval_up_to_rounding(amount, rate, interval):
    k, whole = 0.1, round(amount / rate) // interval
    model = f"model m; A = 0; k = {k}; A' = -k*A; end"
    _, a = one_patient(table(HEADER, f"1,0,1,{amount},{rate},2,{interval},1", *observe(0, 1, 5)), model=model)
    np.testing.assert_allclose(a, whole * rate / k, rtol=1e-7)


def test_what_only_adds_up_is_kept_and_told():
    model = ORAL.replace("end", "U = 3; U' = k*C; AUC = 0; AUC' = C; W = 0; W' = AUC; end")
    system = read_antimony(model)
    data = read_nonmem(table(HEADER, "1,0,1,100,0,0,24,1", *observe(0, 24)), system)
    problem, notes = data.planned()
    result = solve_reference(problem, rtol=1e-10)
    np.testing.assert_allclose(result.state("C")[0], oral(np.array([0.0, 24.0]), 1.5, 0.055, 24), rtol=1e-7)
    np.testing.assert_allclose(result.state("U")[0], [3.0, 103.0], rtol=1e-7)
    assert len(notes) == 1
    assert all(word in notes[0] for word in ("ID 1", "line 2", "U, AUC, W"))


def test_what_a_model_conserves_is_no_obstacle():
    model = """model m; A = 0; R = 10; RC = 0; kon = 0.1; koff = 0.05; k = 0.1;
    A' = -k*A - kon*A*R + koff*RC; R' = -kon*A*R + koff*RC; RC' = kon*A*R - koff*RC; end"""
    found = one_patient(table(HEADER, "1,0,1,10,0,0,24,1", *observe(24)), model=model)[1]
    long = one_patient(table(HEADER, "1,0,1,10,0,300,24,0", "1,7200,0,0,0,0,0,0"), model=model)[1]
    np.testing.assert_allclose(found, long - 10, rtol=1e-6)


def test_why_there_is_no_steady_state_is_told_with_patient_line_and_dose():
    model = "model m; A = 0; P = 0; A' = -0.1*A + 0.2*P; P' = 0.1*A - 0.2*P; end"
    data = read_nonmem(table(HEADER, "7,0,1,100,0,0,24,1", "7,3,0,0,0,0,0,0"), read_antimony(model))
    problem, notes = data.planned()
    assert solve_reference(problem).status.tolist() == [Status.NOT_FINITE]
    assert all(word in notes[0] for word in ("ID 7", "line 2", "100", "no steady state", "A, P"))


def test_patients_have_their_own_rows_covariates_and_beginnings():
    header = "ID,TIME,AMT,k"
    rows = ["7,0,100,0.1", "7,10,0,0.1", "9,4,50,0.2", "9,10,.,0.2"]
    times, values = solved(table(header, *rows))
    np.testing.assert_allclose(values[0], bolus(times[0], 0), rtol=1e-8)
    np.testing.assert_allclose(values[1], bolus(times[1], 4, 50.0, 0.2), rtol=1e-8)


def test_compartment_can_be_named_or_numbered():
    system = read_antimony(TWO)
    text = table("ID,TIME,AMT,CMT", "1,0,10,2", "1,0,5,A", "1,1,0,.")
    problem = read_nonmem(text, system).problem()
    assert problem.schedule.index.tolist() == [1, 0]
    assert read_nonmem(text, system, compartments={2: "A"}).problem().schedule.index.tolist() == [0, 0]


def test_an_input_may_change_within_a_patient():
    system = read_antimony(ONE, inputs=["k"])
    data = read_nonmem(table("ID,TIME,AMT,k", "1,0,100,0.1", "1,5,0,0.3", "1,10,0,0.3"), system)
    values = solve_reference(data.problem(), rtol=1e-10, atol=1e-12).state("A")[0]
    np.testing.assert_allclose(values[-1], 100 * np.exp(-0.5 - 1.5), rtol=1e-8)


def test_no_steady_state_is_a_failure_of_that_patient():
    system = read_antimony("model m; A' = -k*A; A = 0; k = 0; end")
    data = read_nonmem(table("ID,TIME,AMT,II,SS", "1,0,1,1,1", "1,3,0,0,0"), system)
    result = solve_reference(data.problem())
    assert result.status[0] == Status.NOT_FINITE
    assert np.isnan(result.values).all()


def test_every_bad_row_is_told_by_its_line():
    text = table(
        "ID,TIME,EVID,AMT,RATE,II,SS,CMT",
        "1,0,9,0,0,0,0,1",
        "1,x,0,0,0,0,0,1",
        "1,1,1,0,0,0,0,1",
        "1,2,1,5,-3,0,0,1",
        "1,3,1,5,0,0,1,1",
        "1,8:30,0,0,0,0,0,1",
        "1,4,0,5,0,0,0,1",
        "1,2,0,0,0,0,0,1,1",
    )
    with pytest.raises(InputError) as caught:
        read_nonmem(text, read_antimony(ONE))
    assert [int(one.where.split("line ")[1]) for one in caught.value.problems] == [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        (["1,5,0,1", "1,4,0,1"], "go back"),
        (["1,0,0,1", "2,0,0,1", "1,1,0,1"], "together"),
        (["1,0,5,3"], "CMT"),
        (["1,0,5,inf"], "CMT"),
        (["1,0,5," + "a" * 200_000], "cells"),
    ],
)
def test_order_and_compartments_are_checked(rows, word):
    with pytest.raises(InputError, match=word):
        read_nonmem(table("ID,TIME,AMT,CMT", *rows), read_antimony(ONE))


def test_infusion_input_is_added_once():
    system = with_infusion_inputs(read_antimony(ONE), ["A"])
    assert system.inputs == ("rate_A",)
    assert with_infusion_inputs(system, ["A"]).rates == system.rates
    with pytest.raises(InputError, match="state"):
        with_infusion_inputs(system, ["Z"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["0", "1", "-1", "2", ".", "x", "1e400", "inf", "A", "", "5.5"]), max_size=9)))
def test_any_table_is_read_or_told_by_line(rows):
    system = read_antimony(ONE)
    with contextlib.suppress(InputError):
        data = read_nonmem(table(HEADER + ",CMT", *(",".join(row) for row in rows)), system)
        assert len(data.observations) == len(data.ids) == len(data.records)
