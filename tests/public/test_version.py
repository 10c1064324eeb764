"""The version stands once, and what must repeat it agrees."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import yaml

import engager

ROOT = Path(__file__).parents[2]


def test_the_project_file_reads_the_version_from_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/engager/__init__.py"


def test_citation_and_installed_metadata_agree():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == engager.__version__
    assert metadata.version("engager") == engager.__version__
