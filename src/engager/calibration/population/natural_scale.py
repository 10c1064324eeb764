"""The scale on which figures are even in the unknowns: what a study differs in as itself, not as spread and number.

On the unbounded scale the effect of a study is a standard normal number that its spread multiplies. A figure feels the
product alone. Here are the map between the two and the chain rule back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.calibration.population.unknowns import Unknown
from engager.core import BoolArray, FloatArray


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

    @property
    def center(self) -> FloatArray:
        """Means of the priors on the unbounded scale: array (unknown,)."""
        return np.array([one.prior_mean for one in self.unknowns])

    def _spread(self, one: Spread, members: FloatArray) -> FloatArray:
        return self.unknowns[one.place].value(members[:, one.place])

    def _growth(self, one: Spread, members: FloatArray, size: FloatArray) -> FloatArray:
        """How fast a spread grows with its place on the unbounded scale: array (member,)."""
        scale = self.unknowns[one.place].start
        return np.asarray(0.5 * scale * np.exp(0.5 * ((size / scale) ** 2 - members[:, one.place] ** 2)))
