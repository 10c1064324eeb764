"""What a layer lists is there, is documented, and its docstring keeps its promises."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import engager

ROOT = Path(__file__).parents[2]
SOURCE = Path(engager.__file__).parent
LAYERS = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
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


def test_a_public_name_stands_for_one_thing():
    layers = {}
    for layer, name in PUBLIC:
        layers.setdefault(name, []).append(layer)
    assert {name: where for name, where in layers.items() if len(where) > 1} == {}


def imported_by_other_layers():
    """(layer, name) of each import from a layer's door that stands in another layer or in the package's own."""
    for path in SOURCE.rglob("*.py*"):
        if path.suffix in (".py", ".pyi"):
            mine = path.relative_to(SOURCE).parts[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engager."):
                    layer = str(node.module).split(".")[1]
                    yield from ((layer, alias.name) for alias in node.names if layer != mine)


def documents():
    """All text for readers, and the code that docs and examples run."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*"), *(ROOT / "examples").rglob("*")]
    return "\n".join(path.read_text(encoding="utf-8") for path in found if path.suffix in (".md", ".py", ".ipynb"))


def words_of_annotations(public):
    """Words in the types of a function's arguments and result, or of a class's fields, methods and properties."""
    own = [part for part in getattr(public, "__mro__", [public]) if part.__module__.startswith("engager")]
    parts = [*own, *(getattr(member, "fget", member) for one in own for member in vars(one).values())]
    typed = [inspect.unwrap(getattr(part, "func", getattr(part, "__func__", part))) for part in parts]
    noted = [str(note) for part in typed for note in getattr(part, "__annotations__", {}).values()]
    return set(re.findall(r"\w+", " ".join(noted)))


def test_each_public_name_is_used_by_another_layer_or_a_document_or_is_the_type_of_one_that_is():
    names = {(layer, name): getattr(importlib.import_module(f"engager.{layer}"), name) for layer, name in PUBLIC}
    text = set(re.findall(r"\w+", documents()))
    used = set(imported_by_other_layers())
    found = new = {key for key in names if key in used or key[1] in text}
    while new:
        words = set().union(*(words_of_annotations(names[key]) for key in new if callable(names[key])))
        new = {key for key in names if key[1] in words} - found
        found = found | new
    assert set(names) - found == set()
