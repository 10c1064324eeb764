"""A `System` as Antimony text, by way of its SBML."""

from __future__ import annotations

from engager.core import InputError, Problem
from engager.model.export.sbml import to_sbml
from engager.model.sbml.antimony import LIBRARY_LOCK
from engager.model.system import System


def to_antimony(system: System) -> str:
    """Antimony text with the system's names; see `to_sbml`."""
    import antimony

    # the library does not read <notanumber/> within a formula
    sbml = to_sbml(system).replace("<notanumber/>", "<apply><divide/><cn>0</cn><cn>0</cn></apply>")
    with LIBRARY_LOCK:
        antimony.clearPreviousLoads()
        try:
            if antimony.loadSBMLString(sbml) < 0:
                rule = "cannot be written as Antimony: " + " ".join(str(antimony.getLastError()).split())
                raise InputError(Problem(system.id, "system", rule))
            return str(antimony.getAntimonyString(antimony.getMainModuleName()))
        finally:
            antimony.clearPreviousLoads()
