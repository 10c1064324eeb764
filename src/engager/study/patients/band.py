"""Many virtual patients under one planned regimen: how far patients differ, and exposure against response.

In: a regimen, and what all of the patients share. Out: quantiles of each course, and two numbers of each patient.
As for one patient, doses are given as planned: no visit decides, nothing is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engager.core import PATIENT_DAYS, FloatArray, InputError, Problem
from engager.model import load_model
from engager.population import PopulationValues
from engager.protocol import Regimen
from engager.study.parameters import population_parameters
from engager.study.patients.patient import courses_of, draw_patients_of, sort_out

QUANTILES = (0.05, 0.5, 0.95)
MAX_PATIENTS = 1000
_MOST_TIMES = 340  # a quarter of a day over twelve weeks; longer courses are drawn coarser
_PER_DAY = 4
_DRUG, _BLASTS = "drug_pg_per_mL", "marrow_blasts_percent"


@dataclass(frozen=True)
class PatientBand:
    """Courses of many patients.

    Attributes
    ----------
    regimen : what was given.
    days : array (time,).
    quantiles : array (3, time) by column: 5 %, 50 % and 95 % of the patients.
    exposure : array (patient,) [pg/mL]: mean drug level on the days with drug of cycle 1; empty without an engager.
    blasts : array (patient,) [%]: of the marrow on `assessed_day`, the end of cycle 1.
    n_patients, n_failed : followed, and among them those whom the solver could not follow (left out of all above).
    """

    regimen: Regimen
    days: FloatArray
    quantiles: Mapping[str, FloatArray]
    exposure: FloatArray
    blasts: FloatArray
    assessed_day: float
    n_patients: int
    n_failed: int


def simulate_band(
    regimen: Regimen,
    *,
    patients: int = 200,
    days: float = PATIENT_DAYS,
    changes: Mapping[str, float] | None = None,
    model: str = "b-all",
    seed: int = 1,
    parameters: str = "center",
) -> PatientBand:
    """Follow many virtual patients, drawn at random from adults like TOWER's.

    Parameters
    ----------
    patients : how many, 1 to 1000.
    days : how long, > 0.
    changes : covariates or model parameters that all of them share, as for `simulate_patient`.
    parameters : as for `run_study`.

    Raises
    ------
    InputError
        When a name is no covariate and no parameter, a number is out of range, or nobody could be followed.
    """
    if not 1 <= patients <= MAX_PATIENTS:
        raise InputError(Problem("patients", patients, f"must be 1 to {MAX_PATIENTS}"))
    loaded = load_model(model)
    covariates, values = sort_out(loaded, dict(changes or {}), days)
    population = population_parameters(model, seed, parameters).settings(0) | PopulationValues(typical=values)
    drawn = draw_patients_of(loaded, covariates, population, set(values), seed, patients)
    times = np.linspace(0.0, days, min(round(days * _PER_DAY), _MOST_TIMES) + 1)
    columns, is_failed = courses_of(loaded, regimen, [drawn], times)
    if is_failed.all():
        raise InputError(Problem("patients", patients, "cannot be followed to the end by the solver"))
    kept = {name: values_[~is_failed] for name, values_ in columns.items()}
    end = min(float(regimen.cycle_length(1)), days)
    last_dose = max((one.last_day for one in regimen.segments(1)), default=0)
    is_on = (times > 0) & (times <= last_dose)
    has_drug = not regimen.is_chemotherapy and bool(is_on.any())
    return PatientBand(
        regimen,
        times,
        {name: np.quantile(one, QUANTILES, axis=0) for name, one in kept.items()},
        kept[_DRUG][:, is_on].mean(axis=1) if has_drug else np.zeros(0),
        kept[_BLASTS][:, int(np.searchsorted(times, end))],
        end,
        patients,
        int(is_failed.sum()),
    )
