"""The tables of a virtual trial have the columns that `core.columns` lists, and the docs print that list."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from engager.analysis import check_patients
from engager.analysis.interim import cut_patients
from engager.core import EVENTS, KEY, OUTCOMES, TRAJECTORIES, VISITS, patient_columns
from engager.core.columns import EVENT_WORDS, as_markdown
from engager.protocol import Protocol
from engager.trial import simulate_trial

ROOT = Path(__file__).parents[2]
TYPES = {"i32": pl.Int32, "f64": pl.Float64, "bool": pl.Boolean, "str": pl.String}
ARMS = {"b": {"n": 30, "regimen": "blinatumomab"}, "c": {"n": 30, "regimen": "flag-ida"}}


@pytest.fixture(scope="module")
def data():
    raw = {"study": "x", "arms": ARMS, "follow_up": {"months": 9}, "hsct": {"offer": "in_response", "probability": 0.6}}
    return simulate_trial(Protocol.model_validate(raw), replicates=[0], seed=1, n_sampled=2)


def types_of(columns):
    return {one.name: TYPES[one.dtype] for one in columns}


def test_visits_and_events_have_their_columns_in_order(data):
    assert dict(data.visits.schema) == types_of(VISITS)
    assert dict(data.events.schema) == types_of(EVENTS)


def test_patients_begin_with_the_key_and_end_with_the_outcomes(data):
    schema = dict(data.patients.schema)
    assert list(schema)[:4] == [one.name for one in KEY] + ["failed"]
    assert list(schema)[-len(OUTCOMES) :] == [one.name for one in OUTCOMES]
    listed = types_of(patient_columns())
    assert {name: kind for name, kind in schema.items() if name in listed}.items() <= listed.items()


def test_trajectories_begin_with_key_day_and_dose(data):
    wanted = types_of(TRAJECTORIES)
    assert dict(list(data.trajectories.schema.items())[: len(wanted)]) == wanted


def test_every_event_logged_is_a_listed_word_and_every_word_is_logged(data):
    assert set(data.events["event"].unique()) <= set(EVENT_WORDS)
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/engager/trial").glob("**/*.py"))
    named = set(re.findall(r"\.note\([^\"]*?\"(\w+)\"", sources)) | {"crs", "neurologic"}
    assert named == set(EVENT_WORDS)


def test_what_is_known_later_is_unknown_before(data):
    first_day = cut_patients(data.patients, [1e-3])
    assert first_day.height == 0 or all(
        first_day[one.name].drop_nulls().is_empty() if one.before is None else (first_day[one.name] == one.before).all()
        for one in OUTCOMES
        if one.known_by
    )
    cut = cut_patients(data.patients, [120.0])
    for one in OUTCOMES:
        if one.known_by and not one.is_event_day:
            early = cut.filter(pl.col(one.known_by).is_null())[one.name]
            assert early.drop_nulls().is_empty() if one.before is None else (early == one.before).all()
    assert cut["death_day"].drop_nulls().len() < data.patients["death_day"].drop_nulls().len()


@pytest.mark.parametrize("column", [one for one in patient_columns() if one.is_needed], ids=lambda one: one.name)
def test_a_needed_column_is_missed_by_name(data, column):
    with pytest.raises(Exception, match=column.name):
        check_patients(data.patients.drop(column.name))


@pytest.mark.parametrize(
    "columns", [(*KEY, patient_columns()[3]), OUTCOMES, VISITS, EVENTS], ids=["key", "outcomes", "visits", "events"]
)
def test_docs_print_the_columns(columns):
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert as_markdown(columns) in text, f"docs/architecture.md must hold:\n{as_markdown(columns)}"


def test_docs_print_the_words_of_events():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for word, meaning in EVENT_WORDS.items():
        assert f"`{word}` ({meaning})" in text
