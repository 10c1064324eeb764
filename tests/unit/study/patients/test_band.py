"""A band of patients: quantiles of the same patients that are followed one by one, exposure in proportion to dose."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import InputError
from engager.study import own_regimen, regimen_by_id, simulate_band, simulate_patient


def test_a_band_of_one_is_the_patient_of_that_seed():
    regimen = regimen_by_id("blinatumomab")
    band = simulate_band(regimen, patients=1, days=28, seed=5)
    one = simulate_patient(regimen, days=28, seed=5)
    hourly = np.interp(band.days, one.days, one.columns["cd8_per_uL"])
    for quantile in band.quantiles["cd8_per_uL"]:
        np.testing.assert_allclose(quantile, hourly, rtol=1e-6)
    assert band.blasts == pytest.approx(one.columns["marrow_blasts_percent"][-1:], rel=1e-6)


def test_quantiles_are_in_order_and_hold_most_patients():
    band = simulate_band(regimen_by_id("blinatumomab"), patients=60, days=28)
    low, middle, high = band.quantiles["drug_pg_per_mL"]
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert band.n_failed == 0
    assert band.blasts.size == band.exposure.size == 60


def test_exposure_doubles_with_the_dose():
    single, double = (simulate_band(own_regimen([(dose, 1)]).regimen, patients=8, days=28) for dose in (10, 20))
    np.testing.assert_allclose(double.exposure, 2 * single.exposure, rtol=1e-6)


def test_chemotherapy_has_no_exposure():
    assert simulate_band(regimen_by_id("flag"), patients=4, days=28).exposure.size == 0


@pytest.mark.parametrize("patients", [0, 1001])
def test_the_number_of_patients_has_limits(patients):
    with pytest.raises(InputError, match="1 to 1000"):
        simulate_band(regimen_by_id("blinatumomab"), patients=patients)
