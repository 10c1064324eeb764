"""Later therapy and transplants of a virtual trial: lines in sequence, who gets them, and what they change."""

import numpy as np
import polars as pl
import pytest

from engager.protocol import Protocol
from engager.trial import simulate_trial

ALWAYS = {"id": "course", "share": 1.0, "delay_days": 14, "log10_kill": 0.0, "log10_kill_sd": 0.0, "hsct": 0.0}


def study(n=60, regimen="blinatumomab", months=12, **changes):
    raw = {
        "study": "later",
        "simulated_only": True,
        "arms": {"a": {"n": n, "regimen": regimen, **changes.pop("arm", {})}},
        "follow_up": {"months": months, "start_year": changes.pop("year", 2012)},
        "hsct": "never",
        "endpoints": ["CR", "OS"],
    }
    return Protocol.model_validate({**raw, **changes})


def run(seed=5, settings=None, **changes):
    return simulate_trial(study(**changes), replicates=[0], seed=seed, n_sampled=0, settings=settings)


def lines_of(data):
    return data.events.filter(pl.col("event") == "later_therapy").sort("patient", "day")


def test_lines_follow_one_another_in_order_and_each_is_judged_first():
    lines = [{**ALWAYS, "id": name} for name in ("first", "second", "third")]
    found = lines_of(run(later_therapy={"lines": lines}))
    assert {"first", "second", "third"} == set(found["detail"])
    for _, one in found.group_by("patient"):
        assert one["detail"].to_list() == ["first", "second", "third"][: one.height]
        assert np.all(np.diff(one["day"].to_numpy()) >= 28 + 14)


def test_never_means_nothing_more():
    data = run(later_therapy="never")
    assert lines_of(data).height == 0
    assert data.patients["later_lines"].sum() == 0


def test_patients_never_treated_go_on_at_once():
    data = run(arm={"never_treated": 0.5}, later_therapy={"lines": [ALWAYS]})
    never = data.patients.filter(~pl.col("treated"))
    assert never.height > 15
    assert set(never["later_therapy_day"].drop_nulls()) == {14.0}
    assert never["later_therapy_day"].is_not_null().mean() > 0.9


def test_progression_ends_treatment_at_the_marrow_that_shows_it():
    data = run(n=150)
    ended = data.events.filter((pl.col("event") == "off_study_drug") & (pl.col("detail") == "progression"))
    assert ended.height > 15
    assert (ended["day"] <= 29).mean() > 0.7
    marrow = data.visits.filter(pl.col("marrow_blasts_percent").is_not_null())
    seen = ended.join(marrow, on=["patient", "day"]).join(data.patients, on="patient", suffix="_entry")
    assert (seen["marrow_blasts_percent"] >= seen["marrow_blasts_percent_entry"] - 1e-9).all()


def test_a_stronger_line_prolongs_life_and_a_weaker_population_gets_fewer():
    none, strong = (
        run(n=150, later_therapy=block)
        for block in ("never", {"lines": [{**ALWAYS, "agent": "antibody", "log10_kill": 6.0}]})
    )
    alive = [data.patients["death_day"].is_null().mean() for data in (none, strong)]
    assert alive[1] > alive[0] + 0.05
    usual = {"lines": [{**ALWAYS, "share": 0.5}]}
    few, many = (
        run(n=150, later_therapy=usual, settings=lambda _, s=shift: {"trial:later_share_log_odds": s})
        for shift in (-1.5, 1.5)
    )
    assert few.patients["later_lines"].sum() < many.patients["later_lines"].sum()


def test_an_agent_against_cd19_leaves_the_negative_clone():
    """Kill of everything CD19-positive: what comes back is the clone that was spared."""
    line = {**ALWAYS, "agent": "car_t", "log10_kill": 12.0, "spares_cd19_negative": True}
    values = {"has_negative": 1.0, "cd19neg_fraction": 1e-4, "cd19neg_fraction.sd": 0.0}
    deaths = [
        run(
            n=60,
            months=30,
            later_therapy={"lines": [{**line, "spares_cd19_negative": spares}]},
            settings=lambda _: values,
        )
        .patients.filter(pl.col("later_therapy_day").is_not_null())["death_day"]
        .is_not_null()
        .mean()
        for spares in (True, False)
    ]
    assert deaths[0] > deaths[1] + 0.1


def test_no_transplant_anywhere_when_it_is_never_offered():
    assert run(later_therapy={"lines": [{**ALWAYS, "hsct": 1.0}]}).patients["hsct_day"].is_not_null().sum() == 0


@pytest.fixture(scope="module")
def transplanted():
    return run(
        n=300,
        months=36,
        regimen="flag",
        hsct={"offer": "in_response", "probability": 1.0, "without_remission": 0.3},
        later_therapy={"lines": [{**ALWAYS, "log10_kill": 3.0, "log10_kill_sd": 1.5, "hsct": 1.0}] * 2},
    )


def test_some_are_transplanted_without_remission_and_that_is_no_transplant_in_response(transplanted):
    patients = transplanted.patients
    outside = patients.filter(pl.col("hsct_day").is_not_null() & ~pl.col("hsct_in_response").fill_null(False))
    assert outside.height > 20
    assert patients.filter(pl.col("hsct_in_response"))["response_day"].is_not_null().all()


def test_second_transplants_come_after_the_first(transplanted):
    events = transplanted.events.filter(pl.col("event") == "hsct").sort("patient", "day")
    assert events["detail"].is_in(["", "second"]).all()
    twice = events.group_by("patient").agg(pl.col("detail"), pl.col("day")).filter(pl.col("day").list.len() == 2)
    assert twice.height > 0
    assert all(one == ["", "second"] for one in twice["detail"].to_list())
    assert events.group_by("patient").len()["len"].max() <= 2


def test_conditioning_of_reduced_intensity_is_for_the_older_and_of_its_time():
    from engager.engine import Action
    from engager.trial.dosing import ActionList

    del Action, ActionList
    values = {"h_transplant": 0.004}
    deaths = {}
    for year in (1995, 2010):
        data = run(
            n=200, months=24, year=year, regimen="flag",
            population={"age_years": {"median": 62, "range": [60, 64]}},
            hsct={"offer": "in_response", "probability": 1.0, "without_remission": 0.8},
            settings=lambda _: values | {"h_transplant~start_year": 0.0},
        )  # fmt: skip
        done = data.patients.filter(pl.col("hsct_day").is_not_null())
        deaths[year] = (done["death_cause"] == "transplant").fill_null(False).mean()
    assert deaths[2010] < deaths[1995]


def test_worse_performance_means_more_early_deaths():
    early = []
    for ecog in ("0", "3"):
        data = run(n=300, months=2, population={"performance": {ecog: 1.0}, "marrow_blasts_percent": 90})
        early.append((data.patients["death_day"] <= 45).fill_null(False).mean())
    assert early[1] > early[0] + 0.05
