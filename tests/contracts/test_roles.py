"""A model says which of its names plays which part, and nobody else knows its names."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import engager
from engager.core import InputError
from engager.evidence import trial_endpoints
from engager.model import load_model
from engager.model.roles import read_roles
from engager.protocol import Protocol

PACKAGE = Path(engager.__file__).parent
# All but the model's own, and the bench, which solves single models with spreads of its own.
LAYERS = sorted({path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"model", "bench"})
NODAL = {"tumor", "seen.b_per_uL", "seen.il6_pg_per_mL"}
# Words of the language that the model happens to use as well.
PLAIN_WORDS = {"sensitivity", "age", "growth", "load", "drive", "neutrophils", "platelets", "dex"}


def strings(path: Path):
    """Text constants of a file that are no docstrings, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def test_no_state_or_parameter_of_the_model_is_known_outside_its_folder():
    model = load_model("b-all")
    own = (set(model.system.states) | set(model.system.parameters)) - PLAIN_WORDS
    # a part may be called what the model calls it: ``burden: {capacity: capacity}``
    parts = [part for part in vars(model.roles).values() if isinstance(part, dict)]
    named = {(word, name) for part in parts for word, names in part.items() for name in np.atleast_1d(names).tolist()}
    own -= {word for word, name in named if word == name}
    found = []
    for layer in LAYERS:
        for path in (PACKAGE / layer).rglob("*.py"):
            found += [f"{path.relative_to(PACKAGE)}:{line}: {text}" for line, text in strings(path) if text in own]
    assert not found


def test_the_usual_model_shows_every_endpoint_that_needs_no_tumor():
    roles = load_model("b-all").roles
    of_marrow = [one for one in trial_endpoints().values() if not NODAL & set(one.needs)]
    assert len(of_marrow) > 20
    assert [one.name for one in of_marrow if roles.lacking(one.needs)] == []


def test_a_trial_with_another_model_is_refused_with_what_each_key_asks_for_in_vain():
    raw = {"study": "other", "model": "hosseini-2020", "arms": {"a": {"n": 1, "regimen": "blinatumomab"}}}
    with pytest.raises(InputError) as caught:
        Protocol.model_validate(raw)
    told = {problem.value: problem.rule for problem in caught.value.problems}
    assert "clones" in told["relapsed_refractory"]
    assert told["OS"].endswith("hazards")
    assert told["CRS_grade3plus"].endswith("toxicities.CRS")
    assert "transplant.stem" in told["in_response"]
    assert "iv_continuous" not in told  # that one it has


def written(tmp_path, text):
    path = tmp_path / "roles.yaml"
    path.write_text(text)
    return read_roles(path, "b-all", load_model("b-all").system)


def test_a_part_that_is_none_and_a_name_the_equations_lack_are_told_together(tmp_path):
    text = "doses: {iv_bolos: drug_b, subcutaneous: depott}\nclones: [Lq]\nhazard: {}\ntolerances: {Lr: 1}\n"
    with pytest.raises(InputError) as caught:
        written(tmp_path, text)
    assert {problem.where.partition(": ")[2] or problem.where for problem in caught.value.problems} == {
        "roles.yaml.hazard", "doses.iv_bolos", "doses.subcutaneous", "clones", "tolerances",
    }  # fmt: skip
    assert "Did you mean iv_bolus" in str(caught.value.problems[1].next_step)


def test_a_model_without_the_file_plays_no_part(tmp_path):
    roles = read_roles(tmp_path / "none.yaml", "m", load_model("b-all").system)
    assert roles.lacking(["clones", "hazards.leukemia", "tumor|sanctuary"]) == [
        "clones", "hazards.leukemia", "tumor|sanctuary",
    ]  # fmt: skip


def test_one_of_several_parts_is_enough():
    roles = load_model("b-all").roles
    assert roles.lacking(["tumor|seen.log10_mrd", "tumor"]) == ["tumor"]
    assert load_model("b-all").as_disease("lymphoma").roles.lacking(["tumor|seen.log10_mrd", "tumor"]) == []


def test_tolerances_are_by_state_and_else_those_of_others():
    roles = load_model("b-all").roles
    np.testing.assert_array_equal(roles.tolerance_of(["Lp", "H_crs", "IL6"]), [1e-2, 1e-6, 1e-4])
    assert roles.leukemia == ("Lp", "Lb", "Sp", "Ln")
