"""Validation keeps fitted and checked figures apart and says how sharp the predictions are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import engager.study.validation
from engager.core import InputError
from engager.study import studies_with_targets, validate_studies
from engager.study.validation import _width_ratio


@pytest.fixture
def found(protocol, simulation, monkeypatch):
    monkeypatch.setattr(engager.study.validation, "simulate_trial", simulation)
    return validate_studies([protocol], replicates=12, seed=3)


def test_every_target_is_listed_with_its_use(found):
    listed = found.as_json()["targets"]
    assert [(one["endpoint"], one["use"]) for one in listed] == [("CR", "check"), ("OS", "check")]
    assert {"trial", "arm", "published", "simulated", "inside"} <= set(listed[0])
    json.dumps(found.as_json(), allow_nan=False)


def test_counts_are_of_what_could_be_judged(found):
    inside = sum(one.is_inside for one in found.comparisons)
    assert found.inside("check") == (inside, 2)
    assert found.inside("fit") == (0, 0)


def test_pieces_change_no_figure(found, protocol, simulation, monkeypatch):
    monkeypatch.setattr(engager.study.validation, "_PATIENTS_AT_ONCE", 20)
    again = validate_studies([protocol], replicates=12, seed=3)
    assert again.comparisons == found.comparisons


def test_width_is_told_on_the_scale_of_the_statistic(found):
    ratio = found.comparisons[1]
    assert ratio.statistic == "hazard_ratio"
    same = replace(ratio, low=0.8, high=2.4)  # published 0.4 to 1.2: a factor of 3 in both
    assert _width_ratio(same) == pytest.approx(1.0)
    assert _width_ratio(replace(same, published_low=None)) is None


def test_bad_arguments_are_told_together(protocol):
    bare = protocol.model_copy(update={"targets": ()})
    with pytest.raises(InputError) as caught:
        validate_studies([bare], replicates=0, seed=-1)
    assert [problem.where for problem in caught.value.problems] == ["tiny", "--replicates", "--seed"]


def test_shipped_studies_have_both_fitted_and_checked_figures():
    uses = {target.use for study in studies_with_targets() for target in study.targets}
    assert uses == {"fit", "check"}
