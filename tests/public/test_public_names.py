"""What a layer lists is there, is documented, and its docstring keeps its promises."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import engager

LAYERS = sorted(path.parent.name for path in Path(engager.__file__).parent.glob("*/__init__.py"))
PUBLIC = [(layer, name) for layer in LAYERS for name in importlib.import_module(f"engager.{layer}").__all__]
_SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_NAMES = re.compile(r"^(?!\s)([*\w]+(?:\s*,\s*[*\w]+)*)\s*:", re.MULTILINE)


@pytest.mark.parametrize("layer", LAYERS)
def test_all_lists_each_name_once_and_in_order(layer):
    listed = importlib.import_module(f"engager.{layer}").__all__
    assert len(set(listed)) == len(listed)
    assert all(not name.startswith("_") for name in listed)


@pytest.mark.parametrize("layer", LAYERS)
def test_no_public_name_is_also_a_module(layer):
    package = importlib.import_module(f"engager.{layer}")
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    for name in modules & set(package.__all__):
        importlib.import_module(f"engager.{layer}.{name}")
        if inspect.ismodule(getattr(package, name)):
            stub = Path(str(package.__file__)).with_suffix(".pyi")
            assert (
                f"from . import (\n    {name} as {name}" in stub.read_text()
                or f"from . import {name} as" in stub.read_text()
            ), f"loading engager.{layer}.{name} puts the module in the place of the public name"


@pytest.mark.parametrize(("layer", "name"), PUBLIC, ids=lambda value: value)
def test_public_name_exists_and_is_documented(layer, name):
    found = getattr(importlib.import_module(f"engager.{layer}"), name)
    if inspect.isclass(found) or inspect.isfunction(found):
        assert inspect.getdoc(found), f"engager.{layer}.{name} has no docstring"


@pytest.mark.parametrize(("layer", "name"), PUBLIC, ids=lambda value: value)
def test_documented_parameters_exist(layer, name):
    found = getattr(importlib.import_module(f"engager.{layer}"), name)
    if not inspect.isfunction(inspect.unwrap(found)) or not (text := inspect.getdoc(found)):
        return
    section = _SECTION.search(text)
    if section is None:
        return
    promised = {part.strip("* ") for names in _NAMES.findall(section[1]) for part in names.split(",")}
    accepted = set(inspect.signature(found).parameters)
    assert promised <= accepted, f"engager.{layer}.{name} documents {promised - accepted}"


# A study's and a record's; what is wrong with an input and what is to be solved; figures to pool and unknowns to fit.
MEANT_TWICE = {"Arm", "Regimen", "Problem", "Selection"}


def test_a_class_name_stands_for_one_thing_but_for_those_that_a_decision_names():
    layers = {}
    for layer, name in PUBLIC:
        if name[0].isupper() and not name.isupper():
            layers.setdefault(name, []).append(layer)
    assert {name for name, where in layers.items() if len(where) > 1} == MEANT_TWICE
