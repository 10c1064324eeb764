"""What each endpoint counts, by hand, in a handful of patients."""

import numpy as np
import polars as pl
import pytest

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.analysis.endpoints import ENDPOINTS, response_categories
from engager.core import DAYS_PER_MONTH, InputError


def _one(table, request, **more):
    frame = estimate_endpoints(table, [request], **more)
    assert frame.height == 1
    return frame.row(0, named=True)


def _counts(table, request, **more):
    row = _one(table, request, **more)
    return row["events"], row["n"]


RESPONDER = {"best_response": "CR", "response_day": 29.0, "response_cycle": 1}


def test_response_is_counted_over_everybody_randomized(patients):
    table = patients(
        RESPONDER,
        {"best_response": "CRh", "response_day": 60.0},
        {"best_response": "CRi"},
        {"treated": False},
    )
    assert _counts(table, "CR") == (1, 4)
    assert _counts(table, "CR/CRh") == (2, 4)
    assert _counts(table, "CR/CRh/CRi") == (3, 4)
    assert _counts(table, "CRi") == (1, 4)
    assert _counts(table, EndpointRequest("response_in_cycle_1")) == (1, 3)


def test_cr_cri_of_older_papers_holds_partial_recovery():
    assert response_categories("CR/CRi") == ("CR", "CRh", "CRi")
    assert response_categories("CRh/CRi") == ("CRh", "CRi")
    assert response_categories("CR/CR") == ()
    assert response_categories("ORR") == ()


def test_safety_is_counted_over_treated_patients(patients):
    table = patients(
        {"crs_grade": 3, "neurologic_grade": 1}, {"crs_grade": 1, "neurologic_grade": 4}, {"treated": False}
    )
    assert _counts(table, "CRS_any") == (2, 2)
    assert _counts(table, "CRS_grade3plus") == (1, 2)
    assert _counts(table, "neurologic_any") == (2, 2)
    assert _counts(table, "neurologic_grade3plus") == (1, 2)


def test_mrd_is_counted_over_responders_with_an_assay(patients):
    below = {"mrd_day": 29.0, "mrd_log10": -5.0, "mrd_below_limit": True, "mrd_undetectable": False}
    gone = {"mrd_day": 29.0, "mrd_below_limit": True, "mrd_undetectable": True}
    table = patients(RESPONDER | below, RESPONDER | gone, RESPONDER, below)
    assert _counts(table, "MRD_response") == (2, 2)
    assert _counts(table, "complete_MRD_response") == (1, 2)
    assert _counts(table, "MRD_response", setting="mrd_positive") == (3, 3)
    assert _counts(table, EndpointRequest("MRD_response", among="CRh")) == (0, 0)


def test_transplants(patients):
    in_response = {"hsct_day": 90.0, "hsct_in_response": True}
    table = patients(RESPONDER | in_response, RESPONDER, {"hsct_day": 100.0}, {})
    assert _counts(table, "HSCT_after_response") == (1, 2)
    assert _counts(table, "HSCT_on_study") == (2, 4)
    assert _counts(table, EndpointRequest("HSCT_after_response", among="all")) == (1, 4)


def test_early_deaths(patients):
    table = patients(
        {"death_day": 31.0, "start_day": 2.0},
        {"death_day": 33.0, "start_day": 2.0},
        {"death_day": 10.0, "treated": False, "start_day": None},
        RESPONDER | {"death_day": 40.0},
        {"death_day": 60.0},
    )
    assert _counts(table, "early_death_30d") == (1, 4)
    assert _counts(table, "death_induction") == (3, 5)
    assert _counts(table, EndpointRequest("death_induction", induction_days=32.0)) == (2, 5)


def test_a_fatal_adverse_event_is_a_death_reported_as_one_on_treatment_or_soon_after(patients):
    table = patients(
        {"death_day": 31.0, "fatal_adverse_event": True, "treatment_end_day": None},
        {"death_day": 90.0, "fatal_adverse_event": True},
        {"death_day": 91.0, "fatal_adverse_event": True},
        {"death_day": 31.0, "fatal_adverse_event": False, "treatment_end_day": None},
        {"death_day": 31.0, "fatal_adverse_event": True, "treatment_end_day": None, "treated": False},
        {"treatment_end_day": None},
    )
    assert _counts(table, "fatal_AE") == (2, 5)


def _median_days(table, request):
    return _one(table, request)["value"] * DAYS_PER_MONTH


def test_overall_survival_starts_at_randomization(patients):
    table = patients({"death_day": 50.0}, {"death_day": 100.0}, {})
    assert _median_days(table, EndpointRequest("OS", "median")) == pytest.approx(100.0)
    assert _median_days(table, EndpointRequest("OS", "median", origin="treatment")) == pytest.approx(98.0)


def test_event_free_survival_fails_who_never_responds_on_day_1(patients):
    table = patients(
        {},  # never in remission: failed
        {"death_day": 50.0},  # likewise, on day 1, not on day 50
        RESPONDER | {"relapse_day": 120.0},
        RESPONDER | {"death_day": 200.0},
        {"followup_day": 30.0},  # lost before the window closed: cannot be judged
        RESPONDER,
    )
    row = _one(table, EndpointRequest("EFS", "survival_at", time_months=2 / DAYS_PER_MONTH))
    assert (row["events"], row["n"]) == (4, 6)
    assert row["value"] == pytest.approx(4 / 6)
    late = EndpointRequest("EFS", "survival_at", time_months=2 / DAYS_PER_MONTH, no_response_event_day=None)
    assert _one(table, late)["value"] == 1.0
    assert _one(table, late)["events"] == 3
    strict = EndpointRequest("EFS", "median", response_window_days=20.0)
    assert _one(table, strict)["events"] == 5


def test_remission_lasts_from_response_to_relapse_or_death(patients):
    table = patients(
        RESPONDER | {"relapse_day": 129.0},
        RESPONDER | {"death_day": 79.0},
        RESPONDER | {"hsct_day": 99.0, "relapse_day": 229.0},
        {"death_day": 10.0},
    )
    for word in ("RFS", "DFS", "DoR"):
        assert _median_days(table, EndpointRequest(word, "median")) == pytest.approx(100.0)
    censored = _one(table, EndpointRequest("RFS", "median", censor_at_hsct=True))
    assert (censored["events"], censored["n"]) == (2, 3)


def test_survival_from_failure_begins_at_relapse_or_at_the_end_of_treatment_without_response(patients):
    table = patients(
        RESPONDER | {"relapse_day": 129.0, "death_day": 179.0, "treatment_end_day": 60.0},  # 50 days
        {"treatment_end_day": 28.0, "death_day": 128.0},  # 100 days
        {"treatment_end_day": 28.0, "death_day": 178.0},  # 150 days
        RESPONDER | {"treatment_end_day": 60.0, "death_day": 70.0},  # died in remission: nothing failed
        {"treatment_end_day": None, "death_day": 10.0},  # died on treatment
        {"treatment_end_day": None},  # still on it
    )
    request = EndpointRequest("OS", "median", origin="failure")
    assert _one(table, request)["n"] == 3
    assert _median_days(table, request) == pytest.approx(100.0)


def test_death_in_remission_competes_with_relapse(patients):
    table = patients(
        RESPONDER | {"relapse_day": 39.0, "death_day": 200.0},
        RESPONDER | {"death_day": 49.0},
        RESPONDER | {"relapse_day": 129.0},
        RESPONDER,
    )
    row = _one(table, EndpointRequest("CIR", "cumulative_at", time_months=2.0))
    assert (row["value"], row["events"]) == (0.25, 2)
    assert _one(table, EndpointRequest("CIR", "cumulative_at", time_months=6.0))["value"] == 0.5


def test_transplant_mortality_is_counted_from_transplant(patients):
    given = RESPONDER | {"hsct_day": 100.0}
    table = patients(
        given | {"death_day": 150.0, "death_cause": "transplant"},
        given | {"relapse_day": 160.0, "death_day": 180.0, "death_cause": "leukemia"},
        given | {"death_day": 120.0, "death_cause": "infection"},
        given | {"death_day": 140.0, "death_cause": "lymphoma"},
        given,
        RESPONDER,
    )
    row = _one(table, EndpointRequest("TRM", "cumulative_at", time_months=100 / DAYS_PER_MONTH))
    # of the transplant and of infection; death of the disease is none
    assert (row["value"], row["events"], row["n"]) == (0.4, 2, 5)


def test_follow_up_is_the_reverse_curve(patients):
    table = patients({"followup_day": 100.0}, {"followup_day": 200.0}, {"death_day": 5.0})
    row = _one(table, EndpointRequest("OS", "follow_up_median"))
    # 100 leaves exactly one half watched until 200: the middle, as R gives
    assert row["value"] * DAYS_PER_MONTH == pytest.approx(150.0)


def test_equal_durations_from_different_days_are_ties(patients):
    table = patients(
        RESPONDER | {"response_day": 29.1 + 0.2, "death_day": 30.3},
        RESPONDER | {"response_day": 29.3, "death_day": 30.3},
    )
    assert _median_days(table, EndpointRequest("DoR", "median")) == pytest.approx(1.0, abs=1e-12)


def test_every_endpoint_runs_on_nobody_and_on_failed_patients(patients):
    table = patients({"failed": True, "followup_day": None, "best_response": None, "treated": None})
    for name in ENDPOINTS:
        incidence = EndpointRequest(name, "cumulative_at", time_months=3.0)
        row = _one(table, incidence if name in ("CIR", "TRM") else name)
        assert (row["n"], row["events"], row["n_failed"]) == (0, 0, 1)
        assert np.isnan(row["value"])


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (EndpointRequest("OSS", "median"), "OS"),
        (EndpointRequest("OS", "proportion"), "median"),
        (EndpointRequest("OS", "survival_at"), "time_months"),
        (EndpointRequest("OS", "survival_at", time_months=-1.0), "time_months"),
        (EndpointRequest("CR", arm="B"), "arm of the trial"),
        (EndpointRequest("OS", "hazard_ratio", treatment="A"), "control"),
        (EndpointRequest("CR", subgroup="age_year > 3"), "age_years"),
        (EndpointRequest("CR", among="PR"), "among"),
        (EndpointRequest("OS", "median", origin="birth"), "origin"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(patients, request_, said):
    with pytest.raises(InputError, match=said):
        estimate_endpoints(patients({}), [request_])


def test_all_bad_requests_are_told_together(patients):
    bad = [EndpointRequest("OSS"), EndpointRequest("CR", arm="B"), EndpointRequest("OS", "proportion")]
    with pytest.raises(InputError) as caught:
        estimate_endpoints(patients({}), bad)
    assert len(caught.value.problems) == 3


def test_table_that_breaks_the_contract_is_refused(patients):
    with pytest.raises(InputError, match="followup_day"):
        estimate_endpoints(patients({"death_day": 500.0}), ["OS"])
    with pytest.raises(InputError, match="must not follow death_day"):
        estimate_endpoints(patients(RESPONDER | {"death_day": 20.0}), ["OS"])
    with pytest.raises(InputError, match="crs_grade"):
        estimate_endpoints(patients({}).drop("crs_grade"), ["CR"])
    with pytest.raises(InputError, match="known for every patient"):
        estimate_endpoints(patients({}).with_columns(followup_day=pl.lit(None, pl.Float64)), ["OS"])


def test_response_and_progression_of_a_tumor(patients):
    table = patients(
        {"best_response": "CR", "response_day": 28.0, "cr_day": 56.0, "relapse_day": 200.0, "progression_day": 200.0},
        {"best_response": "PR", "response_day": 28.0, "death_day": 100.0, "death_cause": "infection"},
        {"best_response": "none", "progression_day": 60.0},
        {"best_response": "none"},
    )
    assert _one(table, "ORR")["value"] == 0.5
    assert _one(table, EndpointRequest("ORR", window_days=20.0))["value"] == 0.0
    months = 150 / DAYS_PER_MONTH
    at = {"statistic": "survival_at", "time_months": months}
    assert _one(table, EndpointRequest("TTP", **at))["value"] == pytest.approx(3 / 4)
    assert _one(table, EndpointRequest("PFS", **at))["value"] == pytest.approx(2 / 4)
    # both responders are counted, whatever the class of their response
    assert _one(table, EndpointRequest("DoR", **at))["n"] == 2


def test_treatment_stopped_for_an_event_is_told_by_the_event(patients):
    table = patients(
        {"treatment_end_reason": "neurologic toxicity", "treatment_end_day": 9.0},
        {"treatment_end_reason": "CRS toxicity", "treatment_end_day": 2.0},
        {"treatment_end_reason": "progression", "treatment_end_day": 29.0},
        {"treatment_end_reason": "neurologic toxicity", "treatment_end_day": 9.0, "treated": False},
    )
    assert _one(table, "discontinuation_neurologic")["value"] == pytest.approx(1 / 3)
    assert _one(table, "discontinuation_AE")["value"] == pytest.approx(2 / 3)
    assert _one(table, EndpointRequest("discontinuation_AE", window_days=5.0))["value"] == pytest.approx(1 / 3)
