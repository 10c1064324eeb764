"""A design study as a folder: page, tables and manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engager.core import whole_folder
from engager.study.design.content import design_content
from engager.study.design.document import design_json
from engager.study.design.result import DesignResult
from engager.study.plain_json import plain_json


def write_design(found: DesignResult, folder: Path) -> Path:
    """``report.html``, ``design.json``, ``trials.parquet``, ``study.yaml`` and ``manifest.json`` in a new folder.

    Returns
    -------
    Path of the page.

    Raises
    ------
    InputError
        When the folder exists or cannot be made.
    """
    from engager.report import render_design

    page = render_design(design_content(found))
    with whole_folder(folder) as place:
        (place / "study.yaml").write_text(found.manifest["protocol"], encoding="utf-8")
        _write_json(place / "design.json", design_json(found))
        _write_json(place / "manifest.json", plain_json(found.manifest))
        found.trials.write_parquet(place / "trials.parquet")
        (place / "report.html").write_text(page, encoding="utf-8")
    return folder / "report.html"


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
