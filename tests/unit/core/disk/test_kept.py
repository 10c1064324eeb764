"""What was made once is found again under the same key, and made anew when anything it hangs on has changed."""

from __future__ import annotations

import pytest

from engager.core import remembered
from engager.core.disk import kept


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGAGER_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def counted(made):
    def make():
        made.append(len(made))
        return {"value": made[-1]}

    return make


def test_the_same_key_is_made_once(folder):
    made = []
    assert remembered("number", ("a", 1), counted(made)) == {"value": 0}
    assert remembered("number", ("a", 1), counted(made)) == {"value": 0}
    assert remembered("number", ("a", 2), counted(made)) == {"value": 1}
    assert remembered("other", ("a", 1), counted(made)) == {"value": 2}
    assert len(list(folder.iterdir())) == 3


def test_other_code_makes_it_anew(folder, monkeypatch):
    made = []
    remembered("number", 1, counted(made))
    monkeypatch.setattr(kept, "package_hash", lambda: "other")
    assert remembered("number", 1, counted(made)) == {"value": 1}


def test_a_damaged_file_is_made_anew(folder):
    made = []
    remembered("number", 1, counted(made))
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert remembered("number", 1, counted(made)) == {"value": 1}
    assert remembered("number", 1, counted(made)) == {"value": 1}


def test_without_a_folder_everything_is_made_each_time(monkeypatch):
    made = []
    monkeypatch.setattr(kept, "cache_folder", lambda: None)
    assert [remembered("number", 1, counted(made))["value"] for _ in range(2)] == [0, 1]


def test_the_hash_of_a_tree_is_of_names_and_bytes(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "data" / "b.yaml").write_text("2")
    first = kept.tree_hash(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("3")
    assert kept.tree_hash(tmp_path) == first
    (tmp_path / "data" / "b.yaml").write_text("3")
    changed = kept.tree_hash(tmp_path)
    (tmp_path / "data" / "b.yaml").rename(tmp_path / "data" / "c.yaml")
    assert len({first, changed, kept.tree_hash(tmp_path)}) == 3
