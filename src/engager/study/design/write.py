"""A design study as a folder: page, tables, manifest, and the arms to which virtual trials can be added."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from engager.core import clear_away, parquet_bytes, whole_folder
from engager.study.design.arms import ARM_FILE
from engager.study.design.content import design_content
from engager.study.design.document import design_json
from engager.study.design.folder import ARMS
from engager.study.design.result import DesignResult
from engager.study.plain_json import plain_json


def write_design(found: DesignResult, folder: Path, arms: Path | None = None, replaces: bool = False) -> Path:
    """``report.html``, ``design.json``, ``trials.parquet``, ``study.yaml`` and ``manifest.json`` in a new folder.

    Parameters
    ----------
    arms : where the arms were kept meanwhile; they go into the folder's ``arms``. None: they do not.
    replaces : take the place of the folder of the same design with fewer virtual trials.

    Returns
    -------
    Path of the page.

    Raises
    ------
    InputError
        When the folder exists and is not to be replaced, or cannot be made.
    """
    from engager.report import render_design

    page = render_design(design_content(found))
    with whole_folder(folder, replaces) as place:
        (place / "study.yaml").write_text(found.manifest["protocol"], encoding="utf-8")
        _write_json(place / "design.json", design_json(found))
        _write_json(place / "manifest.json", plain_json(found.manifest))
        (place / "trials.parquet").write_bytes(parquet_bytes(found.trials))
        (place / "report.html").write_text(page, encoding="utf-8")
        if arms is not None:
            _take_in(arms, place / ARMS)
    if arms is not None and arms != folder / ARMS:
        clear_away(arms)
    return folder / "report.html"


def _take_in(arms: Path, place: Path) -> None:
    """The same files under a second name: should the folder not be finished, they still have their first."""
    place.mkdir()
    for path in sorted(arms.glob(f"*{ARM_FILE}")):
        try:
            os.link(path, place / path.name)
        except OSError:  # a file system without links
            shutil.copy2(path, place / path.name)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
