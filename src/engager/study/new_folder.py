"""The folder a command is asked to write."""

from __future__ import annotations

from pathlib import Path

from engager.core import InputError, Problem


def check_folder(folder: Path) -> None:
    """Refuse a folder that exists already."""
    if folder.exists():
        raise InputError(Problem("--out", folder, "must not exist yet", "Name a new folder."))
