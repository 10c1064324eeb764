"""Documents that pages are made of: a wheel carries copies of them; a checkout reads the documents themselves."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def document_text(name: str) -> str:
    """Text of a document of docs/, e.g. ``credibility.md``."""
    shipped = Path(str(resources.files("engager.study") / "data" / name))
    path = shipped if shipped.is_file() else Path(__file__).parents[4] / "docs" / name
    return path.read_text(encoding="utf-8")
