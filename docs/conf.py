"""The documentation as a site: `make docs` builds it and stops at the first broken link or reference."""

from __future__ import annotations

import importlib
import inspect
from importlib import metadata
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
LAYERS = (
    "core", "evidence", "model", "protocol", "analysis", "population", "engine", "trial", "calibration", "report",
    "study",
)  # fmt: skip

project = "engager"
author = "The engager developers"
release = metadata.version("engager")
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"engager {release}"
html_static_path: list[str] = []
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
numpydoc_show_class_members = False
autodoc_typehints = "none"
# Names in backticks in docstrings are words of the docstring's own layer, not always links.
default_role = "literal"
nitpicky = False


def write_api_pages() -> None:
    """One page for each layer, with every public name, from the package itself."""
    folder = HERE / "api"
    folder.mkdir(exist_ok=True)
    for layer in LAYERS:
        package = importlib.import_module(f"engager.{layer}")
        lines = [f"engager.{layer}", "=" * len(f"engager.{layer}"), "", inspect.getdoc(package) or "", ""]
        for name in package.__all__:
            lines += [*_entry(package, layer, name), ""]
        text = "\n".join(lines)
        path = folder / f"{layer}.rst"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _entry(package: ModuleType, layer: str, name: str) -> list[str]:
    found = getattr(package, name)
    if inspect.ismodule(found):
        return [f".. automodule:: {found.__name__}", "   :members:"]
    if inspect.isclass(found) and not hasattr(found, "__origin__"):
        return [f".. autoclass:: engager.{layer}.{name}", "   :no-undoc-members:"]
    if inspect.isroutine(found) or hasattr(found, "__wrapped__"):
        return [f".. autofunction:: engager.{layer}.{name}"]
    return [f".. py:data:: engager.{layer}.{name}"]


write_api_pages()
