"""Imports point back along the line, and only at what a layer's ``__init__`` lists."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "engager"
LINE = (
    "core",
    "evidence",
    "model",
    "protocol",
    "analysis",
    "population",
    "engine",
    "trial",
    "calibration",
    "report",
    "study",
    "bench",
    "app",
)
SIBLINGS = {
    (one, other)
    for group in (("evidence", "model"), ("protocol", "analysis", "population", "engine"))
    for one in group
    for other in group
    if one != other
}
FILES = sorted(SOURCE.rglob("*.py"))


def imports(path: Path):
    """Every (line, layer, submodule or None, names) imported from this package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("engager."):
            _, layer, *rest = str(node.module).split(".")
            yield node.lineno, layer, ".".join(rest) or None, [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("engager."):
                    _, layer, *rest = alias.name.split(".")
                    yield node.lineno, layer, ".".join(rest) or None, []


def layer_of(path: Path) -> str | None:
    return path.relative_to(SOURCE).parts[0] if path.parent != SOURCE else None


def test_every_folder_is_a_layer_of_the_line():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(LINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_back_and_only_at_public_names(path):
    mine = layer_of(path)
    if mine is None:  # the package itself and `python -m engager`
        return
    for line, layer, submodule, names in imports(path):
        where = f"{path.relative_to(SOURCE)}:{line}"
        if layer == mine:
            continue
        assert LINE.index(layer) < LINE.index(mine), f"{where}: {mine} comes before {layer} on the line"
        assert (mine, layer) not in SIBLINGS, f"{where}: population and engine do not know each other"
        assert submodule is None, f"{where}: import from engager.{layer}, not from its module {submodule}"
        public = importlib.import_module(f"engager.{layer}").__all__
        hidden = [name for name in names if name not in public]
        assert not hidden, f"{where}: {hidden} is not public in engager.{layer}"
