"""What the protocol decides at the end of a cycle, for patients whose state is given."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.model import load_model
from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial import simulate_trial
from engager.trial.course import CR, CRI, NO_RESPONSE
from engager.trial.dosing import ActionList
from engager.trial.simulate import ArmRun

DOSES = [{"days": "1-28", "amount": 28, "unit": "ug/day"}]
ROWS = np.arange(4)


@pytest.fixture
def arm():
    """A function: a run of one arm of four, nothing simulated yet."""

    def opened(hsct="never", later_therapy="never", **regimen):
        given = {"drug": "blinatumomab", "cycle_days": 42, "cycles": 3, "doses": DOSES} | regimen
        raw = {"study": "decisions", "arms": {"a": {"n": 4, "regimen": given}}, "hsct": hsct,
               "later_therapy": later_therapy}  # fmt: skip
        protocol = Protocol.model_validate(raw)
        return ArmRun(
            protocol, "a", protocol.arms["a"], load_model("b-all"), 1, [0], lambda one: PopulationValues(), 1, 0, "auto"
        )

    return opened


@pytest.mark.parametrize(
    ("wanted", "goes_on"),
    [(("CR",), [True, False, False, False]), (("CR", "CRi"), [True, True, False, False]),
     (("MRD_response",), [False, True, True, False]), (("complete_MRD_response",), [False, False, True, False]),
     (("CR", "complete_MRD_response"), [True, False, True, False]), (("PR",), [True, True, True, False])],
)  # fmt: skip
def test_who_has_one_of_the_responses_asked_for_goes_on(arm, wanted, goes_on):
    run = arm()
    course = run.course
    course.remission[:] = [CR, CRI, NO_RESPONSE, NO_RESPONSE]
    course.mrd_response_day[:], course.mrd_undetectable_day[:] = [np.nan, 30, 30, np.nan], [np.nan, np.nan, 30, np.nan]
    course.blasts_seen[:] = [0.0, 5.0, 25.0, 25.1]
    assert run.decisions._goes_on(ROWS, wanted).tolist() == goes_on


def test_the_next_course_waits_once_for_counts_to_recover_in_a_cleared_marrow(arm):
    run = arm()
    run.decisions.regimen = shipped_protocol("tower").arms["chemotherapy"].regimen
    course = run.course
    course.marrow_clear[:] = [True, True, False, True]
    course.remission[:] = [CRI, CR, NO_RESPONSE, CRI]
    course.cycle_day[:] = [1, 1, 1, 2]
    run.decisions._await_recovery(ROWS)
    assert course.hold_days.tolist() == [run.assumed["recovery_wait_days"], 0.0, 0.0, 0.0]
    assert [rows.tolist() for rows, _, event, *_ in course.log if event == "hold"] == [[0]]


def test_a_later_line_brings_its_own_strength_and_the_toxicity_of_usual_chemotherapy(arm):
    lines = [{"id": "salvage", "agent": "chemotherapy", "strength": 3.0, "share": 1.0, "delay_days": 0}]
    course = {"drug": "chemotherapy", "strength": 0.5, "marrow_toxicity": 0.25, "cycle_days": 28, "doses": []}
    run = arm(later_therapy={"lines": lines}, **course)
    names = run.roles.chemotherapy_sensitivity, run.roles.marrow_toxicity
    places = [run.system.parameters.index(name) for name in names]
    first = run.parameters[:, places].copy()
    run.course.on_treatment[:3] = False
    run.course.next_line[:2], run.course.next_line_day[:2] = 0, 0.0
    run._begin(ROWS, ActionList())
    np.testing.assert_allclose(run.parameters[:2, places], first[:2] * [3.0 / 0.5, 1.0 / 0.25])
    np.testing.assert_array_equal(run.parameters[2:, places], first[2:])


def test_a_transplant_is_planned_after_the_cycle_that_the_study_names(arm):
    for cycle, earliest, planned in ((2, 1, True), (2, 2, False), (3, 2, True)):
        run = arm(hsct={"offer": "in_response", "probability": 1.0, "earliest_after_cycle": earliest})
        run.course.remission[:], run.course.cycle[:], run.course.clock[:] = CR, cycle, 42.0
        run.decisions.end_of_cycle(ROWS)
        assert np.isfinite(run.course.hsct_planned).all() == planned
        assert run.course.on_treatment.all() != planned


def test_treatment_goes_on_after_a_cycle_only_with_the_response_that_the_regimen_asks_for(arm):
    for cycle, stops in ((2, False), (3, True)):
        run = arm(continue_if={"after_cycle": 2, "response": ["CR"]})
        run.course.remission[:], run.course.cycle[:], run.course.clock[:] = [CR, CRI, CR, NO_RESPONSE], cycle, 84.0
        run.decisions.end_of_cycle(ROWS)
        assert run.course.on_treatment.tolist() == [True, not stops, True, not stops]


def test_some_stop_for_want_of_a_response_and_others_since_they_have_it(arm):
    run = arm(continue_if={"after_cycle": 2, "response": ["CR", "CRi"]}, stop_if={"after_cycle": 2, "response": ["CR"]})
    run.course.remission[:], run.course.cycle[:], run.course.clock[:] = [NO_RESPONSE, CRI, CR, CR], [3, 3, 3, 2], 84.0
    run.decisions.end_of_cycle(ROWS)
    told = {
        int(row): detail for rows, _, event, _, detail in run.course.log if event == "off_study_drug" for row in rows
    }
    assert told == {0: "no response", 2: "treatment completed"}


def test_the_last_cycle_ends_treatment_with_or_without_a_response(arm):
    run = arm()
    run.course.remission[:], run.course.cycle[:], run.course.clock[:] = [CR, NO_RESPONSE, CR, CR], [4, 4, 3, 4], 126.0
    run.decisions.end_of_cycle(ROWS)
    assert run.course.on_treatment.tolist() == [False, False, True, False]
    told = {
        int(row): detail for rows, _, event, _, detail in run.course.log if event == "off_study_drug" for row in rows
    }
    assert told == {0: "treatment completed", 1: "no response", 3: "treatment completed"}


def test_a_morning_has_one_visit_of_its_cycle_and_progress_ends_at_one():
    shares = []
    data = simulate_trial(
        shipped_protocol("mt103-206").with_patients(40), replicates=[0], seed=2, n_sampled=0, progress=shares.append
    )
    cycle = data.visits.filter(pl.col("kind") == "cycle")
    assert cycle.height > 40
    assert cycle.group_by("patient", "day").len()["len"].max() == 1
    assert shares[-1] == 1.0
    assert max(shares) <= 1.0
    assert shares == sorted(shares)
