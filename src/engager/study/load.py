"""A study by the id it ships under, or by the path of a user's own file."""

from __future__ import annotations

from pathlib import Path

from engager.trial import Protocol, read_protocol_file, shipped_protocol

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
