"""Group-sequential tests: how alpha is spent over the looks, the bounds that follow, and the chance to cross them.

In: information fractions. Out: bounds on the z scale, one-sided, upwards. The joint distribution of the statistics
at the looks is that of a Brownian motion seen at its information; it is integrated from look to look.

References
----------
Armitage, McPherson & Rowe 1969, doi:10.2307/2343787 (recursive integration); Lan & DeMets 1983,
doi:10.1093/biomet/70.3.659 (spending); Jennison & Turnbull 2000, chapter 19 (numerics).
R: ``rpact::getDesignGroupSequential``, ``gsDesign::gsDesign``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engager.core import FloatArray, InputError, Problem, nearest

SPENDING = ("obrien_fleming", "pocock")

# Beyond this many standard errors there is no mass that double precision could tell.
_WIDEST = 9.0
# Gauss-Legendre nodes of one piece, and pieces: the kernel of two near looks is narrow.
_NODES, _PIECES = 12, 64


class Crossing(NamedTuple):
    """Chances at each look, array (look,): to cross the upper bound first there, or the lower one."""

    upper: FloatArray
    lower: FloatArray


def alpha_spent(information: Sequence[float], alpha: float, spending: str = "obrien_fleming") -> FloatArray:
    """Alpha spent up to each information fraction, array (look,); all of it at 1.

    Parameters
    ----------
    information : fractions of the final information, in (0, 1].
    alpha : one-sided.
    spending : ``obrien_fleming`` (little early) or ``pocock`` (about even), both after Lan and DeMets.
    """
    from scipy.stats import norm

    t = _checked(information, alpha)
    if spending == "obrien_fleming":
        found: FloatArray = 2.0 * norm.sf(norm.isf(alpha / 2.0) / np.sqrt(t))
        return found
    if spending == "pocock":
        return alpha * np.log1p(float(np.expm1(1.0)) * t)
    raise InputError(Problem("spending", spending, "must be obrien_fleming or pocock", nearest(spending, SPENDING)))


def efficacy_bounds(information: Sequence[float], alpha: float, spending: str = "obrien_fleming") -> FloatArray:
    """Bounds of z at the looks, array (look,): under no effect, crossing up to a look has the chance spent there.

    Parameters
    ----------
    information, alpha, spending : as in `alpha_spent`; the last fraction must be 1.

    Notes
    -----
    Futility bounds are not used to lower these (they are non-binding): a trial may go on past them without
    raising the type I error.
    """
    from scipy.optimize import brentq

    t = _checked(information, alpha)
    if t[-1] != 1.0:
        raise InputError(Problem("information", float(t[-1]), "must end with 1, the final analysis"))
    steps = np.diff(alpha_spent(t.tolist(), alpha, spending), prepend=0.0)
    bounds = np.full(t.size, np.inf)
    walk = _Walk(0.0)
    for k, step in enumerate(steps):
        walk.arrive(float(t[k]))

        def excess(bound: float, step: float = float(step)) -> float:
            return walk.above(bound) - step

        # A step too small to cross with double precision has no finite bound.
        if excess(_WIDEST) < 0:
            bounds[k] = brentq(excess, -2.0, _WIDEST, xtol=1e-10)
        walk.go_on(-np.inf, float(bounds[k]))
    return bounds


def crossing(
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float] | None = None,
    drift: float = 0.0,
) -> Crossing:
    """Chance to stop at each look.

    Parameters
    ----------
    information : rising fractions of the final information.
    upper, lower : bounds of z; -inf in `lower` for none; None: none at any look. At the last look whoever is not
        above `upper` is below.
    drift : expected z at information 1.
    """
    t = np.asarray(information, dtype=float)
    low = np.full(t.size, -np.inf) if lower is None else np.asarray(lower, dtype=float)
    up, down = np.zeros(t.size), np.zeros(t.size)
    walk = _Walk(drift)
    for k in range(t.size):
        walk.arrive(float(t[k]))
        up[k], down[k] = walk.above(float(upper[k])), walk.below(float(low[k]))
        walk.go_on(float(low[k]), float(upper[k]))
    return Crossing(up, down)


class _Walk:
    """z of a trial that has not stopped: a density at nodes, carried from look to look."""

    def __init__(self, drift: float):
        self._drift, self._information = drift, 0.0
        # Before the first look everything stands at one point.
        self._nodes, self._mass = np.zeros(1), np.ones(1)

    def arrive(self, information: float) -> None:
        """At a look: z is normal around `_middle`, for each node of the look before."""
        gain = information - self._information
        moved = self._nodes * np.sqrt(self._information) + self._drift * gain
        self._middle, self._spread = moved / np.sqrt(information), np.sqrt(gain / information)
        self._information = information

    def above(self, bound: float) -> float:
        """Chance to be there and above."""
        from scipy.special import ndtr

        return float(self._mass @ ndtr((self._middle - bound) / self._spread))

    def below(self, bound: float) -> float:
        """Chance to be there and below."""
        from scipy.special import ndtr

        return float(self._mass @ ndtr((bound - self._middle) / self._spread))

    def go_on(self, low: float, high: float) -> None:
        """Keep what lies between two bounds."""
        mean = self._drift * np.sqrt(self._information)
        floor, top = max(low, mean - _WIDEST), min(high, mean + _WIDEST)
        if top <= floor:
            self._nodes, self._mass = np.zeros(1), np.zeros(1)
            return
        nodes, weights = _pieces(floor, top)
        z = (nodes[:, None] - self._middle) / self._spread
        density = np.exp(-0.5 * z**2) @ self._mass / (self._spread * np.sqrt(2.0 * np.pi))
        self._nodes, self._mass = nodes, weights * density


def _pieces(low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of composite Gauss-Legendre integration between two bounds."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(low, high, _PIECES + 1)
    half = np.diff(edges) / 2.0
    nodes = (edges[:-1] + half)[:, None] + half[:, None] * node
    return nodes.ravel(), (half[:, None] * weight).ravel()


def _checked(information: Sequence[float], alpha: float) -> FloatArray:
    t = np.asarray(information, dtype=float)
    problems = []
    if not 0 < alpha < 0.5:
        problems.append(Problem("alpha", alpha, "must be between 0 and 0.5, one-sided", "0.025 is usual."))
    if t.size == 0 or not (np.all(t > 0) and np.all(t <= 1) and np.all(np.diff(t) > 0)):
        problems.append(Problem("information", t.tolist(), "must rise within 0 to 1, 0 excluded"))
    if problems:
        raise InputError(problems)
    return t
