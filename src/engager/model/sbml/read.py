"""SBML text becomes a `System`: the front door of the import.

In: SBML Level 1 to 3 (core) as text or bytes, untrusted. Out: a `System`, or an `InputError` that names every
place that is wrong. Not here: files (the caller reads them), doses, patients.
"""

from __future__ import annotations

from collections.abc import Iterable

from engager.model.sbml.limits import checked_text
from engager.model.system import System


def read_sbml(text: str | bytes, *, inputs: Iterable[str] = (), where: str = "model.xml") -> System:
    """The equations of an SBML model.

    Parameters
    ----------
    text : the file's content.
    inputs : names of parameters that a schedule may change while the model runs.
    where : the file's name, for messages.

    Raises
    ------
    InputError
        When the file is not valid SBML, breaks a limit of `engager.model.sbml.limits`, uses a name it does
        not define, or has rules that depend on themselves.
    UnsupportedModel
        When it needs a construct this package does not have; the construct and its element are named.

    Notes
    -----
    See `engager.model.sbml.system` for what becomes a state, a parameter and an output.
    """
    from engager.model.sbml.document import read_document
    from engager.model.sbml.system import build_system

    document = read_document(checked_text(text, where), where)
    return build_system(document, inputs)
