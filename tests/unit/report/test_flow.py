"""The flow of participants adds up, in every arm and at every step."""

import numpy as np
import polars as pl
import pytest

from engager.report.flow import participant_flow


def _sums(steps):
    """Every step and the sum of the steps that are set in one further below it."""
    for place, step in enumerate(steps):
        parts = []
        for below in steps[place + 1 :]:
            if below["depth"] <= step["depth"]:
                break
            if below["depth"] == step["depth"] + 1:
                parts.append(below["count"])
        if parts:
            yield step["name"], step["count"], sum(parts)


@pytest.fixture
def many():
    """Seven trials of 41 and 20 patients with every fate among them."""
    draw = np.random.default_rng(5)
    n = 7 * 61
    days = {
        name: np.where(draw.random(n) < share, draw.uniform(20, 400, n), np.nan)
        for name, share in (("hsct_day", 0.3), ("relapse_day", 0.3), ("death_day", 0.5))
    }
    return pl.DataFrame(
        {
            "replicate": np.repeat(np.arange(7), 61),
            "arm": (["A"] * 41 + ["B"] * 20) * 7,
            "failed": draw.random(n) < 0.02,
            "treated": draw.random(n) < 0.9,
            "best_response": draw.choice(["CR", "CRh", "none"], n),
            **days,
        }
    ).with_columns(pl.col("hsct_day", "relapse_day", "death_day").fill_nan(None))


def test_parts_add_up_to_their_whole(many):
    flow = participant_flow(many, ["A", "B"], 7)
    assert [flow[arm][0]["count"] for arm in ("A", "B")] == [41, 20]
    for steps in flow.values():
        checked = list(_sums(steps))
        assert len(checked) == 4
        assert all(whole == parts for _, whole, parts in checked), checked


def test_first_event_after_a_response_counts(many):
    one = many.head(1).with_columns(
        failed=False, treated=True, best_response=pl.lit("CR"), hsct_day=90.0, relapse_day=60.0, death_day=120.0
    )
    steps = {step["name"]: step["count"] for step in participant_flow(one, ["A"], 1)["A"]}
    assert steps["relapse"] == 1
    assert "transplant" not in steps


def test_failed_patients_are_told_apart_with_their_range(patients):
    steps = {step["name"]: step for step in participant_flow(patients, ["A", "B"], 2)["A"]}
    assert steps["patients of this arm"]["count"] == 2
    assert steps["simulation failed, left out of all estimates"]["range"] == "0 to 1"
    assert "simulation failed, left out of all estimates" not in {
        step["name"] for step in participant_flow(patients, ["B"], 2)["B"]
    }


def test_trials_that_nobody_of_an_arm_entered_count_in_its_mean(many):
    early = many.filter((pl.col("arm") == "B") | pl.col("replicate").is_in([0, 1]))
    flow = participant_flow(early, ["A", "B"], 10)
    whole = {arm: (steps[0]["count"], steps[0]["range"]) for arm, steps in flow.items()}
    assert whole == {"A": (8, "0 to 41"), "B": (14, "0 to 20")}
    assert all(whole == parts for steps in flow.values() for _, whole, parts in _sums(steps))
