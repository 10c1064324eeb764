"""Mortality of the general population by age and sex (``data/mortality.yaml``)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from engager.core import DAYS_PER_YEAR, FloatArray, read_shipped_data


def population_mortality(age_years: FloatArray, female: FloatArray) -> FloatArray:
    """Hazard of death in the general population.

    Parameters
    ----------
    age_years : array (patient,). female : array (patient,), 1 for women.

    Returns
    -------
    array (patient,) [1/day]. A year's probability q is a hazard of -ln(1 - q). Ages beyond the table get its end.

    References
    ----------
    Period life table of the United States Social Security area; the file names where it was read.
    """
    table = _table()
    log_q = {sex: np.interp(age_years, table["age_years"], np.log(table[sex])) for sex in ("female", "male")}
    q = np.exp(np.where(np.asarray(female) > 0.5, log_q["female"], log_q["male"]))
    hazard: FloatArray = -np.log1p(-q) / DAYS_PER_YEAR
    return hazard


@cache
def _table() -> dict[str, Any]:
    text = (resources.files("engager.population") / "data" / "mortality.yaml").read_text()
    table: dict[str, Any] = read_shipped_data(text)
    return table
