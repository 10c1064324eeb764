"""The folder of a design: where its arms lie, and what it takes to give a finished one more virtual trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engager.core import InputError, Problem, clear_away, read_json, restore_folder
from engager.protocol import Protocol, write_protocol

ARMS = "arms"
_MANIFEST = "manifest.json"


def arms_place(folder: Path) -> Path:
    """Where the arms of a design are kept: in its folder, or beside it until that is there."""
    return folder / ARMS if folder.exists() else _beside(folder)


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.{ARMS}")


def with_sizes(protocol: Protocol, patients: Sequence[int]) -> Protocol:
    """The study with other sizes of its design; as it is when there are none."""
    if not patients or protocol.design is None:
        return protocol
    return protocol.model_copy(update={"design": protocol.design.model_copy(update={"patients": tuple(patients)})})


def check_addition(
    folder: Path, protocol: Protocol, *, replicates: int, seed: int, patients: Sequence[int], parameters: str
) -> None:
    """Refuse to add virtual trials to what is not the same design, finished, with fewer of them.

    Raises
    ------
    InputError
        With everything that differs.
    """
    restore_folder(folder)
    made = _manifest(folder)
    problems = []
    if made.get("protocol") != write_protocol(with_sizes(protocol, patients)):
        rule, hint = "must be the study of the finished design", f"It lies in {folder / 'study.yaml'}."
        problems.append(Problem("--resume: study", protocol.study, rule, hint))
    for name, value in (("seed", seed), ("parameters", parameters)):
        if made.get(name) != value:
            rule = f"must be as in the finished design, {made.get(name)!r}"
            problems.append(Problem(f"--{name}", value, rule, "Name another folder for another design."))
    if replicates <= int(made["replicates"]):
        rule = f"must be more than the {made['replicates']} that the finished design has"
        problems.append(Problem("--replicates", replicates, rule))
    if problems:
        raise InputError(problems)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        made = read_json(folder / _MANIFEST)
    except (OSError, ValueError):
        made = None
    if not isinstance(made, dict) or made.get("kind") != "design" or not isinstance(made.get("replicates"), int):
        rule = "must hold a finished design to which virtual trials can be added"
        raise InputError(Problem("--resume", folder, rule, "Leave --resume out for a new design."))
    return made


def check_new_design(folder: Path) -> None:
    """Refuse a folder that exists already; what a kill left beside a finished one goes."""
    restore_folder(folder)
    if folder.exists():
        clear_away(_beside(folder))
        hint = "Name a new folder, or add --resume to give a finished design more virtual trials."
        raise InputError(Problem("--out", folder, "must not exist yet", hint))
