"""Cytokines of the ALL model: when, how much, and after what."""

from __future__ import annotations

import numpy as np
import pytest

FINE = np.linspace(0, 3, 73)
DAYS = np.unique(np.concatenate([FINE, 7 + FINE, 42 + FINE]))
NAMES = ("IL6", "IL10", "IFNg")


@pytest.fixture(scope="module")
def relapsed(follow, calibrated):
    """Marrow full of blasts: 9 then 28 ug/day; 28 from the start; 9 then 28 with a tenth of the blasts."""
    return follow(
        calibrated,
        DAYS,
        patients=[{}, {}, {"blasts_start": 8e10}, {"blasts_start": 1e9}],
        infusions=[
            [(0, 9.0), (7, 28.0)],
            [(0, 28.0)],
            [(0, 9.0), (7, 28.0)],
            [(0, 28.0), (28, 0.0), (42, 28.0)],
        ],
    )


def released(run, name, first, last):
    """What lies above the baseline, array (patient, time)."""
    return run.between(name, first, last) - run[name][:, :1]


@pytest.mark.parametrize("name", NAMES)
def test_release_peaks_within_a_day_and_is_gone_by_the_third(relapsed, name):
    for i in range(4):
        first = released(relapsed, name, 0, 3)[i]
        assert FINE[first.argmax()] < 1.0
        assert first[-1] < 0.15 * first.max()


@pytest.mark.parametrize("name", NAMES)
def test_release_rises_with_dose_and_burden(relapsed, name):
    peaks = released(relapsed, name, 0, 3).max(axis=1)
    assert peaks[1] > 1.5 * peaks[0]
    assert peaks[0] > 1.2 * peaks[2]


def test_starting_low_and_stepping_up_releases_less_than_starting_high(relapsed):
    stepped = max(released(relapsed, "IL6", 0, 3)[0].max(), released(relapsed, "IL6", 7, 10)[0].max())
    assert stepped < 0.8 * released(relapsed, "IL6", 0, 3)[1].max()


def test_patients_in_remission_release_next_to_nothing_in_cycle_2(relapsed):
    first, second = released(relapsed, "IL6", 0, 3)[3].max(), released(relapsed, "IL6", 42, 45)[3].max()
    assert second < 0.1 * first


def test_release_scales_with_its_rate_alone(follow, calibrated):
    # without the myeloid amplification, which makes much more of much
    rates = [{"k_IL6": 100.0, "amplify": 0.0}, {"k_IL6": 1000.0, "amplify": 0.0}]
    run = follow(calibrated, DAYS, patients=rates, infusions=[[(0, 28.0)]] * 2)
    above = released(run, "IL6", 0, 50)
    assert above[1] == pytest.approx(10 * above[0], rel=1e-3, abs=1e-3)
    assert run["cd8_per_uL"][1] == pytest.approx(run["cd8_per_uL"][0], rel=1e-4)


def test_baseline_adds_to_release_and_not_to_toxicity(follow, calibrated):
    bases = [{"IL6_base": 0.5}, {"IL6_base": 30.0}]
    run = follow(calibrated, DAYS, patients=bases, infusions=[[(0, 28.0)]] * 2, rtol=1e-8)
    assert run["IL6"][:, 0] == pytest.approx([0.5, 30.0])
    above = released(run, "IL6", 0, 50)
    assert above[1] == pytest.approx(above[0], rel=1e-3, abs=1e-3)
    assert run["H_crs"][0, -1] > 0
    assert run["H_crs"][1, -1] == pytest.approx(run["H_crs"][0, -1], rel=1e-3)
