"""A study of the fit once more: the posterior with what the fit found that study itself to differ in.

A prediction of a new trial draws what trials differ in anew. What would have come of a trial that was seen, had it
been planned otherwise, is another question: its patients and centers stay, and what the fit learned of them narrows
the answer.
"""

from __future__ import annotations

from engager.calibration.population.fit import FitPlan, check_emulator
from engager.calibration.population.fitted_emulator import FittedEmulator
from engager.calibration.population.unknowns import values_of
from engager.core import FloatArray, InputError, Problem, nearest


def own_effects(plan: FitPlan, fitted: FittedEmulator, study: str) -> dict[str, FloatArray]:
    """What each draw found a study to differ in: parameter or assumption of the trial -> array (draw,).

    For `Posterior.settings_with` and `Posterior.center_with`.

    Parameters
    ----------
    plan : of the fit. fitted : its emulator, with the draws. study : id of a study of the fit.

    Raises
    ------
    InputError
        For a study that was not fitted, and for an emulator of other studies.
    """
    known = [one.study for one in plan.studies]
    if study not in known:
        rule = "must name a study of the fit after posterior:"
        raise InputError(Problem("--parameters", f"posterior:{study}", rule, nearest(study, known)))
    check_emulator(plan, fitted)
    return plan.hierarchy.effects_of(plan.unknowns, values_of(plan.unknowns, fitted.members), study)
