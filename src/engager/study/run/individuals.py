"""Individual patients beside virtual ones, for a page: which checks, with which values, and what to know."""

from __future__ import annotations

from collections.abc import Callable

from engager.calibration import level_check, load_observations, predictive_check
from engager.core import remembered
from engager.model import load_model
from engager.population import PopulationValues
from engager.report import PredictiveSection, load_plotting

# The model whose within-patient observations ship.
OBSERVED_MODEL = "b-all"
N_PATIENTS = 400
_FITTED = "Readings marked fitted set the model's values; those marked predicted were held out."


def predictive_section(model_id: str, used: str, typical: PopulationValues, seed: int) -> PredictiveSection | None:
    """The section of a run; None for a model without observations, or when the run used unfitted values.

    Parameters
    ----------
    model_id : of the study; ``b-all/lymphoma`` are none of the patients observed.
    used, typical : of the `Parameters` of the run: which values they are, and their middle, which the check takes.
    seed : of the virtual patients.
    """
    if model_id != OBSERVED_MODEL or used == "table":
        return None
    which = "the medians of the draws this run took its values from" if used != "time-courses" else "its values"
    # they hang on the fit and the seed, not on the trial
    return remembered("individuals", (typical.written(), seed, which), lambda: section_of(typical, seed, which))


def predictive_beside(
    model_id: str, used: str, typical: PopulationValues, seed: int, tell: Callable[[float], None]
) -> PredictiveSection | None:
    """`predictive_section` in a process of its own, which then makes ready to draw: it is asked for figures next."""
    section = predictive_section(model_id, used, typical, seed)
    load_plotting()
    return section


def section_of(population: PopulationValues | None, seed: int, which: str) -> PredictiveSection:
    """Checks with given population values.

    Parameters
    ----------
    population : None: the within-patient calibration that ships.
    which : these values in words.
    """
    model = load_model(OBSERVED_MODEL)
    checks = predictive_check(seed, n_patients=N_PATIENTS, population=population, model=model)
    levels = level_check(seed, n_patients=N_PATIENTS, population=population, model=model)
    n_failed = sum(one.n_failed for one in checks) + sum(one.n_failed for one in levels)
    sentences = [
        f"Readings of individual patients of other studies beside virtual cohorts of the same size, dosed alike, with"
        f" {which}; {N_PATIENTS} virtual patients in each panel. {_FITTED}",
    ]
    floors = {one.floor: one.unit for one in checks if one.is_dropped}
    sentences += [
        f"IL-6 at or below {floor:g} {unit} was not read and is left out on both sides, so a panel compares readings"
        " above it only."
        for floor, unit in floors.items()
    ]
    if n_failed:
        sentences.append(f"{n_failed} virtual patients failed numerically and are left out.")
    return PredictiveSection(checks, levels, load_observations().sources, sentences)
