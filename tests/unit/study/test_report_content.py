"""The report is given what the run knows: who, what was planned, and where figures come from."""

from __future__ import annotations

import polars as pl
import pytest

from engager.protocol import executable_regimen, shipped_protocol
from engager.study.run.baseline import baseline_rows
from engager.study.run.content import _rebuilt, planned_doses

TOWER = shipped_protocol("tower")


def patients(**columns):
    table = {
        "arm": ["blinatumomab", "blinatumomab", "chemotherapy"],
        "age_years": [30.0, 50.0, 40.0],
        "female": [True, False, False],
        "marrow_blasts_percent": [20.0, 80.0, 90.0],
        "salvage_line": [1, 2, 1],
        "prior_hsct": [True, False, False],
    }
    return pl.DataFrame({**table, **columns})


def test_the_published_side_is_the_record():
    rows = {row.label: row for row in baseline_rows(TOWER, patients())}
    assert rows["Female"].published == {"blinatumomab": "40 %", "chemotherapy": "43 %"}  # 162/271, 77/134 men
    assert rows["Age, years, median (range)"].published["blinatumomab"] == "37 (18 to 80)"
    assert rows["Marrow blasts 50 % or more"].published == {"blinatumomab": "74 %", "chemotherapy": "78 %"}
    assert rows["First salvage"].published["blinatumomab"] == "42 %"
    assert rows["Prior transplant"].published["blinatumomab"] == "35 %"  # 94 of 270 known
    assert all(row.source == "tower-2017" for row in rows.values() if row.published)


def test_the_simulated_side_is_the_patients():
    rows = {row.label: row for row in baseline_rows(TOWER, patients())}
    assert rows["Female"].simulated == {"blinatumomab": "50 %", "chemotherapy": "0 %"}
    assert rows["Age, years, median (range)"].simulated["blinatumomab"] == "40 (30 to 50)"
    assert rows["Marrow blasts 50 % or more"].simulated["blinatumomab"] == "50 %"


def test_a_covariate_nobody_has_is_left_out():
    table = patients().with_columns(marrow_blasts_percent=pl.lit(None, dtype=pl.Float64))
    labels = [row.label for row in baseline_rows(TOWER, table)]
    assert not any("blasts" in label for label in labels)
    assert not any("Weight" in label for label in labels)


def test_planned_doses_run_over_cycles():
    doses = planned_doses(executable_regimen("blinatumomab"), 2)
    assert [(d.start_day, d.stop_day, d.amount, d.unit) for d in doses] == [
        (0.0, 7.0, 9.0, "ug/day"),
        (7.0, 28.0, 28.0, "ug/day"),
        (42.0, 70.0, 28.0, "ug/day"),
    ]


@pytest.mark.parametrize(("regimen", "unit"), [("blinatumomab-mrd-15ug-m2", "ug/m2/day"), ("flag", "course")])
def test_planned_doses_carry_their_unit(regimen, unit):
    assert {dose.unit for dose in planned_doses(executable_regimen(regimen), 1)} == {unit}


def test_a_published_curve_is_found_under_the_name_its_record_gives_the_arm():
    curves = _rebuilt(shipped_protocol("graall-relapse"))
    assert set(curves["arm"]) == {"chemotherapy"}
    os = curves.filter(endpoint="OS")
    # desjonqueres-2016-graall prints 19.3 % at 24 months and 13.3 % at 60 months for all relapsed patients
    assert os.filter(month=24.0)["survival"].to_list() == pytest.approx([0.193], abs=0.002)
    assert os["survival"].to_list()[-1] == pytest.approx(0.133, abs=0.002)
    assert _rebuilt(shipped_protocol("mt103-202")) is None
