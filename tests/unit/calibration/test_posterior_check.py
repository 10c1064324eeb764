"""A posterior file is believed only when every value in it can be simulated."""

from __future__ import annotations

import copy
import json
from importlib import resources

import pytest

from engager.calibration import names_left_out, read_posterior, shipped_posterior
from engager.core import InputError
from engager.model import load_model
from engager.study.parameters import population_parameters

SHIPPED = json.loads((resources.files("engager.calibration") / "data" / "posterior-b-all.json").read_text())


def read(content, tmp_path):
    path = tmp_path / "p.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_posterior(path, load_model("b-all"), "--parameters")


def test_the_shipped_one_passes_as_it_is(tmp_path):
    found, shipped = read(SHIPPED, tmp_path), shipped_posterior("b-all")
    assert (found.draws == shipped.draws).all()
    assert (found.names, found.fixed, found.trial_effects) == (shipped.names, shipped.fixed, shipped.trial_effects)


def spoiled(name, value):
    """The shipped posterior with another value of `name` in its third draw, or among what is fixed."""
    content = copy.deepcopy(SHIPPED)
    if name in content["names"]:
        content["draws"][2][content["names"].index(name)] = value
    else:
        content["fixed"][name] = value
    return content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("marrow_T.sd", float("nan")),
        ("marrow_T.sd", -0.1),
        ("k_kill", -1.0),
        ("k_kill", 0.0),
        ("k_kill", float("inf")),
        ("k_kill", "0.3"),
        ("k_kill", None),
        ("k_kill", True),
        ("k_kill", 10**400),
        ("cd8_start", -(10**400)),
        ("sensitivity~age_years", 1e9),
        ("trial:crs_severe_share", 1.5),
        ("trial:mrd_sensitivity", -1.0),
        ("regimen:flam", -2.0),
        ("regimen:flam", 0.0),
        ("cd8_start", -5.0),
        ("cd8_start.sd", float("nan")),
        ("no_such_parameter", 1.0),
        ("trial:no_such_assumption", 1.0),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(tmp_path, name, value):
    with pytest.raises(InputError) as caught:
        read(spoiled(name, value), tmp_path)
    assert name in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("value", [float("nan"), -0.3, 99.0])
def test_a_trial_effect_that_cannot_be_is_refused(tmp_path, value):
    with pytest.raises(InputError, match=r"trial_effects\.potency"):
        read({**SHIPPED, "trial_effects": {"potency": value}}, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "nonsense", "[" * 5000, "{}", "null",
        {**SHIPPED, "draws": []},
        {**SHIPPED, "draws": [SHIPPED["draws"][0], SHIPPED["draws"][1][:-1]]},
        {**SHIPPED, "draws": [[[1.0]]]},
        {**SHIPPED, "names": SHIPPED["names"][:-1]},
        {**SHIPPED, "names": [SHIPPED["names"][1], *SHIPPED["names"][1:]]},
        {**SHIPPED, "names": [3, *SHIPPED["names"][1:]]},
        {**SHIPPED, "fixed": {**SHIPPED["fixed"], "k_kill": 1.0}},
        {**SHIPPED, "fixed": [1]},
        {**SHIPPED, "model": 3},
        {**SHIPPED, "model": "another"},
        {**SHIPPED, "provenance": None},
    ],
)  # fmt: skip
def test_what_is_no_posterior_is_refused(tmp_path, content):
    with pytest.raises(InputError):
        read(content, tmp_path)


def test_many_problems_are_told_together_but_not_all_of_thousands(tmp_path):
    content = copy.deepcopy(SHIPPED)
    content["draws"] = [[float("nan")] * len(row) for row in content["draws"]]
    with pytest.raises(InputError) as caught:
        read(content, tmp_path)
    assert "more problems" in str(caught.value)
    assert len(caught.value.problems) == 13


def test_unknowns_that_a_posterior_leaves_out_are_named(tmp_path):
    model, absent = load_model("b-all"), ("k_kill", "growth.sd")
    assert names_left_out(shipped_posterior("b-all"), model) == ()
    keep = [k for k, name in enumerate(SHIPPED["names"]) if name not in absent]
    content = {
        **SHIPPED,
        "names": [SHIPPED["names"][k] for k in keep],
        "draws": [[row[k] for k in keep] for row in SHIPPED["draws"]],
    }
    assert set(names_left_out(read(content, tmp_path), model)) == set(absent)
    note = population_parameters("b-all", 1, str(tmp_path / "p.json")).note
    assert "k_kill" in note
    assert "growth.sd" in note
    assert "values of the model's table" in note
