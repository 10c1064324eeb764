"""Where a command is asked to write: looked at before any work is done, and named when it fails after all.

In: what the user gave, by option. Out: nothing, or one message with all that is wrong. Work of hours is not begun for a
place that cannot take its result.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from engager.core.errors import InputError, Problem

# A disk with less room than this is told beforehand; what is written is not known yet.
_LEAST_BYTES = 1 << 16
_NONE: Mapping[str, Path | None] = MappingProxyType({})


def check_places(new: Mapping[str, Path | None] = _NONE, replaced: Mapping[str, Path | None] = _NONE) -> None:
    """Refuse places that cannot be written to.

    Parameters
    ----------
    new : by option; must not exist yet. replaced : by option; a file that is there gives way. None: not asked for.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    problems = [found for option, path in new.items() if path is not None for found in problems_of(option, path, True)]
    problems += [
        found for option, path in replaced.items() if path is not None for found in problems_of(option, path, False)
    ]
    if problems:
        raise InputError(problems)


def problems_of(option: str, path: Path, is_new: bool) -> list[Problem]:
    """What is wrong with one place: there already, in no folder, in one that cannot be written to."""
    problems = []
    if is_new and path.exists():
        problems.append(Problem(option, path, "must not exist yet", "Name a new one."))
    elif path.is_dir():
        problems.append(Problem(option, path, "must be a file, and is a folder", "Name a new one."))
    if not path.parent.is_dir():
        problems.append(Problem(option, path, "must be in a folder that exists"))
    elif not path.exists() and (reason := _refusal(path.parent)):
        problems.append(unwritable(option, path, reason))
    return problems


def unwritable(option: str, path: Path, reason: str | None) -> Problem:
    """The message for a place that cannot be written, with the system's reason."""
    return Problem(option, path, f"must be a place that can be written ({reason})", "Choose another.")


@contextlib.contextmanager
def writing_to(option: str, path: Path) -> Iterator[None]:
    """What the system refuses while this is written is told with the option and the place.

    Raises
    ------
    InputError
        Instead of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise InputError(unwritable(option, path, error.strerror or str(error))) from error


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system say where it happened; when a disk is full, an open file tells no name."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _refusal(folder: Path) -> str | None:
    """Why a file cannot be written in a folder; None when it can. The file has no name and leaves no trace."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_LEAST_BYTES))
    except OSError as error:
        return error.strerror or str(error)
    return None
