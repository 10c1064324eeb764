"""A fit without some of its studies, from what the fit to all of them kept: no virtual trial is run again.

The first portion simulates draws of the prior, which know no study: leaving a study's figures out of it is exact. From
then on members part from those that were simulated, and what they predict is what the simulated ones predicted plus
slope times the way between, by ridge regression over the ensemble at that portion (`linear_figures`). Portions,
perturbations and spreads are those of the fit itself, so that leaving nobody out gives the fit itself.

In: a plan, and the portions that `fit` kept. Out: members that never saw the studies left out. What these studies and
the regimens they alone give differ in keeps its prior, so a prediction for them is one of a new study.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from engager.calibration.population.data_points import SimulatedPoints
from engager.calibration.population.fit import FitData, FitPlan, after_portion
from engager.calibration.population.hierarchy import Hierarchy
from engager.calibration.population.spreads import linear_figures
from engager.calibration.population.unknowns import Unknown
from engager.core import FloatArray

Kept = Sequence[tuple[FloatArray, SimulatedPoints]]


def members_without(plan: FitPlan, kept: Kept, gone: Collection[str]) -> FloatArray:
    """Members of the fit without the figures of some studies: array (member, unknown).

    Parameters
    ----------
    kept : members before each portion and what they predict. gone : ids of the studies to leave out.
    """
    study_of_datum = np.repeat([study.study for study in plan.studies], [len(own) for own in plan.points])
    data = FitData.of(plan).without(np.isin(study_of_datum, list(gone)))
    members = kept[0][0].copy()
    for portion, (simulated_members, simulated) in enumerate(kept):
        expected = _carried(plan.hierarchy, plan.unknowns, data, simulated_members, simulated, members)
        members = after_portion(plan, data, members, expected, portion)
    return members


def _carried(
    hierarchy: Hierarchy,
    unknowns: Sequence[Unknown],
    data: FitData,
    simulated_members: FloatArray,
    simulated: SimulatedPoints,
    members: FloatArray,
) -> SimulatedPoints:
    """What members predict, from what others predicted: linear in the way between."""
    if np.array_equal(members, simulated_members):
        return simulated
    was, now = (hierarchy.natural(unknowns, one) for one in (simulated_members, members))
    slopes = linear_figures(was, simulated.values, data.concerns).slopes
    return SimulatedPoints(simulated.values + (now - was) @ slopes.T, simulated.n)
