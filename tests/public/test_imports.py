"""What examples, docs, notebooks and scripts inside tests import from the package is there to be imported."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_IMPORT = re.compile(r"^[ \t]*from (engager[\w.]*) import (\([^)]*\)|[^\n;\"'#\\]+)", re.MULTILINE)


def _texts(path):
    """The texts of a file that could hold code: the file, and for a test what it holds as strings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    if path.is_relative_to(_ROOT / "tests"):
        return [node.value for node in ast.walk(ast.parse(text)) if _is_script(node)]
    return [text]


def _is_script(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "from engager" in node.value


def _imported(text):
    for module, names in _IMPORT.findall(text):
        for name in names.strip("() \n").split(","):
            if name.strip():
                yield module, name.split()[0]


def _is_there(module, name):
    found = importlib.import_module(module)
    if name == "*" or hasattr(found, name):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


_FILES = sorted(
    path
    for pattern in ("README.md", "docs/**/*.md", "examples/**/*.py", "examples/**/*.ipynb", "tests/**/*.py")
    for path in _ROOT.glob(pattern)
    if "_build" not in path.parts and ".ipynb_checkpoints" not in path.parts and "from engager" in path.read_text()
)
_SCRIPTS = [path for path in _FILES if any(_IMPORT.search(text) for text in _texts(path))]


@pytest.mark.parametrize("path", _SCRIPTS, ids=lambda path: path.relative_to(_ROOT).as_posix())
def test_what_a_script_imports_is_there(path):
    wanted = {pair for text in _texts(path) for pair in _imported(text)}
    assert not [pair for pair in sorted(wanted) if not _is_there(*pair)]


def test_scripts_are_found():
    """The walk finds an example, a notebook, a page of the docs and a script that a test holds as text."""
    assert {path.suffix for path in _SCRIPTS} == {".py", ".md", ".ipynb"}
    assert any(path.is_relative_to(_ROOT / "tests") for path in _SCRIPTS)
