"""The scale on which figures are even in the unknowns: what a study differs in as itself, not as spread and number.

On the unbounded scale the effect of a study is a standard normal number that its spread multiplies. A figure feels the
product alone. Here are the map between the two and the chain rule back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engager.calibration.population.unknowns import Unknown
from engager.core import BoolArray, FloatArray, Stream

# Metropolis steps in each redrawing, and their length on the logarithm of a spread.
_REDRAWS, _JUMP = 3, 0.6
# Of a spread over the scale of its prior: nearer to 0 there is no difference to tell.
_LEAST = 1e-9


@dataclass(frozen=True)
class Spread:
    """One spread of a hierarchy.

    Attributes
    ----------
    place : of the spread among the unknowns. own : places of the standard normal numbers it multiplies.
    """

    place: int
    own: NDArray[np.int64]


@dataclass(frozen=True)
class NaturalScale:
    """Map from the unbounded scale to the natural one.

    Attributes
    ----------
    unknowns : in the order of a member's numbers. spreads : of the hierarchy.
    bounded : array (unknown,), products that are held within `bounds`; a figure does not feel what lies beyond.
    """

    unknowns: Sequence[Unknown]
    spreads: Sequence[Spread]
    bounded: BoolArray
    bounds: tuple[float, float]

    def of(self, members: FloatArray) -> FloatArray:
        """Distances of the unknowns from the centers of their priors, with products in place of the numbers.

        Parameters
        ----------
        members : array (member, unknown), unbounded scale.

        Returns
        -------
        array (member, unknown); 0 for a spread, which acts through its products alone.
        """
        found = members - self.center
        for one in self.spreads:
            found[:, one.own] *= self._spread(one, members)[:, None]
            found[:, one.place] = 0.0
        found[:, self.bounded] = np.clip(found[:, self.bounded], *self.bounds)
        return found

    def gradient(self, members: FloatArray, slopes: FloatArray) -> FloatArray:
        """Slopes on the unbounded scale from those on the natural one: arrays (member, unknown)."""
        found = slopes.copy()
        for one in self.spreads:
            size, number = self._spread(one, members), members[:, one.own]
            product = size[:, None] * number
            outside = self.bounded[one.own] & ((product < self.bounds[0]) | (product > self.bounds[1]))
            felt = np.where(outside, 0.0, slopes[:, one.own])
            found[:, one.own] = felt * size[:, None]
            found[:, one.place] = np.sum(felt * number, axis=1) * self._growth(one, members, size)
        return found

    def spreads_redrawn(self, members: FloatArray, stream: Stream, rows: NDArray[np.int64]) -> FloatArray:
        """Members with spreads drawn anew and numbers that keep the products: array like `members`.

        Parameters
        ----------
        members : array (member, unknown). stream : keys the draws, by `rows`, array (member,).

        Notes
        -----
        Given the products, the spread has its prior times their normal density about 0; Metropolis steps on its
        logarithm keep that distribution.
        """
        found = members.copy()
        for number, one in enumerate(self.spreads):
            scale = self.unknowns[one.place].start
            size = np.maximum(self._spread(one, members), _LEAST * scale)
            square = np.sum((size[:, None] * members[:, one.own]) ** 2, axis=1)
            normal = stream.of(f"{stream.purpose}/{number}/jump").normal(rows, _REDRAWS).reshape(rows.size, -1)
            uniform = stream.of(f"{stream.purpose}/{number}/accept").uniform(rows, _REDRAWS).reshape(rows.size, -1)
            now = size
            for k in range(_REDRAWS):
                tried = now * np.exp(_JUMP * normal[:, k])
                gain = _log_density(tried, square, one.own.size, scale) - _log_density(now, square, one.own.size, scale)
                now = np.where(np.log(uniform[:, k]) < gain, tried, now)
            moved = now != size
            found[moved, one.place] = self.unknowns[one.place].unbounded(now[moved])
            # what the rounding of the unbounded scale gives is taken, so that products are kept
            ratio = size[moved] / self._spread(one, found[moved])
            found[np.ix_(moved, one.own)] = members[np.ix_(moved, one.own)] * ratio[:, None]
        return found

    @cached_property
    def center(self) -> FloatArray:
        """Means of the priors on the unbounded scale: array (unknown,). Asked for at every step of a chain."""
        return np.array([one.prior_mean for one in self.unknowns])

    def _spread(self, one: Spread, members: FloatArray) -> FloatArray:
        return self.unknowns[one.place].value(members[:, one.place])

    def _growth(self, one: Spread, members: FloatArray, size: FloatArray) -> FloatArray:
        """How fast a spread grows with its place on the unbounded scale: array (member,)."""
        scale = self.unknowns[one.place].start
        return np.asarray(0.5 * scale * np.exp(0.5 * ((size / scale) ** 2 - members[:, one.place] ** 2)))


def _log_density(spread: FloatArray, square: FloatArray, n: int, scale: float) -> FloatArray:
    """Of the logarithm of a spread with a half-normal prior, given n products; `square` is the sum of their squares."""
    return np.asarray((1 - n) * np.log(spread) - 0.5 * square / spread**2 - 0.5 * (spread / scale) ** 2)
