"""Chooses a method for a model: explicit when it needs fewer operations, stiff otherwise.

The rule looks at the equations and their default values only, never at the patients, so that a patient's
numbers do not depend on whom it is solved with.
"""

from __future__ import annotations

import hashlib

import numpy as np

from engager.engine.native.compiler import fingerprint, generator_hash, keep_number, read_number
from engager.engine.native.interpret import jacobian_at_start
from engager.model import System

#: An explicit step of order 5 is stable up to about this (rate * step) on the negative axis.
_STABLE = 3.3
#: Steps a smooth course takes per largest rate that matters, and what a stiff step costs in explicit ones.
_STIFF_STEPS, _COST = 300.0, 2.0


def choose_method(system: System, span: float) -> str:
    """ "dopri5" when stability alone would not make it take more steps than accuracy does, else "rodas5p".

    Fast rates grow along a course (a drug arrives), so the explicit method is chosen only when the largest rate
    at the start, for the model's default values, leaves a margin: ``rate * span / 3.3 < 600``, at the start and
    with every state that starts at 0 put to the mean size of the others. A model without default values counts
    as stiff, and so does one that has none finite.
    """
    return "dopri5" if largest_rate(system) * span / _STABLE < _STIFF_STEPS * _COST else "rodas5p"


_known: dict[str, float] = {}


def largest_rate(system: System) -> float:
    """Size of the Jacobian's largest eigenvalue as described above [1 / time]; infinite when it cannot be told.

    Found once per model and set of default values, and kept with the compiled code.
    """
    values = sorted(system.defaults.items())
    key = hashlib.sha256(repr((fingerprint(system), values, generator_hash())).encode()).hexdigest()[:40]
    if key not in _known:
        kept = read_number(f"{key}.rate")
        if kept is None:
            kept = _find_rate(system)
            keep_number(f"{key}.rate", kept)
        _known[key] = kept
    return _known[key]


def _find_rate(system: System) -> float:
    matrices = jacobian_at_start(system)
    if not matrices or not all(np.isfinite(one).all() for one in matrices):
        return float("inf")
    return float(max(np.max(np.abs(np.linalg.eigvals(one)), initial=0.0) for one in matrices))
