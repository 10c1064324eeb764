"""The built wheel alone serves every page: templates, scripts, pictures and documents are in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")
pytest.importorskip("plotly")
pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]
# Runs where no checkout is in sight; prints what did not answer.
_VISIT = """
import sys
from pathlib import Path
import engager
from starlette.testclient import TestClient
from engager.app.web.server import create_app
from engager.app.web.settings import Settings
from engager.study import GALLERY_CASES

assert Path(engager.__file__).is_relative_to(sys.argv[1]), engager.__file__
pages = ["/", "/patient", "/model", "/story?patient=2&guess=clear", "/trial", "/design", "/runs", "/evidence",
         "/evidence/forest?endpoint=CR", "/evidence/network?endpoint=OS", "/evidence/map", "/evidence/add",
         "/evidence/tower-2017", "/review", "/trust", "/api/study/tower", "/api/patient?days=2", "/static/plotly.js"]
pages += [f"/cases/{case.name}.svg" for case in GALLERY_CASES]
pages += [f"/static/{one}" for one in sys.argv[2:]]
settings = Settings(Path.cwd() / "home", hosts=("testserver",), makes_example=False)
with TestClient(create_app(settings)) as visitor:
    for page in pages:
        answer = visitor.get(page)
        if answer.status_code != 200 or not answer.content or "problems" in answer.text[:20]:
            print(page, answer.status_code)
    trust = visitor.get("/trust").text
    if "<b>Intervals assume that this model is right.</b>" not in trust:
        print("/trust lacks the statement of docs/credibility.md")
    if 'id="left-out"' not in trust:
        print("/trust lacks the studies of docs/studies-left-out.md")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("engager-*.whl")
    return found


def test_a_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    files = (one for one in (ROOT / "src" / "engager").rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    wanted = {one.relative_to(ROOT / "src").as_posix() for one in files if one.suffix != ".pyc"}
    assert len(wanted) > 400
    assert wanted - held == set()
    assert {f"engager/study/data/{name}.md" for name in ("credibility", "studies-left-out")} <= held


def test_every_page_works_from_the_wheel_alone(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    scripts = sorted(one.name for one in (ROOT / "src" / "engager" / "app" / "web" / "static").iterdir())
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    visit = [sys.executable, "-c", _VISIT, str(tmp_path / "installed"), *scripts]
    done = subprocess.run(visit, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
