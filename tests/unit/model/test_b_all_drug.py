"""Drug, trimer and first contact: limits, shape and size."""

from __future__ import annotations

import numpy as np
import pytest

from engager.engine import Action
from engager.model import load_model


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def test_steady_levels_follow_clearance_and_body_size(follow, model):
    run = follow(
        model, [0, 2], patients=[{}, {}, {"BSA": 1.0}, {"CL": 2 * 53.28}],
        infusions=[[(0, 9.0)], [(0, 28.0)], [(0, 28.0)], [(0, 28.0)]],
    )  # fmt: skip
    level = run.at("drug_pg_per_mL", 2)
    assert level[0] == pytest.approx(1e3 * 9 / 53.28, rel=1e-3)
    assert level[1] == pytest.approx(1e3 * 28 / 53.28, rel=1e-3)
    assert level[2] == pytest.approx(level[1] * 1.876**0.62, rel=1e-3)
    assert level[3] == pytest.approx(level[1] / 2, rel=1e-3)


def test_level_halves_in_about_two_hours_after_stopping(follow, model):
    run = follow(model, [0, 2, 2 + 2 / 24], infusions=[[(0, 28.0), (2, 0.0)]])
    assert run["drug_pg_per_mL"][0, 2] / run["drug_pg_per_mL"][0, 1] == pytest.approx(
        np.exp(-53.28 / 5.98 * 2 / 24), rel=1e-3
    )


def test_a_depot_dose_is_absorbed_in_full_measure(follow, model):
    days = np.linspace(0, 60, 601)
    run = follow(model, days, acts=[(0.0, Action.ADD_TO_STATE, "depot", 100.0)])
    exposure = np.trapezoid(run["drug_conc"][0], days)
    assert exposure == pytest.approx(0.6 * 100 / 53.28, rel=0.01)
    assert days[run["drug_conc"][0].argmax()] > 0.2


def test_trimer_is_bell_shaped_in_dose(follow, model):
    doses = 10.0 ** np.arange(-1, 9, 0.5)
    run = follow(model, [0, 2], patients=[{}] * doses.size, infusions=[[(0, d)] for d in doses])
    trimer = run.at("trimer_b", 2)
    top = int(trimer.argmax())
    assert 0 < top < doses.size - 1
    assert np.all(np.diff(trimer[: top + 1]) > 0)
    assert np.all(np.diff(trimer[top:]) < 0)
    # the top lies at the geometric mean of the two affinities
    best = np.sqrt(260 * 1.49)
    assert 0.3 < run.at("drug_nM", 2)[top] / best < 3.3
    assert trimer[-1] < 0.01 * trimer.max()


def test_half_activation_and_killing_lie_where_cultures_put_them(follow, model):
    levels = np.array([10.0, 100.0, 150.0, 470.0])
    run = follow(model, [0, 2], patients=[{}] * 4, infusions=[[(0, x * 53.28e-3)] for x in levels])
    assert run.at("act_b", 2)[1] == pytest.approx(0.5, abs=0.03)
    assert run.at("kill_b", 2)[2] == pytest.approx(0.5, abs=0.03)
    assert run.at("kill_b", 2)[3] == pytest.approx(0.9, abs=0.02)  # EC90 470 pg/mL
    assert run.at("kill_b", 2)[0] < 0.02


def test_no_target_molecules_means_no_signal(follow, model):
    run = follow(model, [0, 14], patients=[{"cd19_B": 0.0, "cd19_L": 0.0}, {"cd3": 0.0}], infusions=[[(0, 28.0)]] * 2)
    for name in ("act_b", "act_m", "kill_b", "kill_m", "drive"):
        assert np.all(run[name] == 0)
    assert np.all(run["IL6"] == run.model.system.defaults["IL6_base"])
    assert np.all(run["H_crs"] < 1e-12)  # rounding of IL-6 at its baseline
    assert run.at("cd8_per_uL", 14) == pytest.approx(172.0, rel=1e-4)
