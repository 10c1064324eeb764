"""The notebooks run from top to bottom and show tables and figures inline."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
# kinds of output that each path must show
SHOWN = {
    "first-trial": {"text/html", "image/png"},
    "own-study": {"text/html"},
    "design": {"text/html", "image/png"},
    "evidence": {"text/html"},
}
# pictures that results draw of themselves within their HTML
DRAWN = {"first-trial": 1, "own-study": 1, "design": 0, "evidence": 3}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_notebook_runs_and_shows_its_results(name):
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    client = nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert SHOWN[name] <= kinds
    pages = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert sum("<svg" in page for page in pages) == DRAWN[name]
    assert not [output for output in outputs if output.get("name") == "stderr" and "Traceback" in output.text]


def test_every_notebook_is_run_and_ships_without_results():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SHOWN)
    for path in FOLDER.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not [cell for cell in cells if cell.get("outputs")]
        assert "never advice on treating a patient" in cells[0].source
