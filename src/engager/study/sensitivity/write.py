"""A sensitivity analysis as a folder: tables, figures, page."""

from __future__ import annotations

import json
from pathlib import Path

from engager.core import parquet_bytes, whole_folder
from engager.study.sensitivity.content import sensitivity_content
from engager.study.sensitivity.document import sensitivity_text
from engager.study.sensitivity.result import Sensitivity


def write_sensitivity(found: Sensitivity, folder: Path) -> Path:
    """Tables (Parquet, Markdown), figures (SVG, PNG), ``sensitivity.json`` and the page into a new folder.

    Returns
    -------
    Path of the page.

    Raises
    ------
    InputError
        When the folder exists or cannot be made.
    """
    from engager.report import WIDE, render_sensitivity, sensitivity_figures, to_svg

    content = sensitivity_content(found)
    with whole_folder(folder) as place:
        for name, table in found.tables().items():
            (place / f"{name}.parquet").write_bytes(parquet_bytes(table))
        (place / "figures").mkdir()
        for name, draw in sensitivity_figures(content).items():
            figure = draw(WIDE)
            figure.savefig(place / "figures" / f"{name}.png", dpi=160)
            (place / "figures" / f"{name}.svg").write_text(to_svg(figure, name, name) + "\n", encoding="utf-8")
        (place / "sensitivity.json").write_text(json.dumps(found.as_json(), indent=1) + "\n", encoding="utf-8")
        (place / "sensitivity.md").write_text(sensitivity_text(found), encoding="utf-8")
        (place / "sensitivity.html").write_text(render_sensitivity(content), encoding="utf-8")
    return folder / "sensitivity.html"
