"""A design study as a folder: page, tables and manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engager.core import InputError, Problem
from engager.study.design.content import design_content
from engager.study.design.document import design_json
from engager.study.design.result import DesignResult
from engager.study.new_folder import check_folder
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

    check_folder(folder)
    page = render_design(design_content(found))
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        rule = f"must be a folder that can be made ({error.strerror})"
        raise InputError(Problem("--out", str(folder), rule)) from error
    (folder / "study.yaml").write_text(found.manifest["protocol"], encoding="utf-8")
    _write_json(folder / "design.json", design_json(found))
    _write_json(folder / "manifest.json", plain_json(found.manifest))
    found.trials.write_parquet(folder / "trials.parquet")
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
