"""Matching to a published baseline: reached, or refused with the reason."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta

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
    with pytest.raises(InputError, match="no baseline in the record"):
        baseline_targets(record("ino-vate-2016"), "inotuzumab")


def test_weighted_share_of_nobody_has_an_exact_interval():
    matched = match(_patients(), {"prior_hsct": {"proportion": 0.5}})
    share, low, high = matched.proportion(np.zeros(400))
    assert (share, low) == (0, 0)
    assert high == pytest.approx(1 - 0.025 ** (1 / matched.effective_sample_size))


def test_an_event_is_a_yes_no_column_or_a_condition():
    frame = pl.DataFrame({"response": ["CR", "none", None], "alive": [True, None, False], "age": [40, 50, 60]})
    assert event_of(frame, "response=CR")[:2].tolist() == [1.0, 0.0]
    assert np.isnan(event_of(frame, "response=CR")[2])
    assert event_of(frame, "alive")[[0, 2]].tolist() == [1.0, 0.0]
    for event, rule in (("age", "yes and no"), ("response", "response=..."), ("CR=1", "not a column")):
        with pytest.raises(InputError, match=rule):
            event_of(frame, event)


def _six():
    return {"age": np.array([20.0, 30, 40, 50, 55, 60])}


@pytest.mark.parametrize("mean", [58.0, 59.0, 59.9, 59.999])
def test_an_interval_is_never_narrower_than_that_of_as_many_patients_as_the_weights_are_worth(mean):
    matched = match(_six(), {"age": {"mean": mean}})
    n = matched.effective_sample_size
    share, low, high = matched.proportion(np.array([0, 0, 0, 0, 0, 1.0]))
    assert share > 0.5
    # The lower limit of n patients who all had the event; with fewer events it is lower still.
    assert low <= 0.025 ** (1 / n)
    assert high > 0.975
    assert any("hardly overlap" in text for text in matched.remarks)


def test_one_effective_patient_with_a_response_says_next_to_nothing():
    # 2.5 to 100 %: the exact interval of one patient who responded
    matched = match(_six(), {"age": {"mean": 59.9999}})
    assert matched.effective_sample_size == pytest.approx(1, abs=1e-3)
    share, low, high = matched.proportion(np.array([0, 0, 0, 0, 0, 1.0]))
    assert (share, low, high) == pytest.approx((1.0, 0.025, 1.0), abs=1e-3)


def test_the_interval_covers_the_exact_one_whatever_the_weights():
    random = np.random.default_rng(5)
    for _ in range(50):
        size = int(random.integers(8, 60))
        age = random.normal(50, 10, size)
        matched = match({"age": age}, {"age": {"mean": float(np.quantile(age, random.uniform(0.3, 0.9)))}})
        share, low, high = matched.proportion((random.random(size) < random.random()).astype(float))
        n = matched.effective_sample_size
        below = 0.0 if share < 1e-9 else beta.ppf(0.025, share * n, (1 - share) * n + 1)
        above = 1.0 if share > 1 - 1e-9 else beta.ppf(0.975, share * n + 1, (1 - share) * n)
        assert low <= below + 1e-9
        assert high >= above - 1e-9
        assert low <= share <= high


@pytest.mark.parametrize(
    ("targets", "word"),
    [
        ({"age": {"mean": 60}}, "edge"),
        ({"age": {"mean": 20}}, "edge"),
        ({"age": {"above": 60, "share": 0}}, "edge"),
        ({"age": {"above": 60, "share": 1.0}}, "edge"),
        ({"age": {"mean": 61}}, "cannot be reached"),
        # the least sd a mean of 50 allows is 0, reached by the patient of 50 alone; with 20 and 60 it is at most 17.3
        ({"age": {"mean": 50, "sd": float(np.sqrt(10 * 30))}}, "edge"),
        ({"age": {"mean": 50, "sd": 25}}, "cannot be reached"),
    ],
)
def test_targets_at_the_edge_of_the_patients_are_refused(targets, word):
    with pytest.raises(InputError, match=word):
        match(_six(), targets)


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ({"mean": 40, "sd": -10}, "sd"),
        ({"mean": 40, "sd": 0}, "sd"),
        ({"proportion": 40}, "in 0 to 1"),
        ({"proportion": 0.4}, "yes/no"),
        ({"proportion": -0.1}, "in 0 to 1"),
        ({"above": 50, "share": 74}, "in 0 to 1"),
        ({"above": 50, "share": -0.5}, "in 0 to 1"),
        ({"mean": float("nan")}, "number"),
        ({"mean": float("inf")}, "number"),
        ({"mean": 10**400}, "number"),
        ({"mean": "40"}, "number"),
        ({"mean": True}, "number"),
        ({}, "must be mean"),
        ({"above": 50}, "above with share"),
        ({"share": 0.5}, "above with share"),
        ({"sd": 10}, "must be mean"),
    ],
)
def test_impossible_targets_are_refused_with_column_and_rule(target, word):
    with pytest.raises(InputError, match=word) as caught:
        match(_patients(), {"age_years": target})
    assert "age_years" in str(caught.value)


def test_a_column_of_words_is_no_column_to_match():
    frame = pl.DataFrame({"best_response": ["CR", "none", "PR"], "age": [40.0, 50.0, 60.0]})
    with pytest.raises(InputError, match=r"best_response.*numbers"):
        match(frame, {"best_response": {"proportion": 0.4}})


def test_a_column_that_is_what_was_published_already_is_no_obstacle():
    patients = {**_six(), "ph": np.zeros(6)}
    assert match(patients, {"age": {"mean": 45}, "ph": {"proportion": 0}}).n_used == 6
    with pytest.raises(InputError, match="ph"):
        match(patients, {"age": {"mean": 45}, "ph": {"proportion": 0.2}})


@pytest.mark.parametrize("event", [np.array([0.5] * 6), np.ones(5), np.full(6, np.nan)])
def test_an_event_that_is_not_yes_or_no_is_refused(event):
    with pytest.raises(InputError, match="event"):
        match(_six(), {"age": {"mean": 45}}).proportion(event)


def test_few_patients_whose_weights_are_even_are_told_as_few_not_as_far_off():
    matched = match(_six(), {"age": {"mean": float(np.mean([20, 30, 40, 50, 55, 60]))}})
    assert matched.effective_sample_size == pytest.approx(6)
    assert "6 patients to match" in matched.remarks[0]
    assert "overlap" not in matched.remarks[0]
