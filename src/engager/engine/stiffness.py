"""Chooses a method for a model: explicit when it needs fewer operations, stiff otherwise.

The rule looks at the equations and their default values only, never at the patients, so that a patient's
numbers do not depend on whom it is solved with.
"""

from __future__ import annotations

import numpy as np

from engager.engine.interpret import jacobian_at_start
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
    matrices = jacobian_at_start(system)
    if not matrices:
        return "rodas5p"
    with np.errstate(all="ignore"):
        rates = [np.max(np.abs(np.linalg.eigvals(one))) if np.isfinite(one).all() else np.inf for one in matrices]
    steps = max(rates, default=np.inf) * span / _STABLE
    return "dopri5" if steps < _STIFF_STEPS * _COST else "rodas5p"
