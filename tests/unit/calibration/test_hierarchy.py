"""Effects of studies and strengths of regimens: priors, and who learns from what."""

import numpy as np
import pytest

from engager.calibration.population.fit import FitPlan, shipped_plan
from engager.calibration.population.hierarchy import Hierarchy
from engager.calibration.population.unknowns import half_normal, unknowns_of, values_of
from engager.model import load_model
from engager.protocol import shipped_protocol


@pytest.fixture(scope="module")
def plan():
    model = load_model("b-all")
    hierarchy = Hierarchy({"sensitivity": 0.4}, {"chemotherapy": 0.7, "antibody": 1.4}, {"vsli": "antibody"})
    studies = tuple(shipped_protocol(name) for name in ("tower", "flam-palg", "vsli-second-salvage"))
    common = tuple(one for one in unknowns_of(model) if one.name == "h_leukemia")
    return FitPlan(model, studies, members=8, rounds=2, seed=1, common=common, hierarchy=hierarchy)


def test_a_spread_is_half_normal():
    spread = half_normal("s", 0.4)
    drawn = spread.value(np.random.default_rng(1).normal(size=100_000))
    assert drawn.min() > 0
    # of a half-normal: mean scale sqrt(2/pi), variance scale^2 (1 - 2/pi)
    assert drawn.mean() == pytest.approx(0.4 * np.sqrt(2 / np.pi), rel=0.01)
    assert drawn.std() == pytest.approx(0.4 * np.sqrt(1 - 2 / np.pi), rel=0.01)
    assert np.isfinite(spread.value(np.array([-30.0, 30.0]))).all()


def test_every_study_and_regimen_has_an_unknown_of_its_own(plan):
    names = [one.name for one in plan.unknowns]
    assert names == [
        "h_leukemia", "trial_effect:sensitivity", "spread chemotherapy", "spread antibody",
        "effect tower sensitivity", "effect flam-palg sensitivity", "effect vsli-second-salvage sensitivity",
        "strength flam", "strength vsli",
    ]  # fmt: skip
    assert plan.hierarchy.population_names(plan.unknowns) == (
        "h_leukemia", "trial_effect:sensitivity", "regimen:flam", "regimen:vsli",
    )  # fmt: skip


def test_strengths_spread_as_their_class(plan):
    draws = plan.prior_draws(20_000)
    flam, vsli = np.log(draws[:, 2]), np.log(draws[:, 3])
    # within the limits a half-normal spread times a normal has a standard deviation of the scale
    assert np.median(np.abs(vsli)) / np.median(np.abs(flam)) == pytest.approx(2.0, rel=0.1)
    assert np.median(flam) == pytest.approx(0.0, abs=0.03)


def test_effects_and_strengths_concern_their_own_studies_and_spreads_none(plan):
    names = [one.name for one in plan.unknowns]
    concerns = plan.hierarchy.concerns(plan.unknowns, plan.studies, [2, 1, 1])
    assert concerns[names.index("h_leukemia")].tolist() == [True] * 4
    assert concerns[names.index("effect tower sensitivity")].tolist() == [True, True, False, False]
    assert concerns[names.index("effect flam-palg sensitivity")].tolist() == [False, False, True, False]
    assert concerns[names.index("strength vsli")].tolist() == [False, False, False, True]
    assert not concerns[[names.index("trial_effect:sensitivity"), names.index("spread chemotherapy")]].any()


def test_a_spread_multiplies_the_effects_or_strengths_of_its_kind(plan):
    names = [one.name for one in plan.unknowns]
    scale = plan.hierarchy.natural_scale(plan.unknowns)
    found = {names[one.place]: [names[place] for place in one.own] for one in scale.spreads}
    assert found == {
        "trial_effect:sensitivity": [name for name in names if name.startswith("effect")],
        "spread chemotherapy": ["strength flam"],
        "spread antibody": ["strength vsli"],
    }
    assert [plan.unknowns[one.place].start for one in scale.spreads] == [0.4, 0.7, 1.4]
    assert [names[k] for k in np.flatnonzero(scale.bounded)] == ["strength flam", "strength vsli"]
    assert np.exp(scale.bounds) == pytest.approx([0.125, 8.0])


def test_a_study_is_simulated_with_its_own_effect(plan):
    members = plan.prior(8)
    values = values_of(plan.unknowns, members)
    tower = plan.settings(members, "tower")
    effect = values[:, 1] * values[:, 4]
    usual = plan.model.system.defaults["sensitivity"]
    np.testing.assert_allclose([one.typical["sensitivity"] for one in tower], usual * np.exp(effect))
    assert all(not one.trial_effect for one in tower)
    other = plan.settings(members, "flam-palg")
    assert [one.strength for one in tower] == [one.strength for one in other]


def test_the_shipped_plan_names_what_there_is():
    plan = shipped_plan()
    known = {*plan.model.system.parameters}
    from engager.trial import assumption_table

    assert set(plan.hierarchy.study_effects) <= known | set(assumption_table())
    assert plan.members >= 400


def test_only_studies_with_an_engager_differ_in_what_engagers_do(plan):
    from dataclasses import replace

    hierarchy = Hierarchy({"potency": 0.4}, engager_effects=frozenset({"potency"}))
    names = [one.name for one in replace(plan, hierarchy=hierarchy).unknowns]
    assert [name for name in names if name.startswith("effect")] == ["effect tower potency"]
