"""Steady states where they are hard: none at all, rates that depend on time; and which state a CMT means."""

import math

import numpy as np
import pytest

from engager.core import InputError
from engager.engine import read_nonmem
from engager.engine.reference.backend import solve_reference
from engager.model import read_antimony

HEADER = "ID,TIME,EVID,AMT,CMT,RATE,ADDL,II,SS\n"
SATURABLE = "model m; species C; C = 0; C' = -1*C/(5 + C); end"


def planned(model, rows):
    data = read_nonmem(HEADER + rows, read_antimony(model))
    problem, notes = data.planned()
    result = solve_reference(problem, rtol=1e-10)
    return data.observed(result, "C")[0], " ".join((*data.notes, *notes))


@pytest.mark.parametrize("dose", [5.0, 23.0, 23.9])
def test_a_dose_that_a_saturated_elimination_can_clear_has_a_steady_state(dose):
    """5 ln(c0 / c) + c0 - c = 24 over an interval, with c0 = c + dose."""
    seen, notes = planned(SATURABLE, f"1,0,1,{dose},C,0,0,24,1\n1,0,0,0,.,0,0,0,0\n")
    assert not notes
    np.testing.assert_allclose(seen, dose + dose / math.expm1((24 - dose) / 5), rtol=1e-5)


@pytest.mark.parametrize("dose", [24.0, 24.001, 25.0, 50.0, 2400.0])
def test_a_dose_that_cannot_be_cleared_has_none_however_large_the_amounts_grow(dose):
    seen, notes = planned(SATURABLE, f"1,0,1,{dose},C,0,0,24,1\n1,0,0,0,.,0,0,0,0\n")
    assert np.isnan(seen).all()
    assert "no steady state: C goes on changing from interval to interval" in notes


def test_the_rate_of_a_constant_infusion_may_be_a_parameter():
    seen, _ = planned(
        "model m; species C; C = 0; k = 0.05; R1 = 3; C' = -k*C; end", "1,0,1,0,C,-1,0,0,1\n1,0,0,0,.,0,0,0,0\n"
    )
    np.testing.assert_allclose(seen, 60.0, rtol=1e-7)


def day_of(rate, begins, steps=24_000):
    """C' = input - rate(t) C through days, each with 10 for 2 hours from `begins`, once periodic."""
    times = begins + np.linspace(0.0, 24.0, steps + 1)
    middle = 0.5 * (times[1:] + times[:-1])
    width = 24.0 / steps
    decay, given = np.exp(-width * rate(middle)), np.where(middle < begins + 2, 10.0 * width, 0.0)
    state = 0.0
    for a, b in zip(decay, given, strict=True):
        state = state * a + b * math.sqrt(a)
    return state / (1 - np.prod(decay))  # where a day from nothing leads, and the share of a start that a day leaves


def test_a_daily_rhythm_is_met_at_the_hour_of_the_dose():
    """Taken from time 0 instead, the clearance would be that of other hours."""
    model = "model m; species C; C = 0; k := 0.05 + 0.04*sin(2*3.141592653589793*time/24); C' = -k*C; end"
    seen, notes = planned(model, "1,0,0,0,.,0,0,0,0\n1,6,1,20,C,10,0,24,1\n1,6,0,0,.,0,0,0,0\n")
    want = day_of(lambda t: 0.05 + 0.04 * np.sin(2 * math.pi * t / 24), 6.0)
    np.testing.assert_allclose(seen[-1], want, rtol=1e-5)
    assert "rates depend on time" in notes
    assert abs(day_of(lambda t: 0.05 + 0.04 * np.sin(2 * math.pi * t / 24), 0.0) / want - 1) > 0.03


def test_what_switched_before_the_dose_has_switched_for_its_steady_state():
    model = "model m; species C; C = 0; k := piecewise(0.05, time < 20, 0.5); C' = -k*C; end"
    seen, _ = planned(model, "1,0,0,0,.,0,0,0,0\n1,60,1,100,C,0,0,24,1\n1,60,0,0,.,0,0,0,0\n")
    np.testing.assert_allclose(seen[-1], 100 / (1 - math.exp(-12)), rtol=1e-8)


def test_numbers_of_compartments_pass_over_what_only_events_change():
    """w stands before the species, and is a state because an event sets it."""
    model = "model m; w = 0; species A, C; A = 0; C = 0; A' = -0.1*A; C' = -0.1*C; at time > 5: w = 1; end"
    seen, _ = planned(model, "1,0,1,100,2,0,0,0,0\n1,10,0,0,.,0,0,0,0\n")
    np.testing.assert_allclose(seen, 100 * math.exp(-1), rtol=1e-7)


@pytest.mark.parametrize(
    ("model", "rows", "told"),
    [
        (SATURABLE, "1,0,1,10,1.5,0,0,0,0\n", "CMT must be a state or one of 1"),
        (SATURABLE, "1,0,1,10,C,0,0,0,0\n1,5,2,0,-1,0,0,0,0\n", "turns a compartment off"),
        (
            "model m; species C; C = 0; F1 = 0.5; C' = -C; at time > 5: F1 = 1; end", "1,0,1,10,C,0,0,0,0\n",
            "may depend on parameters and inputs only",
        ),
    ],
    ids=["half a compartment", "a compartment turned off", "a share that an event changes"],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_line_or_name(model, rows, told):
    with pytest.raises(InputError, match=told):
        planned(model, rows)
