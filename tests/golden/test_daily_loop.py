"""Outcomes are those of a trial that stops every patient every day, within Monte Carlo error."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engager.protocol import shipped_protocol
from engager.study.parameters import population_parameters
from engager.trial import simulate_trial

HELD = json.loads(Path(__file__).with_name("daily_loop.json").read_text())


def share(flag):
    return flag.fill_null(False).cast(pl.Float64).mean()


SHARES = {
    "response": share(pl.col("best_response") != "none"),
    "CR": share(pl.col("best_response") == "CR"),
    "mrd": share(pl.col("mrd_below_limit")),
    "crs3": share(pl.col("crs_grade") >= 3),
    "neuro3": share(pl.col("neurologic_grade") >= 3),
    "hsct": share(pl.col("hsct_day").is_not_null()),
    "relapse": share(pl.col("relapse_day").is_not_null()),
    "dead90": share(pl.col("death_day") < 90),
    "dead365": share(pl.col("death_day") < 365),
    "dead": share(pl.col("death_day").is_not_null()),
    "infection": share(pl.col("death_cause") == "infection"),
}


@pytest.mark.parametrize("study", sorted(HELD["studies"]))
def test_shares_are_those_of_the_daily_loop(study):
    values = population_parameters("b-all", 1)
    from engager.model import load_model

    if (load_model("b-all").hash, values.hash) != (HELD["model"], HELD["posterior"]):
        pytest.skip("the daily loop was run with another state of the model or its posterior")
    held = HELD["studies"][study]
    data = simulate_trial(
        shipped_protocol(study),
        replicates=range(held["replicates"]),
        seed=7,
        settings=values.settings,
        n_sampled=0,
        only_patients=True,
    )
    found = data.patients.group_by("arm", "replicate").agg(**SHARES)
    for arm, before in held["arms"].items():
        for name, (mean, error) in before.items():
            now = found.filter(pl.col("arm") == arm)[name].to_numpy()
            both = np.hypot(error, now.std(ddof=1) / np.sqrt(now.size))
            # the same seed draws the same patients and thresholds, so this is wide: 4 standard errors
            assert now.mean() == pytest.approx(mean, abs=4 * both + 1e-9), (arm, name)
