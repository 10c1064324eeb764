"""T lineage: blasts without the antigen, which an engager of it does not touch and chemotherapy does."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.protocol import Protocol
from engager.trial import simulate_trial

NEVER = {"hsct": "never", "later_therapy": "never", "allocation": {"randomized": False, "counterfactual": True}}


def study(lineage, **keys):
    arms = {
        "engager": {"n": 24, "regimen": "blinatumomab"},
        "nothing": {"n": 24, "regimen": "blinatumomab", "never_treated": 1.0},
        "nelarabine": {"n": 24, "regimen": "nelarabine-adult"},
    }
    population = {"lineage": lineage, "marrow_blasts_percent": 60}
    raw = {"study": "lineage", "population": population, "arms": arms, **NEVER, "follow_up": {"months": 3}}
    return simulate_trial(Protocol.model_validate({**raw, **keys}), replicates=[0], seed=4, n_sampled=24)


@pytest.fixture(scope="module")
def of_t():
    return study("T")


def blasts(data, arm):
    """Blasts of all pools but blood on day 28, by patient who lives until then."""
    cells = pl.sum_horizontal("blasts_cd19_positive", "blasts_cd19_negative", "sanctuary_blasts")
    rows = data.trajectories.filter((pl.col("arm") == arm) & (pl.col("day") == 28.0))
    return dict(rows.select("patient", cells).iter_rows())


def test_an_engager_of_cd19_does_nothing_to_blasts_of_t_lineage(of_t):
    given, none = blasts(of_t, "engager"), blasts(of_t, "nothing")
    both = sorted(given.keys() & none.keys())
    assert len(both) > 10
    np.testing.assert_allclose([given[one] for one in both], [none[one] for one in both], rtol=2e-3)
    assert set(of_t.patients.filter(pl.col("arm") == "engager")["best_response"]) == {"none"}


def test_the_same_engager_kills_blasts_of_b_lineage():
    data = study("B")
    given, none = blasts(data, "engager"), blasts(data, "nothing")
    both = sorted(given.keys() & none.keys())
    ratios = np.array([given[one] / max(none[one], 1.0) for one in both])
    assert np.median(ratios) < 0.5


def test_it_still_takes_normal_b_cells(of_t):
    first = of_t.trajectories.filter((pl.col("arm") == "engager") & (pl.col("day") == 7.0))["b_per_uL"]
    assert (first < 1.0).mean() > 0.8


def test_chemotherapy_reaches_t_lineage(of_t):
    assert set(of_t.patients.filter(pl.col("arm") == "nelarabine")["best_response"]) > {"none"}


def test_a_share_of_t_lineage_is_drawn_and_may_be_asked_for():
    raw = {"study": "mixed", "population": {"lineage": {"B": 0.7, "T": 0.3}},
           "arms": {"a": {"n": 200, "regimen": "flag"}}, **NEVER, "allocation": {}, "follow_up": {"months": 1},
           "targets": [{"endpoint": "CR", "proportion": 0.3, "n": 60, "subgroup": "t_lineage"}]}  # fmt: skip
    data = simulate_trial(Protocol.model_validate(raw), replicates=[0], seed=4, n_sampled=0)
    assert data.patients["t_lineage"].mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 200))
    entered = simulate_trial(
        Protocol.model_validate({**raw, "eligibility": ["not t_lineage"]}), replicates=[0], seed=4, n_sampled=0
    )
    assert not entered.patients["t_lineage"].any()


def of_a_lymphoma(share, drug):
    raw = {
        "study": "cd20",
        "model": {"id": "b-all", "variant": "lymphoma"},
        "population": {"setting": "lymphoma", "indolent": 0, "cd20_positive": share},
        "arms": {"a": {"n": 40, "regimen": "blinatumomab", "drug": drug}},
        "hsct": "never", "later_therapy": "never", "follow_up": {"months": 4},
    }  # fmt: skip
    if drug == "mosunetuzumab":
        doses = [{"days": "1", "amount": 1, "unit": "mg"}, {"days": "8,15", "amount": 60, "unit": "mg"}]
        keys = {"drug": drug, "route": "iv_bolus", "cycle_days": 21, "cycles": 2, "doses": doses}
        raw["arms"] = {"a": {"n": 40, "regimen": keys}}
    return simulate_trial(Protocol.model_validate(raw), replicates=[0], seed=4, n_sampled=0).patients


def test_an_engager_of_cd20_responds_only_where_there_is_cd20():
    patients = of_a_lymphoma(0.5, "mosunetuzumab")
    responded = pl.col("best_response").is_in(["CR", "PR"])
    by = dict(patients.group_by("cd20_positive").agg(responded.sum()).iter_rows())
    assert by[False] == 0
    assert by[True] > 10
    whole = of_a_lymphoma(1, "mosunetuzumab")
    same = patients.filter("cd20_positive").join(whole, on="patient")
    assert (same["response_day"] == same["response_day_right"]).all()


def test_an_engager_of_cd19_asks_for_no_cd20():
    outcomes = ("best_response", "response_day", "death_day")
    without, with_it = (of_a_lymphoma(share, "blinatumomab").select(outcomes) for share in (0, 1))
    assert without.equals(with_it)
    assert (without["best_response"] != "none").any()
