"""A study of the fit once more: its own effects by draw, in the place of new ones."""

import numpy as np
import pytest

from engager.calibration import own_effects, shipped_emulator, shipped_posterior
from engager.calibration.population.fit import plan_behind
from engager.calibration.population.unknowns import values_of
from engager.core import InputError
from engager.model import load_model


@pytest.fixture(scope="module")
def fit():
    return shipped_posterior("b-all"), shipped_emulator("b-all"), load_model("b-all")


def test_the_draws_beside_the_emulator_are_those_of_the_posterior(fit):
    posterior, fitted, _ = fit
    plan = plan_behind(posterior)
    draws = plan.hierarchy.population_draws(plan.unknowns, values_of(plan.unknowns, fitted.members))
    np.testing.assert_allclose(draws, posterior.draws, rtol=1e-4, atol=1e-8)


def test_each_replicate_has_a_draw_with_that_draw_s_effects_of_the_study(fit):
    posterior, fitted, model = fit
    effects = own_effects(plan_behind(posterior), fitted, "tower")
    own, anew = posterior.settings_with(effects, model, 3), posterior.settings(3)
    column = posterior.names.index("k_kill")
    for replicate in range(5):
        values, new = own(replicate), anew(replicate)
        number = int(np.flatnonzero(posterior.draws[:, column] == new.typical["k_kill"])[0])
        assert values.trial_effect == {}
        assert new.trial_effect
        assert values.typical["k_kill"] == new.typical["k_kill"]
        factor = np.exp(effects["h_leukemia"][number])
        assert values.typical["h_leukemia"] == pytest.approx(new.typical["h_leukemia"] * factor)
        shift = effects["later_share_log_odds"][number]
        assert values.assumption["later_share_log_odds"] == pytest.approx(
            new.assumption["later_share_log_odds"] + shift
        )


def test_effects_of_one_study_scatter_less_than_new_ones(fit):
    posterior, fitted, model = fit
    own, anew = (
        posterior.settings_with(own_effects(plan_behind(posterior), fitted, "tower"), model, 1),
        posterior.settings(1),
    )
    settings = [(own(k), anew(k)) for k in range(200)]
    new = np.random.default_rng(1).normal(size=200) * [one.trial_effect["sensitivity"] for _, one in settings]
    seen = [
        np.log(one.typical.get("sensitivity", 1.0) / other.typical.get("sensitivity", 1.0)) for one, other in settings
    ]
    assert np.std(seen) < np.std(new)


def test_a_study_that_was_not_fitted_has_none(fit):
    posterior, fitted, _ = fit
    with pytest.raises(InputError, match="must name a study of the fit after posterior:"):
        own_effects(plan_behind(posterior), fitted, "towr")


def test_the_center_of_a_study_is_that_of_all_moved_by_the_middle_of_its_effects(fit):
    posterior, fitted, model = fit
    effects = own_effects(plan_behind(posterior), fitted, "tower")
    center, own = posterior.center(), posterior.center_with(effects, model)
    factor = np.exp(np.median(effects["h_leukemia"]))
    assert own.typical["h_leukemia"] == pytest.approx(center.typical["h_leukemia"] * factor)
    assert own.typical["k_kill"] == center.typical["k_kill"]
