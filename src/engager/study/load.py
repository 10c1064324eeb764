"""A study by the id it ships under, or by the path of a user's own file."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import PydanticCustomError

from engager.core import InputError, Problem, broken_rule
from engager.protocol import Protocol, Regimen, executable_regimen, read_protocol_file, shipped_protocol

_ENDINGS = (".yaml", ".yml")


def load_protocol(study: str | Path) -> Protocol:
    """A shipped study or a study file.

    Parameters
    ----------
    study : an id such as ``tower``, or a path; what ends in ``.yaml`` or ``.yml`` or names a folder on the
        way is a path.

    Raises
    ------
    InputError
        When there is no such study (the nearest ids are offered) or its file breaks rules.
    """
    path = Path(study)
    if path.suffix in _ENDINGS or len(path.parts) > 1:
        return read_protocol_file(path)
    return shipped_protocol(str(study))


def regimen_by_id(regimen: str) -> Regimen:
    """A regimen of the evidence base, ready to be given.

    Raises
    ------
    InputError
        When it is unknown (the nearest ids are offered), or cannot be given as printed.
    """
    try:
        return executable_regimen(regimen)
    except PydanticCustomError as refusal:
        raise InputError(Problem("regimen", regimen, *broken_rule({"ctx": refusal.context}))) from None
