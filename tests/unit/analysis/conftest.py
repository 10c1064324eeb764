"""Small hand-made tables of patients, in the columns of docs/architecture.md."""

import polars as pl
import pytest

SCHEMA = {
    "replicate": pl.Int32, "arm": pl.String, "patient": pl.Int32, "failed": pl.Boolean,
    "age_years": pl.Float64, "marrow_blasts_percent": pl.Float64, "prior_hsct": pl.Boolean,
    "followup_day": pl.Float64, "treated": pl.Boolean, "start_day": pl.Float64,
    "treatment_end_day": pl.Float64, "n_cycles": pl.Int32,
    "best_response": pl.String, "response_day": pl.Float64, "response_cycle": pl.Int32,
    "mrd_day": pl.Float64, "mrd_log10": pl.Float64, "mrd_below_limit": pl.Boolean,
    "mrd_undetectable": pl.Boolean, "hsct_day": pl.Float64, "hsct_in_response": pl.Boolean,
    "relapse_day": pl.Float64, "relapse_cd19": pl.String, "death_day": pl.Float64, "death_cause": pl.String,
    "fatal_adverse_event": pl.Boolean,
    "crs_grade": pl.Int32, "neurologic_grade": pl.Int32,
    "treatment_end_reason": pl.String, "progression_day": pl.Float64, "b_depleted_day": pl.Float64,
    "il6_high_day": pl.Float64,
}  # fmt: skip

USUAL = {
    "replicate": 0, "arm": "A", "failed": False, "age_years": 40.0, "marrow_blasts_percent": 80.0,
    "prior_hsct": False, "followup_day": 400.0, "treated": True, "start_day": 2.0,
    "treatment_end_day": 60.0, "n_cycles": 1,
    "best_response": "none", "crs_grade": 0, "neurologic_grade": 0, "hsct_in_response": False,
}  # fmt: skip


@pytest.fixture
def patients():
    """Build a patients table from what is not usual about each patient."""

    def build(*rows):
        full = [USUAL | {"patient": number} | row for number, row in enumerate(rows)]
        return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in full], schema=SCHEMA)

    return build
