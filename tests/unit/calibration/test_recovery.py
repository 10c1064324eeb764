"""The fit on data of its own simulator."""

from dataclasses import replace

import numpy as np
import pytest

from engager.calibration import coverage, rank_counts, recover
from engager.calibration.population.fit import FitPlan
from engager.calibration.population.unknowns import unknowns_of
from engager.model import load_model
from engager.protocol import shipped_protocol


@pytest.fixture(scope="module")
def plan():
    model = load_model("b-all")
    common = tuple(one for one in unknowns_of(model) if one.name in ("h_neuro", "k_chemo"))
    study = shipped_protocol("flam-palg").with_patients(20)
    study = study.model_copy(update={"follow_up": study.follow_up.model_copy(update={"months": 3})})
    return FitPlan(model, (study,), members=30, rounds=2, seed=5, common=common)


def test_ranks_of_truths_are_kept_and_read_back(plan, tmp_path):
    found = recover(plan, 2, work=tmp_path, n_threads=1)
    assert [one.names for one in found] == [("k_chemo", "h_neuro")] * 2 or found[0].names == ("h_neuro", "k_chemo")
    assert found[0].rank_of_unknown != found[1].rank_of_unknown
    assert all(0 <= rank <= 1 for one in found for rank in one.rank_of_unknown)
    assert len(found[0].figures) == len(found[0].rank_of_figure) == 2
    assert recover(plan, 2, work=tmp_path, n_threads=1) == found
    # another plan has files of its own
    assert len(list(tmp_path.iterdir())) == 2
    recover(replace(plan, seed=6), 1, work=tmp_path, n_threads=1)
    assert len(list(tmp_path.iterdir())) == 3


def test_coverage_counts_what_lies_between():
    ranks = np.concatenate([np.linspace(0, 1, 1001), [-1.0]])
    assert coverage(ranks) == pytest.approx(0.9, abs=0.002)
    assert rank_counts([0.1, 0.15, 0.5, 0.95, -1.0]) == [2, 0, 1, 0, 1]
