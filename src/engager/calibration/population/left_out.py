"""A fit without the figures of some studies, under the emulator that the whole fit left behind."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from engager.calibration.population.emulated_posterior import EmulatedPosterior
from engager.calibration.population.fit import FitPlan, check_emulator
from engager.calibration.population.fitted_emulator import FittedEmulator
from engager.core import FloatArray, Stream


def members_without(
    plan: FitPlan, fitted: FittedEmulator, gone: Collection[str], n: int, n_processes: int = 1
) -> FloatArray:
    """Draws of the fit without some studies: array (member, unknown).

    Parameters
    ----------
    plan : of the fit. fitted : its emulator. gone : ids of the studies to leave out. n : draws.
    n_processes : at work at a time.

    Raises
    ------
    InputError
        When the plan is not the one that the emulator was made for.
    """
    points = [point for study in plan.points for point in study]
    check_emulator(plan, fitted)
    study_of_datum = np.repeat([study.study for study in plan.studies], [len(own) for own in plan.points])
    posterior = EmulatedPosterior(
        fitted.emulator,
        plan.hierarchy.natural_scale(plan.unknowns),
        np.array([point.value for point in points]),
        np.array([point.variance for point in points]),
    )
    seen = ~np.isin(study_of_datum, list(gone))
    return posterior.draws(n, Stream(plan.seed, "calibration").of("left-out"), seen, n_processes=n_processes)
