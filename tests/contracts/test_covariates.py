"""A covariate stands in one list, which every layer reads."""

from __future__ import annotations

from engager.core import COVARIATES, covariate
from engager.model import load_model
from engager.protocol import PopulationBlock
from engager.study.sensitivity.words import meaning_of

NOT_COVARIATES = {"setting", "other", "lineage"}  # lineage gives the covariate t_lineage


def test_every_key_of_the_population_is_a_covariate_and_has_its_kind():
    keys = set(PopulationBlock.model_fields) - NOT_COVARIATES
    assert keys <= {one.name for one in COVARIATES}
    kinds = PopulationBlock.model_validate({}).covariates()
    assert all(kinds[one.name] == one.kind for one in COVARIATES if one.name in kinds)
    assert {one.name for one in COVARIATES if one.is_known} <= set(kinds)


def test_every_covariate_of_an_effect_is_listed_and_has_words():
    model = load_model("b-all")
    for effect in model.effects:
        assert covariate(effect.covariate) is not None, effect.covariate
        assert meaning_of(effect.covariate, model) == covariate(effect.covariate).meaning


def test_names_and_export_variables_stand_once():
    assert len({one.name for one in COVARIATES}) == len(COVARIATES)
    exported = [one.adam[0] for one in COVARIATES if one.adam]
    assert len(set(exported)) == len(exported)
    assert all(len(name) <= 8 for name in exported)
