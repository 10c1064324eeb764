"""Files that are whole or not there, also after a kill, a full disk or a lost supply of power.

In: content and where it belongs. A file is written under another name beside its own, forced to the disk and renamed;
the folder is forced to the disk as well, since a rename is a change of the folder. What a kill leaves behind has one
name (`unfinished_of`), so the next call writes over it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engager.core.disk.lock import lock_file, locked_folder
from engager.core.disk.places import naming
from engager.core.errors import InputError, Problem

_BLOCK = 1 << 20


def read_at_most(path: Path, most: int) -> bytes:
    """The bytes of a file; a device or a pipe tells no size beforehand, and may have no end.

    Raises
    ------
    OSError
        When it cannot be read, or holds more than `most` bytes.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most} bytes", str(path))
    return content


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        Whatever is wrong with its text; nesting without end, of which Python tells by another error, included.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def remove(path: Path) -> None:
    """Remove a file, a folder with all that is in it, or a link, whose target stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits, read block by block."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def unfinished_of(path: Path) -> Path:
    """Where a file or folder is written before it has its name."""
    return path.with_name(f".{path.name}.unfinished")


def _remove_link(unfinished: Path) -> None:
    """Take away a link that lies where only we write: it would lead the writing, or the tidying, to another place."""
    if unfinished.is_symlink():
        unfinished.unlink()


def write_whole(path: Path, content: str | bytes) -> str:
    """Write a file so that a reader meets the old one or the new one, never half of it; returns its SHA-256."""
    data = content.encode() if isinstance(content, str) else content
    with whole_file(path) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to be written in parts that gets its name when the block ends without an error.

    Raises
    ------
    InputError
        When another process is writing the same file.
    """
    if path.is_symlink() or (path.exists() and not path.is_file() and not path.is_dir()):
        # /dev/null and pipes are written to and never replaced; so is what somebody made a link to.
        with path.open("wb") as file:
            yield file
        return
    unfinished = unfinished_of(path)
    _remove_link(unfinished)
    with unfinished.open("ab") as file:
        lock_file(file, path)  # before what another process wrote there is thrown away
        file.truncate(0)
        try:
            with naming(path):
                yield file
                file.flush()
                os.fsync(file.fileno())
            if os.name == "nt":  # which renames no open file
                file.close()
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
    sync_folder(path.parent)


@contextlib.contextmanager
def whole_folder(folder: Path, replaces: bool = False) -> Iterator[Path]:
    """A folder to be filled that gets its name when the block ends without an error.

    Parameters
    ----------
    replaces : take the place of a folder of this name, which goes when the new one is whole.

    Yields
    ------
    Path of an empty folder beside it.

    Raises
    ------
    InputError
        When the folder exists and is not to be replaced, cannot be made, or is being written by another process.
    """
    if folder.exists() and not replaces:
        raise InputError(Problem("--out", folder, "must not exist yet", "Name a new folder."))
    unfinished = unfinished_of(folder)
    try:
        _remove_link(unfinished)
        unfinished.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        rule = f"must be a folder that can be made ({error.strerror})"
        raise InputError(Problem("--out", folder, rule)) from error
    with locked_folder(unfinished, folder):
        for left in unfinished.iterdir():  # by a kill
            remove(left)
        try:
            yield unfinished
            if replaces:
                _replace_folder(unfinished, folder)
            else:
                publish_folder(unfinished, folder)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


def _before(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


def _replace_folder(unfinished: Path, folder: Path) -> None:
    """Let a finished folder take the place of another; no system swaps two folders, so the old one waits beside."""
    if folder.exists():
        os.rename(folder, _before(folder))
    publish_folder(unfinished, folder)
    shutil.rmtree(_before(folder), ignore_errors=True)


def restore_folder(folder: Path) -> None:
    """Give a folder its name back that a kill left without one, between the two renames of a replacement."""
    before = _before(folder)
    if before.exists() and not folder.exists():
        os.rename(before, folder)
    shutil.rmtree(before, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Force everything in a folder to the disk, inner parts first."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            with (Path(place) / name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))


def publish_folder(unfinished: Path, folder: Path) -> None:
    """Give a finished folder its name, once all that is in it lies on the disk."""
    sync_tree(unfinished)
    os.rename(unfinished, folder)
    sync_folder(folder.parent)
