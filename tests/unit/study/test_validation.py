"""Validation keeps fitted and checked figures apart and says how sharp the predictions are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import engager.study.validation.validate
import engager.trial.replicates
from engager.core import InputError
from engager.study import studies_with_targets, validate_studies, validation_text
from engager.study.parameters import population_parameters


@pytest.fixture
def found(protocol, simulation, monkeypatch):
    monkeypatch.setattr(engager.study.validation.validate, "simulate_trial", simulation)
    return validate_studies([protocol], replicates=12, seed=3)


def test_every_target_is_listed_with_its_use(found):
    listed = found.as_json()["targets"]
    assert [(one["endpoint"], one["use"]) for one in listed] == [("CR", None), ("OS", None)]
    assert {"trial", "arm", "published", "simulated", "inside"} <= set(listed[0])
    json.dumps(found.as_json(), allow_nan=False)


def test_counts_are_of_what_could_be_judged(found):
    inside = sum(one.is_inside for one in found.comparisons)
    assert found.inside(None) == (inside, 2)
    assert found.inside("fit") == (0, 0)
    assert found.as_json()["counts"]["unmarked"] == {"inside": inside, "of": 2}


def test_bands_say_what_was_found_and_whether_it_is_met(found):
    def fitted(validation):
        return next(band for band in validation.acceptance() if band.name == "fit_inside")

    assert fitted(found).is_met is None
    marked = replace(found, comparisons=tuple(replace(one, use="fit", is_inside=True) for one in found.comparisons))
    assert (fitted(marked).limit, fitted(marked).found, fitted(marked).is_met) == (0.9, 1.0, True)
    missed = replace(found, comparisons=tuple(replace(one, use="fit", is_inside=False) for one in found.comparisons))
    assert fitted(missed).is_met is False


def test_the_document_shows_every_figure_and_every_miss(found):
    missed = replace(found, comparisons=tuple(replace(one, is_inside=False) for one in found.comparisons))
    text = validation_text(missed, "engager validate --seed 3")
    assert "seed 3" in text
    assert text.count("| tiny |") == 3 * len(found.comparisons)  # a miss, a figure and a scatter each
    assert "What holds back what is not met" in text
    met = replace(found, comparisons=tuple(replace(one, is_inside=True) for one in found.comparisons))
    assert "None." in validation_text(met, "x")


def test_studies_as_themselves_are_told_apart_from_new_trials(protocol, simulation, monkeypatch):
    monkeypatch.setattr(engager.study.validation.validate, "simulate_trial", simulation)
    asked = []

    def parameters(model, seed, choice):
        asked.append(choice)
        return replace(population_parameters(model, seed, "center"), used=choice, note="one note a study")

    monkeypatch.setattr(engager.study.validation.validate, "population_parameters", parameters)
    fitted = protocol.model_copy(update={"study": "tower"})
    found = validate_studies([fitted, protocol], replicates=12, seed=3, parameters="posterior:own")
    assert asked == ["posterior:tower", "posterior"]
    assert found.has_draws
    assert len(found.notes) == 1
    text = validation_text(found, "engager validate")
    assert text.startswith("# Studies as themselves")
    assert "not that it could be foretold" in text


def test_pieces_change_no_figure(found, protocol, simulation, monkeypatch):
    monkeypatch.setattr(engager.trial.replicates, "_FEWEST_PATIENTS", 10)
    monkeypatch.setattr(engager.trial.replicates, "_MOST_PATIENTS", 20)
    again = validate_studies([protocol], replicates=12, seed=3, n_threads=1)
    assert again.comparisons == found.comparisons


def test_width_is_told_on_the_scale_of_the_statistic(found):
    ratio = found.comparisons[1]
    assert ratio.statistic == "hazard_ratio"
    same = replace(ratio, low=0.8, high=2.4)  # published 0.4 to 1.2: a factor of 3 in both
    assert replace(found, comparisons=(same,)).width_ratio == pytest.approx(1.0)
    assert replace(found, comparisons=(replace(same, published_low=None),)).width_ratio is None


def test_bad_arguments_are_told_together(protocol):
    bare = protocol.model_copy(update={"targets": ()})
    with pytest.raises(InputError) as caught:
        validate_studies([bare], replicates=0, seed=-1)
    assert [problem.where for problem in caught.value.problems] == ["tiny", "--replicates", "--seed"]


def test_shipped_studies_have_both_fitted_and_checked_figures():
    uses = {target.use for study in studies_with_targets() for target in study.targets}
    assert uses == {"fit", "check"}
