"""Windows of one endpoint leave the others alone; comparisons of arms and repeated endpoints keep their own."""

import polars as pl
import pytest

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.calibration import request_of, strata_of
from engager.core import InputError
from engager.protocol import Protocol
from engager.study.run.requests import definitions_of, requests_of
from engager.trial import simulate_trial


def course(cycle_days):
    doses = [{"days": "1-28", "amount": 28, "unit": "ug/day"}]
    return {"drug": "blinatumomab", "cycle_days": cycle_days, "cycles": 4, "doses": doses}


def study(**changes):
    raw = {
        "study": "window-rules",
        "population": {"marrow_blasts_percent": 15},
        "arms": {"a": {"n": 40, "regimen": course(28)}},
        "follow_up": {"months": 6},
        "endpoints": ["CR", "OS"],
    }
    return Protocol.model_validate({**raw, **changes})


@pytest.fixture(scope="module")
def patients():
    return simulate_trial(study(hsct={"probability": 1.0}), replicates=[0], seed=4, n_sampled=0).patients


@pytest.mark.parametrize("endpoint", ["CRS_any", "death_induction", "HSCT_on_study"])
def test_the_window_of_another_kind_does_not_end_responses(endpoint):
    alone = simulate_trial(study(), replicates=[0], seed=4, n_sampled=0).patients
    beside = study(endpoints=["CR", "OS", {"id": endpoint, "window_weeks": 1}])
    with_window = simulate_trial(beside, replicates=[0], seed=4, n_sampled=0).patients
    assert alone["response_day"].is_not_null().sum() > 5
    assert with_window["response_day"].equals(alone["response_day"])


@pytest.mark.parametrize("endpoint", ["HSCT_after_response", "HSCT_on_study"])
def test_a_window_bounds_transplants(patients, endpoint):
    if endpoint == "HSCT_after_response":
        patients = patients.filter(patients["hsct_in_response"].fill_null(False))
    days = patients["hsct_day"].drop_nulls().sort()
    window = float(days[len(days) // 2])
    shares = {
        limit: estimate_endpoints(patients, [EndpointRequest(endpoint, window_days=limit)])["events"][0]
        for limit in (1.0, window, None)
    }
    assert shares[1.0] == 0 < shares[window] < shares[None]
    assert shares[window] == (days <= window).sum()


def test_a_window_bounds_fatal_events():
    row = {
        "replicate": 0, "arm": "a", "failed": False, "followup_day": 300.0, "treated": True, "start_day": 0.0,
        "treatment_end_day": 90.0, "best_response": "none", "response_day": None, "response_cycle": None,
        "mrd_day": None, "mrd_below_limit": None, "mrd_undetectable": None, "hsct_day": None, "hsct_in_response": None,
        "relapse_day": None, "death_cause": "infection", "fatal_adverse_event": True, "crs_grade": 0,
        "neurologic_grade": 0,
    }  # fmt: skip
    nothing = dict.fromkeys(("response_day", "mrd_day", "hsct_day", "relapse_day"), pl.Float64)
    rows = [{**row, "patient": i, "death_day": day} for i, day in enumerate((10.0, 50.0, 100.0))]
    table = pl.DataFrame(rows, schema_overrides=nothing)
    counts = [
        estimate_endpoints(table, [EndpointRequest("fatal_AE", window_days=days)])["events"][0]
        for days in (28.0, 60.0, None)
    ]
    assert counts == [1, 2, 3]


def test_a_comparison_of_arms_has_each_arms_window():
    arms = {"short": {"n": 40, "regimen": course(28)}, "long": {"n": 40, "regimen": course(42)}}
    target = {
        "endpoint": "CR/CRh/CRi", "measure": "difference", "treatment": "long", "control": "short", "value": 0.0,
        "window_cycles": 1,
    }  # fmt: skip
    same = {"randomized": False, "counterfactual": True}
    protocol = study(arms=arms, targets=[target], allocation=same, visits={"marrow_days": [28]})
    asked = request_of(protocol.targets[0].estimand, protocol)
    assert (asked.window_days, asked.control_window_days) == (42.0, 28.0)
    data = simulate_trial(protocol, replicates=[0], seed=4, n_sampled=0)
    found = estimate_endpoints(data, [asked])["value"][0]
    by_arm = {
        arm: estimate_endpoints(data, [EndpointRequest("CR/CRh/CRi", arm=arm, window_days=days)])["value"][0]
        for arm, days in (("long", 42.0), ("short", 28.0))
    }
    assert found == pytest.approx(by_arm["long"] - by_arm["short"])


def test_an_endpoint_that_stands_twice_is_reported_by_each_definition():
    twice = [{"id": "RFS"}, {"id": "RFS", "censor_at_hsct": True}, {"id": "EFS", "window_weeks": 4}]
    twice += [{"id": "EFS", "window_weeks": 12, "no_response": "ignored"}]
    medians = [one for one in requests_of(study(endpoints=twice)) if one.statistic == "median"]
    assert [one.censor_at_hsct for one in medians[:2]] == [False, True]
    assert [one.response_window_days for one in medians[2:]] == [28.0, 84.0]
    assert [one.no_response_event_day for one in medians[2:]] == [1.0, None]


def test_a_target_means_the_endpoint_with_its_window():
    endpoints = [{"id": "EFS", "window_weeks": 12}, {"id": "EFS", "window_weeks": 4, "no_response": "ignored"}]
    target = {"endpoint": "EFS", "value_months": 3, "n": 40, "window_weeks": 4}
    protocol = study(endpoints=endpoints, targets=[target])
    asked = request_of(protocol.targets[0].estimand, protocol)
    assert (asked.response_window_days, asked.no_response_event_day) == (28.0, None)


def test_strata_by_entry_mrd_read_what_patients_came_with():
    population = {"setting": "mrd_positive", "mrd_log10": {"median": -3, "range": [-5, -1]}}
    protocol = study(population=population, allocation={"strata": ["mrd_log10 < -3", "prior_hsct"]})
    assert strata_of(protocol) == ("entry_mrd_log10 < -3", "prior_hsct")


def test_a_window_that_bounds_nothing_is_told():
    target = {"endpoint": "OS", "value_months": 3, "n": 40, "window_weeks": 4}
    notes = study(endpoints=[{"id": "RFS", "window_weeks": 12}], targets=[target]).notes()
    assert "endpoints[0]: a window does not bound RFS" in notes
    assert "targets[0]: a window does not bound OS" in notes


def test_a_target_with_two_windows_is_refused():
    target = {"endpoint": "CR", "proportion": 0.3, "n": 40, "window_weeks": 4, "window_cycles": 1}
    with pytest.raises((InputError, ValueError), match="window_weeks or window_cycles, not both"):
        study(targets=[target])


def test_an_endpoint_that_stands_twice_is_told_apart():
    twice = ["OS", {"id": "RFS"}, {"id": "RFS", "censor_at_hsct": True}]
    protocol = study(endpoints=twice)
    words = dict.fromkeys(zip((one.endpoint for one in requests_of(protocol)), definitions_of(protocol), strict=True))
    assert list(words) == [("OS", ""), ("RFS", "from response"), ("RFS", "from response, ends at transplant")]
