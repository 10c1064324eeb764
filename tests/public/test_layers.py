"""Imports point back along the line, and only at what a layer's ``__init__`` lists."""

from __future__ import annotations

import ast
import importlib
import re
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


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path) for path in FILES}


def modules_imported(path: Path) -> set[str]:
    """Modules of this package that a module imports, wherever in it the import stands."""
    found = set()
    for _, layer, submodule, names in imports(path):
        parent = f"{layer}.{submodule}" if submodule else layer
        inner = {f"{parent}.{name}" for name in names} & MODULES
        found |= inner or {parent} & MODULES
    return found - {name_of(path)}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of names that lead back to each other."""
    reach = {start: set(ends) for start, ends in graph.items()}
    for middle in graph:
        for start in graph:
            if middle in reach[start]:
                reach[start] |= reach[middle]
    return sorted({tuple(sorted(n for n in reach[k] if k in reach.get(n, ()))) for k in graph if k in reach[k]})


def test_no_modules_import_each_other_in_a_circle():
    """A result is a dataclass of its own; whoever writes, draws or words it imports it, never the other way."""
    assert circles({name_of(path): modules_imported(path) for path in FILES}) == []


def test_no_wings_of_a_layer_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for path in FILES:
        mine = name_of(path).split(".")
        for other in (name.split(".") for name in modules_imported(path)):
            if len(mine) > 2 and len(other) > 2 and mine[0] == other[0] and mine[1] != other[1]:
                graph.setdefault(".".join(mine[:2]), set()).add(".".join(other[:2]))
                graph.setdefault(".".join(other[:2]), set())
    assert circles(graph) == []


def test_results_know_nothing_of_their_writers():
    """No `result` module imports a page, a plot, words or a writer."""
    writers = {"write", "document", "content", "words", "pages", "plots", "page"}
    for path in FILES:
        if path.stem == "result":
            told = {part for name in modules_imported(path) for part in name.split(".")}
            assert not told & writers, f"{name_of(path)} imports {sorted(told & writers)}"


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES}), ids=lambda path: path.name)
def test_no_folder_holds_more_modules_than_a_reader_takes_in(folder):
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    limit = 19 if folder.name == "analysis" else 16  # one statistic a file, each read alone
    assert len(modules) <= limit, f"{folder.name} holds {len(modules)} modules; make a folder of what belongs together"


def test_the_architecture_lists_every_layer_and_wing_that_there_is():
    text = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|$", text, flags=re.MULTILINE)
    told = {layer: set(re.findall(r"`(\w+)`", wings)) for layer, wings in rows if layer in LINE}
    there = {layer: {path.parent.name for path in (SOURCE / layer).glob("*/__init__.py")} for layer in LINE}
    assert told == there
