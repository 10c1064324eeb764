"""Matching to a published baseline: reached, or refused with the reason."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engager.core import InputError
from engager.evidence import baseline_targets, event_of, match, record


def _patients(n=400):
    i = np.arange(n)
    age = 18 + (i * 37) % 60
    return {"age_years": age.astype(float), "prior_hsct": (i % 3) == 0, "blasts": 5 + (i * 53) % 96.0}


def test_targets_are_reached_and_cost_is_told():
    targets = {
        "age_years": {"mean": 40.8, "sd": 15.0},
        "prior_hsct": {"proportion": 94 / 271},
        "blasts": {"median": 60, "above": 50, "share": 0.74},
    }
    with pytest.raises(InputError):
        # Half of the patients above 60 and 74 % at or above 50 fit; 40 % above 60 and 74 % above 62 would
        # not.
        match(_patients(), {"blasts": {"median": 60, "above": 60.5, "share": 0.74}})
    matched = match(_patients(), targets)
    assert 0 < matched.effective_sample_size < 400
    assert matched.weights.mean() == pytest.approx(1)
    for row in matched.balance:
        assert row["after"] == pytest.approx(row["target"], rel=1e-7), row


def test_matching_to_itself_changes_nothing():
    patients = _patients()
    matched = match(patients, {"age_years": {"mean": float(patients["age_years"].mean())}})
    assert matched.effective_sample_size == pytest.approx(400)
    assert matched.weights == pytest.approx(np.ones(400))


def test_frame_and_missing_values():
    frame = pl.DataFrame(_patients()).with_columns(
        age_years=pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise(pl.col("age_years"))
    )
    matched = match(frame, {"age_years": {"mean": 45}})
    assert (matched.n_used, matched.n_missing) == (390, 10)
    assert np.all(matched.weights[:10] == 0)


def test_target_outside_the_patients_is_named():
    with pytest.raises(InputError, match="age_years"):
        match(_patients(), {"age_years": {"mean": 90}, "prior_hsct": {"proportion": 0.4}})


def test_unknown_column_and_target_key_are_told_together():
    with pytest.raises(InputError) as caught:
        match(_patients(), {"agee": {"mean": 40}, "age_years": {"average": 40}})
    assert len(caught.value.problems) == 2


def test_weighted_share_and_interval():
    patients = _patients()
    matched = match(patients, {"prior_hsct": {"proportion": 0.5}})
    share, low, high = matched.proportion(patients["prior_hsct"].astype(float))
    assert share == pytest.approx(0.5)
    assert low < 0.5 < high


def test_published_baseline_becomes_targets():
    targets = baseline_targets(record("tower-2017"), "blinatumomab")
    assert targets["age_years"] == {"mean": 40.8, "sd": 17.1}
    assert targets["female"]["proportion"] == pytest.approx(1 - 162 / 271)
    # One patient's marrow was unknown, one patient's transplant history too.
    assert targets["marrow_blasts_percent"] == {"above": 50.0, "share": pytest.approx(201 / 270)}
    assert targets["prior_hsct"]["proportion"] == pytest.approx(94 / 270)
    assert targets["salvage_line"] == {"above": 2.0, "share": pytest.approx(1 - 114 / 271)}


def test_arm_without_a_usable_baseline_is_refused():
    with pytest.raises(InputError, match="no published baseline"):
        baseline_targets(record("ino-vate-2016"), "inotuzumab")


def test_weighted_share_of_nobody_has_an_exact_interval():
    matched = match(_patients(), {"prior_hsct": {"proportion": 0.5}})
    share, low, high = matched.proportion(np.zeros(400))
    assert (share, low) == (0, 0)
    assert high == pytest.approx(1 - 0.025 ** (1 / round(matched.effective_sample_size)))


def test_an_event_is_a_yes_no_column_or_a_condition():
    frame = pl.DataFrame({"response": ["CR", "none", None], "alive": [True, None, False], "age": [40, 50, 60]})
    assert event_of(frame, "response=CR")[:2].tolist() == [1.0, 0.0]
    assert np.isnan(event_of(frame, "response=CR")[2])
    assert event_of(frame, "alive")[[0, 2]].tolist() == [1.0, 0.0]
    for event, rule in (("age", "yes and no"), ("response", "response=..."), ("CR=1", "not a column")):
        with pytest.raises(InputError, match=rule):
            event_of(frame, event)
