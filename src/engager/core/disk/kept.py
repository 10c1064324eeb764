"""What is kept on disk between runs to save time: compiled code, models as read, figures that no run changes.

Loading runs the code in a file. So a file counts only when its checksum covers its own name (a file put under another
model's name is not that model's code), when it and its folder belong to this user, and when nobody else may write to
them. Whatever cannot be read, written or trusted only costs the time to make it again; an unsafe folder is told once.

In: a name and bytes. Out: the bytes, or None. Not here: what they are.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_MAGIC = b"engager2"
_HEAD = len(_MAGIC) + 32
#: What the folder may hold [bytes]; the files that were not used for longest go first. Some hundred models.
MOST_BYTES = 256 * 2**20
#: A file half written by a process that was killed is removed after this [s].
_ABANDONED = 3600.0
_HALF_WRITTEN = ".part"


def cache_folder() -> Path | None:
    """Where: ``$ENGAGER_CACHE_DIR`` or ``~/.cache/engager``; None without a home."""
    chosen = os.environ.get("ENGAGER_CACHE_DIR")
    if chosen:
        return Path(chosen)
    try:
        return Path.home() / ".cache" / "engager"
    except RuntimeError:  # no HOME, and the user is in no list of users
        return None


def read_kept(folder: Path | None, name: str) -> bytes | None:
    """What was kept under a name; None when it is absent, damaged, of another name, or not safe to use."""
    if folder is None or not _is_safe(folder):
        return None
    path = folder / name
    try:
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    body = content[_HEAD:]
    if content[:_HEAD] != _MAGIC + _digest(name, body):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used: the last to be removed
    return body


def write_kept(folder: Path | None, name: str, body: bytes) -> None:
    """Keep bytes under a name: all or nothing, also beside other processes."""
    if folder is None:
        return
    unfinished = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_safe(folder):
            return
        descriptor, unfinished = tempfile.mkstemp(dir=folder, suffix=_HALF_WRITTEN)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + _digest(name, body) + body)
        os.replace(unfinished, folder / name)
    except OSError:
        if unfinished is not None:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
        return
    trim(folder)


def remembered(kind: str, key: object, make: Callable[[], T]) -> T:
    """What `make` makes, or what it made when it was last asked with the same key.

    Parameters
    ----------
    kind : first part of the file's name.
    key : everything that the result depends on; compared by its `repr`. This package's code and data, and the versions
        of Python and NumPy, are part of every key.
    make : its result can be pickled.
    """
    told = repr((key, package_hash(), sys.version, version("numpy")))
    name = f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:40]}"
    folder = cache_folder()
    if (body := read_kept(folder, name)) is not None:
        found: T = pickle.loads(body)
        return found
    made = make()
    write_kept(folder, name, pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
    return made


@functools.cache
def package_hash() -> str:
    """Hash of all modules and data of this package: what other code has made, or of other data, is not taken."""
    return tree_hash(Path(__file__).parents[2])


def tree_hash(top: Path) -> str:
    """Hash of the names and bytes of all files below a folder, compiled modules left out."""
    total = hashlib.sha256()
    for folder, inside, names in os.walk(top):
        inside[:] = sorted(one for one in inside if one != "__pycache__")
        for path in (Path(folder, name) for name in sorted(names)):
            content = path.read_bytes()
            total.update(f"{path.relative_to(top)}\0{len(content)}\0".encode())
            total.update(content)
    return total.hexdigest()


def trim(folder: Path, most: int = MOST_BYTES) -> None:
    """Remove what was not used for longest until the rest fits, and what was left half written."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in found)
    for used, size, path in sorted(found, key=lambda one: one[0]):
        is_abandoned = path.suffix == _HALF_WRITTEN and used < time.time() - _ABANDONED
        if total > most or is_abandoned:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size


def _digest(name: str, body: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + body).digest()


def _is_safe(folder: Path) -> bool:
    """Whether only this user can have put files there; an unsafe folder is told once."""
    try:
        safe = _is_ours(folder.stat())
    except OSError:
        return False
    if not safe:
        _warn(str(folder))
    return safe


def _is_ours(state: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):  # no such rights on this system
        return True
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@functools.cache
def _warn(folder: str) -> None:
    warnings.warn(
        f"nothing is kept between runs: {folder} must belong to you and be writable by you only. Try chmod go-w, or "
        "name another folder in ENGAGER_CACHE_DIR.",
        RuntimeWarning,
        stacklevel=2,
    )
