"""Leukemia, blood counts, chemotherapy and graft-versus-leukemia of the ALL model."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import Action
from engager.model import load_model

WEEKS = np.arange(0, 85, 7.0)


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


@pytest.fixture(scope="module")
def untreated(follow, model):
    return follow(model, WEEKS, patients=[{"blasts_start": 1e8}, {"blasts_start": 6e11}])


def test_small_leukemia_doubles_in_some_eight_days(untreated):
    growth = np.log(untreated.at("Lp", 28)[0] / untreated.at("Lp", 0)[0]) / 28
    assert growth == pytest.approx(0.09, rel=0.02)
    assert np.log(2) / growth == pytest.approx(7.7, rel=0.03)


def test_leukemia_never_outgrows_its_room(untreated):
    assert np.all(untreated["Lp"] + untreated["Ln"] <= 1.2e12 * 1.001)
    assert untreated["marrow_blasts_percent"][1, -1] > 85


def test_blasts_are_conserved_when_nothing_grows_or_dies(follow, model):
    still = {"growth": 0.0, "sanctuary_start": 1e9, "k_hide": 1e-4}
    run = follow(model, WEEKS, patients=[still], rtol=1e-8)
    total = run["Lp"] + run["Ln"] + run["Sp"]
    assert total[0] == pytest.approx(total[0, 0], rel=1e-6)
    assert run["Sp"][0, -1] > run["Sp"][0, 0]


def test_blasts_without_the_target_are_spared_by_the_engager(follow, model):
    run = follow(model, WEEKS, patients=[{"cd19neg_fraction": 1e-3}], infusions=[[(0, 28.0)]])
    assert run["Ln"][0, 4] > run["Ln"][0, 0]
    assert run["Lp"][0, 4] < 1e-2 * run["Lp"][0, 0]


def test_fewer_blasts_per_t_cell_clear_faster(follow, model):
    """Response is worse at high marrow blasts: the effector-to-target ratio."""
    burdens = [{"blasts_start": x} for x in (1e10, 1e11, 4e11, 9e11)]
    run = follow(model, [0, 7, 14, 21], patients=burdens, infusions=[[(0, 9.0), (7, 28.0)]] * 4)
    left = run["Lp"][:, 2] / run["Lp"][:, 0]
    assert np.all(np.diff(left) > 0)
    assert left[3] > 10 * left[0]


def test_killing_saturates_in_t_cells(follow, model):
    """With countless T cells the rate is the largest rate times the drug's share, no more."""
    many = {"marrow_T": 1e16, "blasts_start": 1e9, "k_exhaust": 0.0}
    run = follow(model, [0, 3, 5], patients=[many], infusions=[[(0, 28.0)]])
    rate, largest = run.at("kill_rate_m", 5)[0], run.at("kill_m", 5)[0] * model.parameters["k_kill"].value
    assert rate == pytest.approx(largest, rel=1e-3)


def test_leukemia_can_be_followed_below_one_cell(follow, model):
    run = follow(model, WEEKS, patients=[{"blasts_start": 1e6, "potency": 5.0, "k_seed": 0.0}],
                 infusions=[[(0, 28.0)]])  # fmt: skip
    assert -1e-9 < run["Lp"][0].min() < 1
    assert np.all(np.isfinite(run["log10_mrd"]))


def test_counts_are_crowded_out_and_come_back(follow, model):
    full = {"blasts_start": 1.1e12, "potency": 10.0}
    run = follow(model, WEEKS, patients=[full, {"blasts_start": 1e6}], infusions=[[(0, 28.0)], []])
    for name in ("neutrophils", "platelets"):
        assert run[name][0, 0] < 0.2 * run[name][1, 0]
        assert run[name][0, -1] > 0.7 * run[name][1, -1]
    assert run["marrow_blasts_percent"][0, -1] < 5


def test_platelets_fall_a_little_at_first(follow, model):
    run = follow(model, [0, 7, 28], patients=[{"blasts_start": 1e6, "start_recovery": 1.0}],
                 infusions=[[(0, 28.0)]])  # fmt: skip
    assert 0.7 < run["platelets"][0, 1] / run["platelets"][0, 0] < 1.0


def test_chemotherapy_kills_blasts_and_empties_the_marrow_for_weeks(follow, model):
    course = [(float(day), Action.ADD_TO_STATE, "chemo_drug", 1.0) for day in range(5)]
    days = np.arange(0, 71, 1.0)
    run = follow(model, days, patients=[{}, {"sensitivity": 0.0}, {"sensitivity": 3.0}], acts=course)
    blasts = run["Lp"][:, 14] / run["Lp"][:, 0]
    assert blasts[2] < blasts[0] < blasts[1]
    assert blasts[1] > 0.99
    healthy = follow(model, days, patients=[{"blasts_start": 1e6}], acts=course)
    counts = healthy["neutrophils"][0]
    assert 5 < days[counts.argmin()] < 25
    assert counts.min() < 0.45 * counts[0]
    assert counts[-1] > 0.8 * counts[0]


def test_graft_versus_leukemia_kills_both_clones(follow, model):
    graft = [(0.0, Action.SET_STATE, "gvl", 1.0)]
    values = model.system.defaults
    carrier = {"blasts_start": 1e8, "cd19neg_fraction": 0.5, "has_negative": 1.0}
    run = follow(model, WEEKS, patients=[carrier], acts=graft)
    for name in ("Lp", "Ln"):
        rate = np.log(run[name][0, 4] / run[name][0, 0]) / 28
        assert rate == pytest.approx(values["growth"] - values["gvl_kill"], abs=0.01)


def test_a_graft_is_outnumbered_by_a_full_marrow(model, follow):
    graft = [(0.0, Action.SET_STATE, "gvl", 1.0)]
    values = model.system.defaults
    blasts = values["gvl_load"] * np.array([1e-3, 1.0, 9.0])
    run = follow(
        model, [0.0, 0.01], patients=[{"blasts_start": one, "has_sanctuary": 0.0} for one in blasts], acts=graft
    )
    lost = values["growth"] * (1 - blasts / values["capacity"]) - np.log(run["Lp"][:, 1] / run["Lp"][:, 0]) / 0.01
    # at the load all of it is half as strong, at nine times the load a tenth
    assert lost == pytest.approx(values["gvl_kill"] * np.array([1 / 1.001, 0.5, 0.1]), rel=0.02)


def test_hazards_only_grow_and_none_acts_on_the_healthy_alone(untreated):
    for name in ("H_leukemia", "H_infection", "H_background", "H_crs", "H_neuro", "H_transplant"):
        assert np.all(np.diff(untreated[name]) >= -1e-12)
    assert np.all(untreated["H_crs"] < 1e-12)  # rounding of IL-6 at its baseline
    assert np.all(untreated["H_transplant"] == 0)
    assert untreated["H_leukemia"][1, -1] > 3 * untreated["H_leukemia"][0, -1]
