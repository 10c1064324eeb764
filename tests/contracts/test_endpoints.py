"""Every endpoint that can be simulated has every column of the vocabulary, and every reader takes it from there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from engager.analysis import EndpointRequest, estimate_endpoints
from engager.analysis.endpoints import ENDPOINTS, STATISTICS, response_categories
from engager.core import OUTCOMES, InputError, patient_columns
from engager.evidence import TrialEndpoint, known_endpoint, trial_endpoints, trial_names
from engager.model import load_model
from engager.protocol import DesignBlock, Endpoint, Protocol
from engager.protocol.endpoints import SIMULATED_ENDPOINTS
from engager.report import ReportContent
from engager.report.tables import outcome_tables
from engager.report.words import endpoint_words
from engager.study.adam.requests import parameters_of

ROOT = Path(__file__).parents[2]
NAMES = trial_names()
OPTIONAL = {"among", "origin", "no_response", "group"}
DAYS = {one.name for one in OUTCOMES if one.is_event_day}


@pytest.fixture(scope="module")
def patients():
    """One treated patient who reached CR, was transplanted and died of it, and one who died of leukemia."""
    empty = {"i32": pl.Int32, "f64": pl.Float64, "bool": pl.Boolean, "str": pl.String}
    schema = {one.name: empty[one.dtype] for one in patient_columns()}
    both = {"replicate": 0, "arm": "b", "failed": False, "treated": True, "start_day": 0.0, "followup_day": 300.0}
    came = {"best_response": "CR", "response_cycle": 1, "hsct_in_response": True, "crs_grade": 3, "neurologic_grade": 3}
    came |= dict.fromkeys(("mrd_below_limit", "mrd_undetectable"), True)
    came |= dict.fromkeys(DAYS - {"death_day", "relapse_day", "hsct_day", "treatment_end_day"}, 28.0)
    came |= {
        "hsct_day": 60.0,
        "relapse_day": 80.0,
        "relapse_cd19": "negative",
        "death_day": 90.0,
        "death_cause": "transplant",
        "fatal_adverse_event": True,
    }
    never = {"best_response": "none", "death_day": 20.0, "death_cause": "leukemia", "crs_grade": 0}
    never |= {"neurologic_grade": 0}
    return pl.DataFrame([both | came | {"patient": 0}, both | never | {"patient": 1}], schema=schema)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_there_and_means_something(name):
    one = trial_endpoints()[name]
    for column in {field.name for field in fields(TrialEndpoint)} - OPTIONAL:
        assert getattr(one, column), column
    assert known_endpoint(name).better == one.better in ("higher", "lower")
    assert one.table in ("efficacy", "safety")
    assert one.window in ("response", "event", "none")
    assert one.denominator in ("randomized", "treated", "responders", "assessed_responders", "relapsed", "transplanted")
    assert one.day in DAYS
    assert re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", one.adam)
    assert (one.origin is not None) == (one.kind != "share")
    assert one.among is None or response_categories(one.among)
    assert one.table == "efficacy" or one.is_harm


def test_words_and_codes_tell_endpoints_apart():
    assert len({one.words for one in trial_endpoints().values()}) == len(NAMES)
    codes = [one.adam for one in trial_endpoints().values() if one.adam != "ADAE"]
    assert len(set(codes)) == len(codes)


def test_what_the_vocabulary_lists_is_what_a_study_may_name_and_the_analysis_works_out():
    assert set(NAMES) == set(SIMULATED_ENDPOINTS) == set(ENDPOINTS)


@pytest.mark.parametrize("name", NAMES)
def test_the_plainest_statistic_counts_the_denominator_of_the_vocabulary(patients, name):
    one = trial_endpoints()[name]
    statistic = STATISTICS[ENDPOINTS[name].kind][0]
    months = 6.0 if statistic == "cumulative_at" else None
    row = estimate_endpoints(_Tables(patients), [EndpointRequest(name, statistic, months)]).row(0, named=True)
    counted = {"randomized": 2, "treated": 2, "responders": 1, "assessed_responders": 1}
    counted |= {"relapsed": 1, "transplanted": 1}
    assert row["n"] == counted[one.denominator]
    assert row["value"] is not None


class _Tables:
    def __init__(self, patients):
        self.patients = patients


@pytest.mark.parametrize("name", NAMES)
def test_a_design_can_be_won_by_what_helps_patients_and_by_nothing_that_harms_them(name):
    one = trial_endpoints()[name]
    if one.is_harm:
        with pytest.raises((InputError, ValueError), match="not a harm"):
            DesignBlock.model_validate({"primary": name})
    elif one.kind != "competing":
        assert DesignBlock.model_validate({"primary": name}).primary == name


@pytest.mark.parametrize("name", NAMES)
def test_a_study_gets_the_defaults_of_the_vocabulary(name):
    one, given = trial_endpoints()[name], Endpoint.model_validate(name)
    assert given.among == one.among
    assert given.no_response == one.no_response
    assert given.origin == (one.origin or "randomization")
    bounded = Endpoint.model_validate({"id": name, "window_weeks": 8})
    assert bounded.ignores_window == (one.window == "none")


@pytest.mark.parametrize("name", NAMES)
def test_reports_print_it_in_its_table(patients, name):
    kind = ENDPOINTS[name].kind
    statistic, months = STATISTICS[kind][0], 6.0 if STATISTICS[kind][0] == "cumulative_at" else None
    estimates = estimate_endpoints(_Tables(patients), [EndpointRequest(name, statistic, months)])
    content = ReportContent("t", "s", {"b": 2}, replicates=1, seed=1, estimates=estimates)
    tables = outcome_tables(content)
    assert [table for table, rows in tables.items() if rows] == [trial_endpoints()[name].table]
    assert endpoint_words(name) == trial_endpoints()[name].words


@pytest.mark.parametrize("name", NAMES)
def test_exports_name_it_by_its_code(name):
    one = trial_endpoints()[name]
    study = {"study": "x", "arms": {"b": {"n": 4, "regimen": "blinatumomab"}}, "endpoints": [name]}
    if load_model("b-all").roles.lacking(one.needs):  # shown by a tumor alone
        study |= {"model": {"id": "b-all", "variant": "lymphoma"}, "population": {"setting": "lymphoma"}}
    protocol = Protocol.model_validate(study)
    codes = [asked.code for asked in parameters_of(protocol, of_time=one.kind != "share")]
    assert codes == [] if one.adam == "ADAE" else codes[0] == one.adam


@pytest.mark.parametrize("name", NAMES)
def test_the_docs_list_it(name):
    listed = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8").split("## Endpoints")[1]
    assert f"`{name}`" in listed


def test_no_list_of_endpoints_is_typed_again():
    """Three names of endpoints in one statement outside the vocabulary, its rules and defaults are a copy."""
    allowed = {"analysis/endpoints.py", "protocol/endpoints.py", "protocol/regimen.py", "evidence/figures/map.py"}
    allowed |= {"calibration/sensitivity/trials.py", "study/sensitivity/drivers.py"}
    source = ROOT / "src" / "engager"
    word = re.compile(
        r'"(' + "|".join(re.escape(name) for name in NAMES if "_" in name or name in ("DoR", "EFS")) + ')"'
    )
    found = []
    for path in source.rglob("*.py"):
        if str(path.relative_to(source)) not in allowed:
            found += [f"{path.name}: {block[:60]}" for block in _statements(path) if len(set(word.findall(block))) > 2]
    assert not found


def _statements(path):
    return re.split(r"\n(?=\S)", path.read_text(encoding="utf-8"))
