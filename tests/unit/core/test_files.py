"""Folders that are whole or not there, also when one takes the place of another."""

from __future__ import annotations

import pytest

from engager.core import InputError, restore_folder, whole_folder


def filled(folder, text, **options):
    with whole_folder(folder, **options) as place:
        (place / "text").write_text(text)


def test_a_folder_takes_the_place_of_another_only_when_asked_and_whole(tmp_path):
    folder = tmp_path / "found"
    filled(folder, "old")
    with pytest.raises(InputError, match="must not exist yet"):
        filled(folder, "new")
    with pytest.raises(RuntimeError), whole_folder(folder, replaces=True):
        raise RuntimeError
    assert (folder / "text").read_text() == "old"
    filled(folder, "new", replaces=True)
    assert (folder / "text").read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["found"]


def test_a_folder_that_a_kill_left_without_its_name_gets_it_back(tmp_path):
    folder = tmp_path / "found"
    filled(folder, "old")
    folder.rename(tmp_path / ".found.before")  # as between the two renames of a replacement
    restore_folder(folder)
    assert (folder / "text").read_text() == "old"
    restore_folder(folder)
    assert [one.name for one in tmp_path.iterdir()] == ["found"]
