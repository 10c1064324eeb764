"""Published observations within patients: their format, and what the fitted model makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from engager.calibration import load_observations, load_time_course_fit, validate_observations
from engager.core import InputError
from engager.model import load_model


@pytest.fixture(scope="module")
def observations():
    return load_observations()


@pytest.fixture(scope="module")
def rows():
    return validate_observations(1, n_patients=200)


def test_nineteen_patients_have_t_cell_and_b_cell_courses(observations):
    cd8, b = observations.courses["OBS-T1"], observations.courses["OBS-B1"]
    assert cd8.patients == b.patients
    assert len(cd8.patients) == 19
    assert 15 not in cd8.patients
    assert cd8.values.shape == (19, 12)
    fold = cd8.values / cd8.values[:, :1]
    published = [1.0, 0.434, 0.146, 0.140, 0.071, 0.105, 0.327, 1.838, 1.326, 1.240, 1.570, 1.282]
    assert np.median(fold, axis=0) == pytest.approx(published, abs=0.002)
    shares = [0.0, 0.63, 0.79, 0.89, 0.95, 1.0, 1.0]
    assert np.mean(b.values <= 1, axis=0) == pytest.approx(shares, abs=0.006)


def test_every_observation_has_a_source_and_a_use(observations):
    everything = [*observations.courses.values(), *observations.binned.values(), *observations.facts.values()]
    assert all(one.source in observations.sources for one in everything)
    assert {one.use for one in everything} == {"fit", "check"}
    assert sum(bin.n for bin in observations.binned["OBS-IL6a"].bins) == 65


def test_problems_of_an_observation_file_are_told_together(tmp_path):
    path = tmp_path / "observations.yaml"
    path.write_text(
        """
sources: {a: b}
courses:
  - {id: C, use: fitted, quantity: x, unit: u, setting: s, source: q, time_days: [0, 1], by_patient: {1: [1, 2]}}
  - {id: D, use: fit, quantity: x, unit: u, setting: s, source: a, time_days: [1, 0], by_patient: {1: [1]}}
facts:
  - {id: F, use: fit, measure: m, setting: s, quantity: q, unit: u, observed: 5, low: 0, high: 1, because: b, source: a}
"""
    )
    with pytest.raises(InputError) as error:
        load_observations(path)
    for part in ("must be fit or check", "is not listed", "must have 2 readings", "must rise", "within low and high"):
        assert part in str(error.value)


def test_every_observation_is_compared(observations, rows):
    n_times = sum(one.time_days.size for one in observations.courses.values())
    n_bins = sum(len(one.bins) for one in observations.binned.values())
    assert len(rows) == n_times + n_bins + len(observations.facts)
    keys = {"id", "use", "quantity", "observed", "low", "high", "inside", "simulated", "n_simulated", "source"}
    assert all(keys <= set(row) for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_what_was_fitted_is_reproduced(rows):
    fitted = [row for row in rows if row["use"] == "fit"]
    outside = [row["id"] for row in fitted if not row["inside"]]
    assert len(outside) <= 2, outside  # 95 % intervals: one or two of thirty fall outside by chance


def test_what_was_held_out_is_mostly_predicted(rows):
    checked = {row["id"]: row for row in rows if row["use"] == "check"}
    for id_ in ("OBS-T2-nadir", "OBS-T2-peak", "OBS-T4-repeat", "OBS-T4-depleted", "OBS-T4-break",
                "OBS-T4-low-dose", "OBS-CK1-time", "OBS-CK1-gone", "OBS-CK1-step", "OBS-CK1-cycle-2",
                "OBS-EX1-continuous", "OBS-EX1-break", "OBS-IL6b/day 6.5-7.3",
                "OBS-IL6b/day 12-17"):  # fmt: skip
        assert checked[id_]["inside"], checked[id_]


def test_first_il6_at_a_constant_high_dose(rows):
    assert next(row for row in rows if row["id"] == "OBS-IL6b/day 0.15-0.35")["inside"]


def test_the_same_seed_gives_the_same_answer(rows):
    assert validate_observations(1, n_patients=200) == rows


def test_the_shipped_fit_belongs_to_the_shipped_model():
    fit = load_time_course_fit()
    model = load_model("b-all")
    assert fit.provenance["model"] == model.id
    for name, value in fit.population.items():
        row = model.parameters[name.removesuffix(".sd")]
        if not name.endswith(".sd") and row.low is not None:
            assert row.low * row.to_model * 0.999 <= value <= row.high * row.to_model * 1.001
        if name.endswith(".sd"):
            assert 0 <= value < 3
