"""Windows, denominators and names that a study file gives its endpoints reach the figures."""

import numpy as np
import polars as pl
import pytest

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.calibration import request_of
from engager.protocol import Protocol
from engager.study.run.requests import requests_of
from engager.trial import simulate_trial


def study(**changes):
    raw = {
        "study": "windows",
        "population": {"setting": "relapsed_refractory", "marrow_blasts_percent": 15},
        "arms": {"a": {"n": 60, "regimen": "blinatumomab"}},
        "follow_up": {"months": 6},
        "endpoints": [{"id": "CR/CRh/CRi", "window_weeks": 24}, {"id": "MRD_response", "among": None}],
    }
    return Protocol.model_validate({**raw, **changes})


@pytest.fixture(scope="module")
def patients():
    return simulate_trial(study(), replicates=[0, 1], seed=4, n_sampled=0).patients


def share(patients, **asked):
    return estimate_endpoints(patients, [EndpointRequest(**asked)])["value"].to_numpy()


def test_a_wider_window_counts_more_and_the_widest_all(patients):
    shares = [share(patients, endpoint="CR/CRh/CRi", window_days=days).mean() for days in (20.0, 35.0, 168.0)]
    assert shares[0] <= shares[1] <= shares[2]
    assert shares[1] > shares[0]
    assert shares[2] == share(patients, endpoint="CR/CRh/CRi").mean()


def test_the_class_within_a_window_is_the_best_by_then(patients):
    days = 35.0
    classes = sum(share(patients, endpoint=name, window_days=days) for name in ("CR", "CRh", "CRi"))
    np.testing.assert_allclose(classes, share(patients, endpoint="CR/CRh/CRi", window_days=days))
    better = patients.filter(pl.col("cr_day").is_not_null())
    assert (better["crh_day"] <= better["cr_day"]).all()
    assert (better["response_day"] <= better["crh_day"]).all()


def test_mrd_of_everyone_counts_those_without_an_assay_as_no(patients):
    everyone = share(patients, endpoint="MRD_response", among="everyone")
    n = patients.filter(pl.col("mrd_below_limit").fill_null(False)).group_by("replicate").len().sort("replicate")
    np.testing.assert_allclose(everyone, n["len"].to_numpy() / 60)
    assert np.all(everyone < share(patients, endpoint="MRD_response"))


def test_targets_and_reports_ask_for_the_same_window_and_denominator():
    target = {"endpoint": "MRD_response", "events": 30, "n": 60, "window_cycles": 1}
    protocol = study(targets=[target, {"endpoint": "CR/CRh/CRi", "events": 30, "n": 60}])
    mrd, response = (request_of(one.estimand, protocol) for one in protocol.targets)
    assert (mrd.among, mrd.window_days) == ("everyone", 42.0)
    assert response.window_days == 168.0
    reported = {request.endpoint: request for request in requests_of(protocol)}
    assert reported["MRD_response"].among == "everyone"
    assert reported["CR/CRh/CRi"].window_days == 168.0


def test_a_subgroup_by_entry_mrd_reads_what_patients_came_with():
    population = {"setting": "mrd_positive", "mrd_log10": {"median": -2.5, "range": [-4, -1]}}
    target = {"endpoint": "OS", "time_months": 3, "value": 0.9, "subgroup": "mrd_log10 > -2.5"}
    blocks = {"population": population, "targets": [target], "endpoints": ["OS"]}
    protocol = study(**blocks, eligibility=["marrow_blasts_percent < 5"])
    assert request_of(protocol.targets[0].estimand, protocol).subgroup == "entry_mrd_log10 > -2.5"
    found = simulate_trial(protocol, replicates=[0], seed=1, n_sampled=0).patients
    assert found["marrow_blasts_percent"].max() < 5


def test_going_on_needs_one_of_the_named_responses():
    regimen = {
        "drug": "blinatumomab", "cycle_days": 42, "cycles": 3,
        "doses": [{"days": "1-28", "amount": 28, "unit": "ug/day"}],
    }  # fmt: skip
    strict = {**regimen, "continue_if": {"after_cycle": 1, "response": ["CR"]}}
    wide = {**regimen, "continue_if": {"after_cycle": 1, "response": ["CR", "CRh", "CRi"]}}
    counts = []
    for given in (strict, wide):
        protocol = study(arms={"a": {"n": 60, "regimen": {**given, "id": "a"}}})
        counts.append(simulate_trial(protocol, replicates=[0], seed=4, n_sampled=0).patients["n_cycles"].sum())
    assert counts[0] < counts[1]


def test_a_short_cycle_needs_no_word_on_marrow_days():
    doses = [{"days": "1-10", "amount": 28, "unit": "ug/day"}]
    short = {"id": "a", "drug": "blinatumomab", "cycle_days": 14, "cycles": 3, "doses": doses}
    protocol = study(arms={"a": {"n": 30, "regimen": short}})
    found = simulate_trial(protocol, replicates=[0], seed=4, n_sampled=0)
    marrow = found.visits.filter(pl.col("marrow_blasts_percent").is_not_null() & (pl.col("kind") == "cycle"))
    # a pause may shift a cycle, nobody waits longer than the first one
    assert marrow["day"].median() % 14.0 == 0
    assert (marrow["day"] == 14.0).sum() > 20
    responders = found.patients.filter(pl.col("response_day") <= 14.0)
    assert responders.height > 0
    assert (responders["response_cycle"] == 1).all()


def test_a_landmark_beyond_follow_up_is_told():
    protocol = study(targets=[{"endpoint": "OS", "time_months": 12, "value": 0.5, "n": 60}])
    (note,) = [note for note in protocol.notes() if "follow_up.months" in note]
    assert note.startswith("targets[0]: OS at 12 months")
