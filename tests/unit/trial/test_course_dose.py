"""What a course of chemotherapy gives: the same whole over however many days, at a regimen's own toxicity to marrow."""

import numpy as np
import polars as pl
import pytest

from engager.engine import Action
from engager.model import load_model
from engager.protocol import Protocol, executable_regimen
from engager.trial import planned_actions, simulate_trial


@pytest.mark.parametrize("slug", ["flag", "idarac-ida-prednisone", "vsli", "inotuzumab-ozogamicin"])
def test_every_course_gives_the_same_whole(slug):
    model, regimen = load_model("b-all"), executable_regimen(slug)
    schedule = planned_actions(regimen, np.array([70.0]), np.array([1.8]), regimen.cycle_days, model)
    given = (schedule.action == int(Action.ADD_TO_STATE)) & (schedule.index == model.system.index("chemo_drug"))
    assert schedule.value[given].sum() == pytest.approx(5.0)


def test_less_toxic_regimens_are_named():
    assert executable_regimen("flag").marrow_toxicity == 1.0
    assert executable_regimen("inotuzumab-ozogamicin").marrow_toxicity < 0.5
    assert any("normal marrow" in text for text in executable_regimen("vsli").assumptions)


def test_less_toxicity_to_marrow_spares_counts():
    """The same course at a tenth of the toxicity: fewer patients without neutrophils on day 14."""
    low = {}
    for toxicity in (1.0, 0.1):
        course = {"drug": "chemotherapy", "cycle_days": 28, "cycles": 1, "strength": 1.0, "marrow_toxicity": toxicity}
        study = Protocol.model_validate(
            {
                "study": "toxicity",
                "simulated_only": True,
                "arms": {"a": {"n": 60, "regimen": course}},
                "population": {"marrow_blasts_percent": {"median": 40, "range": [10, 60]}},
                "follow_up": {"months": 1},
                "endpoints": ["OS"],
            }
        )
        visits = simulate_trial(study, replicates=[0], seed=1, n_sampled=0).visits
        low[toxicity] = (visits.filter(pl.col("day") == 14)["anc_per_uL"] < 500).mean()
    assert low[0.1] < low[1.0] - 0.3
