"""What an export says of a patient of whom everything is known by hand."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from engager.core import EVENTS, KEY, OUTCOMES, TRAJECTORIES, VISITS
from engager.protocol import read_protocol
from engager.study.adam.courses import adex
from engager.study.adam.source import read_source
from engager.study.adam.times import adtte

TYPES = {"i32": pl.Int32, "f64": pl.Float64, "bool": pl.Boolean, "str": pl.String}
LYMPHOMA = """
study: tumor
simulated_only: true
model: {id: b-all, variant: lymphoma}
population: {setting: lymphoma}
arms: {a: {n: 4, regimen: blinatumomab}}
endpoints: [PFS, TTP, DoR, OS]
"""


def source_of(study, *outcomes, visits=()):
    """One replicate of patients 0, 1, ... with these outcomes; what is not named did not happen.

    `visits` are (patient, day, cycle).
    """
    schema = {one.name: TYPES[one.dtype] for one in (*KEY, *OUTCOMES)} | {
        "failed": pl.Boolean, "age_years": pl.Float64, "female": pl.Boolean
    }  # fmt: skip
    usual = {
        "replicate": 0, "arm": "a", "failed": False, "age_years": 50.0, "female": False, "entry_month": 0.0,
        "followup_day": 300.0, "treated": True, "start_day": 0.0, "best_response": "none", "crs_grade": 0,
        "neurologic_grade": 0,
    }  # fmt: skip
    rows = [{**dict.fromkeys(schema), **usual, "patient": i, **one} for i, one in enumerate(outcomes)]
    empty = {
        name: pl.DataFrame(schema={one.name: TYPES[one.dtype] for one in columns})
        for name, columns in (("visits", VISITS), ("events", EVENTS), ("trajectories", TRAJECTORIES))
    }
    tables = {"patients": pl.DataFrame(rows, schema=schema), **empty}
    seen = [{"replicate": 0, "arm": "a", "patient": one, "day": day, "cycle": cycle} for one, day, cycle in visits]
    tables["visits"] = (
        pl.concat([empty["visits"], pl.DataFrame(seen, schema_overrides=empty["visits"].schema)], how="diagonal")
        if seen
        else empty["visits"]
    )
    run = SimpleNamespace(
        manifest={"replicates": 1}, protocol=read_protocol(study), path="a run", table=tables.__getitem__
    )
    return read_source(run, 0, date(2000, 1, 1))


@pytest.mark.parametrize("code", ["PFS", "TTP"])
def test_a_tumor_that_grows_without_a_response_before_has_progressed(code):
    source = source_of(
        LYMPHOMA,
        {"progression_day": 57.0},
        {"best_response": "PR", "response_day": 28.0, "progression_day": 120.0, "relapse_day": 120.0},
        {"death_day": 40.0, "followup_day": 40.0},
        {},
    )
    rows = adtte(source).table.filter(pl.col("PARAMCD") == code)
    died = ("DEATH", 0) if code == "PFS" else ("CENSORED AT LAST OBSERVATION", 1)
    assert rows.select("EVNTDESC", "CNSR").rows() == [
        ("PROGRESSION", 0),
        ("PROGRESSION", 0),
        died,
        ("CENSORED AT LAST OBSERVATION", 1),
    ]


def test_cycles_that_begin_after_the_data_cut_are_not_exported():
    source = source_of(
        LYMPHOMA,
        {"n_cycles": 5, "followup_day": 14.0},
        {"n_cycles": 2, "treatment_end_day": 70.0},
        {"n_cycles": 5, "followup_day": 50.0, "treated": False, "start_day": None},
        visits=[(0, 0.0, 1), (0, 7.0, 1), (1, 0.0, 1), (1, 42.0, 2), (1, 84.0, 3), (2, 0.0, 1)],
    )
    rows = adex(source).table.filter(pl.col("PARAMCD") == "NCYCLES")
    assert dict(rows.select("SUBJID", "AVAL").rows()) == {"0-a-0": 1.0, "0-a-1": 2.0}
