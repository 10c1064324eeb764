"""Folders that are whole or not there, also when one takes the place of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from engager.core import (
    FolderLock,
    InputError,
    check_places,
    read_at_most,
    read_json,
    remove,
    reserved,
    restore_folder,
    whole_file,
    whole_folder,
    working_in,
    write_whole,
    writing_to,
)


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


def test_a_link_where_only_we_write_leads_nowhere(tmp_path):
    """Whoever may write beside the result could otherwise have any file emptied, any folder cleared."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter").write_text("dear")
    (tmp_path / ".found.unfinished").symlink_to(mine)
    filled(tmp_path / "found", "new")
    (tmp_path / ".page.unfinished").symlink_to(mine / "letter")
    write_whole(tmp_path / "page", "new")
    (tmp_path / "found" / ".lock").symlink_to(mine / "letter")
    lock = FolderLock(tmp_path / "found")
    lock.take()
    lock.leave()
    assert (mine / "letter").read_text() == "dear"
    assert (tmp_path / "found" / "text").read_text() == (tmp_path / "page").read_text() == "new"


def test_removing_a_link_leaves_what_it_leads_to(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter").write_text("dear")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("link", "folder/letter", "folder", "not there"):
        remove(tmp_path / name)
        assert not (tmp_path / name).exists()
        assert name != "link" or (tmp_path / "folder" / "letter").exists()


@pytest.mark.parametrize("text", ["[" * 100_000, "", "{", "nan", "\ufeff{}"])
def test_json_that_cannot_be_read_is_one_kind_of_error(tmp_path, text):
    (tmp_path / "one.json").write_text(text)
    with pytest.raises(ValueError, match=r".+"):
        read_json(tmp_path / "one.json")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_devices_and_links_are_written_to_and_not_replaced(tmp_path):
    write_whole(Path("/dev/null"), "gone")
    assert Path("/dev/null").is_char_device()
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "page").write_text("old")

    def half():
        with whole_file(tmp_path / "page") as file:
            file.write(b"half of")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        half()
    assert (tmp_path / "page").read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["page"]


def test_reading_ends_where_it_may_though_a_device_has_no_end(tmp_path):
    (tmp_path / "text").write_bytes(b"12345")
    assert read_at_most(tmp_path / "text", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_at_most(tmp_path / "text", 4)
    if Path("/dev/zero").exists():
        with pytest.raises(OSError, match="more than 1000 bytes"):
            read_at_most(Path("/dev/zero"), 1000)


def test_a_folder_of_kept_work_has_one_owner_and_goes_when_nothing_was_kept(tmp_path):
    with working_in("--work", tmp_path / "a" / "kept"):
        with pytest.raises(InputError, match="being written by process"), working_in("--work", tmp_path / "a" / "kept"):
            raise AssertionError("two at once")
        (tmp_path / "a" / "kept" / "one").write_text("1")
    with working_in("--work", tmp_path / "a" / "kept"):
        pass
    assert [path.name for path in (tmp_path / "a" / "kept").iterdir()] == ["one"]
    with pytest.raises(RuntimeError), working_in("--work", tmp_path / "b"):
        raise RuntimeError
    assert not (tmp_path / "b").exists()
    with working_in("--work", None):
        pass


@pytest.mark.parametrize(("name", "option"), [("kept", "--work"), (".design.arms", "--out")])
def test_a_place_that_is_taken_is_told_by_the_option_that_gives_another(tmp_path, name, option):
    first, second = (working_in("--work", tmp_path / name) for _ in range(2))
    with first, pytest.raises(InputError) as caught, second:
        raise AssertionError("two at once")
    assert caught.value.problems[0].where == option


def test_a_file_made_by_long_work_is_one_process_own_from_the_beginning(tmp_path):
    path = tmp_path / "fit.json"
    with reserved("--out", path):
        with pytest.raises(InputError, match="being written by process") as caught, reserved("--out", path):
            raise AssertionError("two at once")
        assert caught.value.problems[0].where == "--out"
        write_whole(path, "1")
    assert [one.name for one in tmp_path.iterdir()] == ["fit.json"]
    with pytest.raises(InputError, match="must not exist yet"), reserved("--out", path):
        raise AssertionError("made meanwhile")
    assert [one.name for one in tmp_path.iterdir()] == ["fit.json"]
    with reserved("--out", Path("/dev/null")):
        pass


def test_places_are_refused_together_before_anything_is_written(tmp_path):
    (tmp_path / "there").write_text("")
    with pytest.raises(InputError) as caught:
        check_places(
            new={"--a": tmp_path / "there", "--b": tmp_path / "no" / "b", "--c": tmp_path / "c", "--d": None},
            replaced={"--e": tmp_path / "there", "--f": tmp_path},
        )
    assert [one.where for one in caught.value.problems] == ["--a", "--b", "--f"]
    check_places(new={"--c": tmp_path / "c"}, replaced={"--e": tmp_path / "there", "--g": Path("/dev/null")})
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_full_disk_is_told_with_the_place(tmp_path):
    full = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="page"), whole_file(tmp_path / "page"):
        raise full
    told = r"--out: got .*page.*; must be a place that can be written \(No space left"
    with pytest.raises(InputError, match=told), writing_to("--out", tmp_path / "page"):
        raise full
    # an error without a number, as libraries in other languages raise it
    with pytest.raises(InputError, match=r"can be written \(disk gone\)"), writing_to("--out", tmp_path / "page"):
        raise OSError("disk gone")
    assert not list(tmp_path.iterdir())
