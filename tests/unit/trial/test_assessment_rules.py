"""What a visit may call a response, stated on whole trials: disease seen outside the marrow is no remission."""

from __future__ import annotations

import polars as pl
import pytest

from engager.protocol import Protocol
from engager.trial import simulate_trial


@pytest.fixture(scope="module")
def patients():
    raw = {
        "study": "after-transplant",
        "simulated_only": True,
        "population": {"prior_hsct": 0.9, "extramedullary": 0.6, "marrow_blasts_percent": 20},
        "arms": {"blinatumomab": {"n": 60, "regimen": "blinatumomab"}},
        "follow_up": {"months": 9},
        "endpoints": ["CR", "OS"],
    }
    return simulate_trial(Protocol.model_validate(raw), replicates=[0, 1], seed=3, n_sampled=0).patients


def test_nobody_relapses_on_the_day_of_the_response(patients):
    both = patients.filter(pl.col("response_day").is_not_null() & pl.col("relapse_day").is_not_null())
    assert both.filter(pl.col("relapse_site") == "extramedullary").height > 0
    assert (both["relapse_day"] > both["response_day"]).all()


def test_residual_disease_is_not_read_on_the_day_of_an_extramedullary_relapse(patients):
    outside = patients.filter(pl.col("relapse_site") == "extramedullary")
    read = outside["mrd_first_day"] if "mrd_first_day" in outside.columns else outside["mrd_day"]
    assert not (read == outside["relapse_day"]).any()
