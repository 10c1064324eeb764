"""The instant of what strikes between two decisions: where an integrated hazard reaches the patient's own draw."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.model import load_model
from engager.protocol import Protocol
from engager.trial.simulate import simulate_here
from engager.trial.strikes.toxicity import Toxicity


def strikes(regimen, months, states, place):
    """Of each strike of one kind: row, limit, hazard then and at the start, ends of the stretch, the instant."""
    raw = {"study": "strikes", "arms": {"a": {"n": 60, "regimen": regimen}}, "follow_up": {"months": months},
           "population": {"marrow_blasts_percent": 70}}  # fmt: skip
    system, found = load_model("b-all").system, []
    columns = [system.index(name) for name in states]

    def watch(arm, rows, problem):
        before = problem.initial[rows][:, columns].sum(axis=1)

        def solved(solution):
            after = problem.initial[rows][:, columns].sum(axis=1)
            for k in np.flatnonzero(solution.stopped == place):
                hazards = after[k], before[k]
                start, until = problem.save_times[k, [0, -1]]
                row, limit = int(rows[k]), problem.stops.limits[k, place]
                found.append((row, limit, *hazards, start, until, solution.end_time[k]))

        return solved

    protocol = Protocol.model_validate(raw)
    return simulate_here(protocol, replicates=[0], seed=3, n_sampled=0, witness=watch), found


def check(found, least):
    within = 0
    for _, limit, hazard, before, start, until, instant in found:
        assert before < limit
        assert hazard == pytest.approx(limit, rel=1e-4)
        assert start < instant <= until
        within += instant < until
    assert within > least


def test_the_day_of_death_is_where_the_summed_hazard_reaches_the_draw():
    hazards = load_model("b-all").roles.hazards.values()
    data, found = strikes("flag-ida", 6, hazards, place=0)
    check(found, least=20)
    died = dict(data.patients.filter(pl.col("death_day").is_not_null()).select("patient", "death_day").iter_rows())
    assert {row: instant for row, *_, instant in found} == died


def test_the_day_of_a_toxicity_is_where_its_hazard_reaches_the_sum_of_the_draws():
    hazard = load_model("b-all").roles.toxicities["CRS"]
    data, found = strikes("blinatumomab", 2, [hazard], place=1)
    check(found, least=10)
    told = data.events.filter(pl.col("event") == "crs").select("patient", "day").sort("patient", "day").rows()
    assert told == sorted((row, instant) for row, *_, instant in found)
    first = dict(data.patients.filter(pl.col("crs_day").is_not_null()).select("patient", "crs_day").iter_rows())
    assert first == {row: min(day for one, day in told if one == row) for row, _ in told}


def test_who_is_killed_by_a_toxicity_is_not_followed_any_more(monkeypatch):
    monkeypatch.setattr(Toxicity, "_grade", lambda self, kind, rows, number: np.full(rows.size, 5))
    hazard = load_model("b-all").roles.toxicities["CRS"]
    data, found = strikes("blinatumomab", 2, [hazard], place=1)
    killed = data.patients.filter(pl.col("crs_grade") == 5)
    assert killed.height == len(found) > 10  # each of them struck once
    assert set(killed["death_cause"]) == {"toxicity"}
    assert killed["death_day"].equals(killed["crs_day"], check_names=False)


def test_days_are_kept_of_the_first_patients_of_the_first_replicate():
    raw = {"study": "kept", "arms": {"a": {"n": 5, "regimen": "flag"}}, "follow_up": {"months": 1}}
    data = simulate_here(Protocol.model_validate(raw), replicates=[0, 1], seed=3, n_sampled=2)
    assert data.trajectories.select("replicate", "patient").unique().sort("patient").rows() == [(0, 0), (0, 1)]
