"""A study of the fit once more: the posterior with what the fit found that study itself to differ in.

A prediction of a new trial draws what trials differ in anew. What would have come of a trial that was seen, had it
been planned otherwise, is another question: its patients and centers stay, and what the fit learned of them narrows
the answer.
"""

from __future__ import annotations

from engager.calibration.population.fit import check_emulator, plan_behind
from engager.calibration.population.fitted_emulator import FittedEmulator
from engager.calibration.population.posterior import Posterior
from engager.calibration.population.unknowns import values_of
from engager.core import InputError, Problem, nearest
from engager.model import Model
from engager.population import Settings


def own_settings(posterior: Posterior, fitted: FittedEmulator, model: Model, study: str, seed: int) -> Settings:
    """Population values for every replicate, each a draw of the posterior with that draw's effects of one study.

    Parameters
    ----------
    posterior, fitted : of one fit. model : of the posterior. study : id of a study of the fit.
    seed : of the run; with the replicate it fixes the draw, the same as of a new trial.

    Raises
    ------
    InputError
        For a study that was not fitted, and for an emulator of other studies.
    """
    known = list(posterior.provenance["studies"])
    if study not in known:
        rule = "must name a study of the fit after posterior:"
        raise InputError(Problem("--parameters", f"posterior:{study}", rule, nearest(study, known)))
    plan = plan_behind(posterior)
    check_emulator(plan, fitted)
    effects = plan.hierarchy.effects_of(plan.unknowns, values_of(plan.unknowns, fitted.members), study)
    return posterior.settings_with(effects, model, seed)
