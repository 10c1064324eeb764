"""One writer at a time: a lock that the system takes back when its process ends, however it ends.

In: a folder, or an open file. The lock lies on a file of the folder, which names the process; it is gone when the
folder is left.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from engager.core.disk.places import unwritable
from engager.core.errors import InputError, Problem

LOCK_FILE = ".lock"


class FolderLock:
    """The right to write in a folder, from `take` to `leave`.

    `option` is how the user gave it, `file` what is locked, if not a file in the folder.
    """

    def __init__(self, folder: Path, option: str = "--out", file: Path | None = None):
        self._folder, self._option, self._path = folder, option, file or folder / LOCK_FILE
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Take the lock.

        Raises
        ------
        InputError
            When another process holds it, or the file system has no locks.
        """
        path = self._path
        while True:
            if path.is_symlink():  # in a folder from elsewhere; the file it leads to would be emptied
                path.unlink()
            file = path.open("a+b")
            try:
                lock_file(file, self._folder, self._option)
                # Whoever held it before may have removed the file meanwhile; a lock on that keeps nobody out.
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    break
            except FileNotFoundError:
                pass
            except BaseException:
                file.close()
                raise
            file.close()
        file.truncate(0)
        file.write(f"{os.getpid()} {platform.node()}\n".encode())
        file.flush()
        self._file = file

    @property
    def is_held(self) -> bool:
        return self._file is not None

    def leave(self) -> None:
        """Give the lock back; its file goes first, while nobody else can hold it."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._file.close()
        self._file = None


@contextlib.contextmanager
def working_in(option: str, folder: Path | None) -> Iterator[None]:
    """A folder that keeps what is finished belongs to one process at a time; made before, and gone when it stays empty.

    Parameters
    ----------
    option : by which the user gave it. folder : None: nothing is kept.

    Raises
    ------
    InputError
        When another process works in it, or it cannot be made.
    """
    if folder is None:
        yield
        return
    # a hidden folder stands beside what --out names, where nothing else was asked for
    lock = FolderLock(folder, "--out" if folder.name.startswith(".") else option)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.take()
    except OSError as error:
        raise InputError(unwritable(option, folder, error.strerror or str(error))) from error
    try:
        yield
    finally:
        lock.leave()
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def reserved(option: str, path: Path) -> Iterator[None]:
    """A new file that is written at the end of long work belongs to one process from its beginning.

    Parameters
    ----------
    option : by which the user gave it. path : in a folder that exists; a device or pipe is nobody's.

    Raises
    ------
    InputError
        When another process is making it, or has made it by now.
    """
    if path.exists() and not path.is_file():
        yield
        return
    lock = FolderLock(path, option, path.with_name(f".{path.name}{LOCK_FILE}"))
    try:
        lock.take()
    except OSError as error:
        raise InputError(unwritable(option, path, error.strerror or str(error))) from error
    try:
        if path.exists():
            raise InputError(Problem(option, path, "must not exist yet", "Name a new one."))
        yield
    finally:
        lock.leave()


def clear_away(folder: Path) -> None:
    """Remove what was kept, unless another process has begun to work there."""
    if folder.exists():
        with contextlib.suppress(InputError), working_in("--work", folder):
            shutil.rmtree(folder, ignore_errors=True)


def lock_file(file: IO[bytes], what: Path, option: str = "--out") -> None:
    """Lock an open file until it is closed.

    Raises
    ------
    InputError
        When another process holds the lock (it is named), or there are no locks here; `what` is being written.
    """
    try:
        _lock(file)
    except (BlockingIOError, PermissionError):
        raise InputError(_busy(file, what, option)) from None
    except OSError as error:
        rule = f"must be on a file system that can lock files ({error.strerror})"
        raise InputError(Problem(option, what, rule, "Choose a place on another disk.")) from error


@contextlib.contextmanager
def locked_folder(folder: Path, what: Path) -> Iterator[None]:
    """Lock a folder itself, without a file in it, where the system can; `what` is being written.

    Raises
    ------
    InputError
        When another process holds the lock.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system that locks no folders
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                hint = "Wait until it ends, or choose another place."
                raise InputError(Problem("--out", what, "is being written by another process", hint)) from None
        yield
    finally:
        os.close(descriptor)


def _busy(file: IO[bytes], what: Path, option: str) -> Problem:
    try:
        holder = Path(file.name).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        holder = []
    by = f"process {holder[0]}" if holder and holder[0].isdigit() else "another process"
    if len(holder) > 1 and holder[1] != platform.node():
        by += f" on {holder[1]}"
    return Problem(option, what, f"is being written by {by}", "Wait until it ends, or choose another place.")


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        import msvcrt

        # A byte far behind the content, which others may read meanwhile.
        file.seek(1 << 30)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: IO[bytes]) -> None:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
