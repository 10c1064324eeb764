"""Which population values a run uses: a new trial's, or those of a study of the fit itself."""

import pytest

from engager.core import InputError
from engager.study.parameters import is_of_each, of_each_study, population_parameters


def test_a_study_as_itself_has_draws_of_the_posterior_and_no_new_effects():
    anew, own = (population_parameters("b-all", 4, choice) for choice in ("posterior", "posterior:tower"))
    assert (anew.used, own.used) == ("posterior", "posterior:tower")
    assert anew.has_draws
    assert own.has_draws
    assert not population_parameters("b-all", 4, "center").has_draws
    assert own.hash != anew.hash
    assert "tower itself" in own.note
    assert anew.settings(0).trial_effect
    assert not own.settings(0).trial_effect


@pytest.mark.parametrize(
    ("model", "choice", "told"),
    [
        ("b-all", "posterior:towr", "Did you mean tower"),
        ("b-all", "posterior:own", "must name a study of the fit"),
        ("hosseini-2020", "posterior:tower", "no posterior ships for the model hosseini-2020"),
        ("b-all", "best", "posterior:STUDY"),
    ],
)
def test_what_cannot_be_is_refused(model, choice, told):
    with pytest.raises(InputError, match=told):
        population_parameters(model, 1, choice)


def test_of_many_studies_each_is_itself_where_it_was_fitted():
    assert is_of_each("posterior:own")
    assert not is_of_each("posterior:tower")
    assert of_each_study("posterior:own", "tower", "b-all") == "posterior:tower"
    assert of_each_study("posterior:own", "mine", "b-all") == "posterior"
    assert of_each_study("center", "tower", "b-all") == "center"
