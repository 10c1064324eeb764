"""Draws of the unknowns given what was published, with an emulator in the place of the simulator.

Published figures are normal about the emulator's, with the variance of their sampling error and of the emulator's
doubt; unknowns have their priors, among them half-normal ones for the spreads between studies and regimens, whose
products with standard normal numbers are what a study differs in. That density has a gradient, so it is sampled as it
is: no step is linear, and a spread is drawn together with what it multiplies. Where figures tell the products well, a
spread and its numbers pull against each other and a trajectory hardly moves them; so after each one spreads are also
drawn with their products held, which no figure feels. As many chains as draws are wanted run side by side, each from
its own draw of the normal approximation at the mode; the last place of each is kept. A study is left out by giving its
figures no weight.

Not here: simulation (`fit`), and what an unknown is (`unknowns`, `hierarchy`).

References
----------
Neal 2011, "MCMC using Hamiltonian dynamics", arXiv:1206.1901.
Girolami & Calderhead 2011, doi:10.1111/j.1467-9868.2010.00765.x (the metric from expected information; here that at
the mode).
Yu & Meng 2011, "To center or not to center", doi:10.1198/jcgs.2011.203main (both parametrizations in turn).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engager.calibration.population.emulator import Emulator
from engager.calibration.population.natural_scale import NaturalScale
from engager.core import BoolArray, FloatArray, Stream, Tell, share_out

# A chain's steps: their number per trajectory at most, and their length in standard deviations of the normal
# approximation. Each chain draws its length anew, mostly long and now and then short, so that none is stuck where a
# figure bends.
_MOST_STEPS = 14
_LONGEST, _SHORTEST = 0.45, 0.025
TRAJECTORIES, FINAL_TRAJECTORIES = 200, 500
_MODE_STEPS = 60
_CHAINS_AT_ONCE = 75


class _At(NamedTuple):
    """Chains at their places: log density, its gradient, both for each draw."""

    members: FloatArray
    density: FloatArray
    gradient: FloatArray


class _Walk(NamedTuple):
    """What all chains share: the mode and the information there, weights of the figures, chance, and their length."""

    mode: FloatArray
    information: FloatArray
    weight: FloatArray
    stream: Stream
    trajectories: int


@dataclass(frozen=True)
class EmulatedPosterior:
    """The density of the unknowns on the unbounded scale, on which every prior is normal with standard deviation 1.

    Attributes
    ----------
    observed, variance : arrays (datum,), published figures and the variance of their sampling error.
    """

    emulator: Emulator
    scale: NaturalScale
    observed: FloatArray
    variance: FloatArray

    def weights(self, seen: BoolArray | None = None) -> FloatArray:
        """One over the variance of each figure about the emulator's: array (datum,); 0 for a figure not `seen`."""
        weight = 1.0 / (self.variance + self.emulator.doubt)
        return weight if seen is None else np.where(seen, weight, 0.0)

    def draws(
        self,
        n: int,
        stream: Stream,
        seen: BoolArray | None = None,
        trajectories: int = TRAJECTORIES,
        n_processes: int = 1,
    ) -> FloatArray:
        """Independent draws: array (draw, unknown).

        Parameters
        ----------
        n : number of chains, of each of which the last place is a draw. stream : keys every random number.
        seen : array (datum,), False for figures to be left out; None: all are seen.
        trajectories : of each chain.
        n_processes : at work at a time; the result does not depend on it.
        """
        weight = self.weights(seen)
        mode, information = self._mode(weight)
        pieces = [np.arange(n)[k : k + _CHAINS_AT_ONCE] for k in range(0, n, _CHAINS_AT_ONCE)]
        walk = _Walk(mode, information, weight, stream, trajectories)
        tasks = [(self, rows, walk) for rows in pieces]
        by_piece = dict(share_out(_chains, tasks, n_processes))
        return np.concatenate([by_piece[k] for k in range(len(pieces))])

    def _walked(self, rows: NDArray[np.int64], walk: _Walk) -> FloatArray:
        """Last places of the chains of these numbers: array (chain, unknown)."""
        mode, information, weight, stream, trajectories = walk
        lower = np.asarray(np.linalg.cholesky(information), dtype=np.float64)
        mass = np.asarray(np.linalg.inv(information), dtype=np.float64)
        start = _keyed(stream, "start").normal(rows, mode.size).reshape(rows.size, -1)
        at = self._evaluated(mode + np.linalg.solve(lower.T, start.T).T, weight)
        for k in range(trajectories):
            momentum = _keyed(stream, f"momentum/{k}").normal(rows, mode.size).reshape(rows.size, -1) @ lower.T
            uniform = _keyed(stream, f"step/{k}").uniform(rows, 2).reshape(rows.size, 2)
            length = _LONGEST * (_SHORTEST / _LONGEST) ** (uniform[:, :1] ** 2)
            steps = 1 + int(_keyed(stream, f"number/{k}").uniform(np.array([0]))[0] * _MOST_STEPS)
            proposed, end = self._trajectory(at, momentum, mass, length, steps, weight)
            with np.errstate(over="ignore", invalid="ignore"):  # of one that ran away
                gain = (proposed.density - _kinetic(end, mass)) - (at.density - _kinetic(momentum, mass))
            accepted = np.log(uniform[:, 1]) < np.where(np.isnan(gain), -np.inf, gain)
            walked = _At(*(np.where(accepted[:, None] if a.ndim > 1 else accepted, b, a)
                       for a, b in zip(at, proposed, strict=True)))  # fmt: skip
            members = self.scale.spreads_redrawn(walked.members, _keyed(stream, f"spreads/{k}"), rows)
            at = self._evaluated(members, weight) if self.scale.spreads else walked
        return at.members

    def _trajectory(
        self, at: _At, momentum: FloatArray, mass: FloatArray, length: FloatArray, steps: int, weight: FloatArray
    ) -> tuple[_At, FloatArray]:
        """Leapfrog steps from `at`: where they end and with what momentum."""
        momentum = momentum + 0.5 * length * at.gradient
        # a trajectory that runs away ends in infinity, and is not accepted
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(steps):
                at = self._evaluated(at.members + length * (momentum @ mass), weight)
                momentum = momentum + (length if step < steps - 1 else 0.5 * length) * at.gradient
        return at, momentum

    def _evaluated(self, members: FloatArray, weight: FloatArray) -> _At:
        expected, pull = self.emulator.expected_and_pull(self.scale.of(members))
        left = self.observed - expected
        from_prior = members - self.scale.center
        density = -0.5 * np.sum(weight * left**2, axis=1) - 0.5 * np.sum(from_prior**2, axis=1)
        slope = self.emulator.pulled_back(weight * left, pull)
        gradient = self.scale.gradient(members, slope) - from_prior
        return _At(members, density, gradient)

    def _mode(self, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where the density is highest and the information there: arrays (unknown,) and (unknown, unknown).

        Damped Gauss-Newton steps; a step that does not climb is tried again shorter.
        """
        center = self.scale.center
        at = self._evaluated(center[None, :], weight)
        damping = 1.0
        for _ in range(_MODE_STEPS):
            information = self._information(at.members[0], weight)
            damped = information + (damping - 1.0) * np.diag(np.diag(information))
            tried = self._evaluated(at.members + np.linalg.solve(damped, at.gradient[0]), weight)
            if tried.density[0] > at.density[0]:
                settled = tried.density[0] - at.density[0] < 1e-6
                at, damping = tried, max(0.5 * damping, 1.0)
                if settled:
                    break
            else:
                damping *= 4.0
        return at.members[0], self._information(at.members[0], weight)

    def _information(self, member: FloatArray, weight: FloatArray) -> FloatArray:
        """Expected information of the density at a place: array (unknown, unknown)."""
        slopes = self.emulator.jacobian(self.scale.of(member[None, :])[0])
        on_members = self.scale.gradient(np.tile(member, (len(slopes), 1)), slopes)
        return np.asarray(np.eye(member.size) + on_members.T @ (weight[:, None] * on_members))


def _chains(posterior: EmulatedPosterior, rows: NDArray[np.int64], walk: _Walk, tell: Tell) -> FloatArray:
    # matrices are small: threads of the linear algebra would wait for each other
    with threadpool_limits(1):
        return posterior._walked(rows, walk)


def _keyed(stream: Stream, purpose: str) -> Stream:
    return stream.of(f"{stream.purpose}/{purpose}")


def _kinetic(momentum: FloatArray, mass: FloatArray) -> FloatArray:
    return np.asarray(0.5 * np.sum((momentum @ mass) * momentum, axis=1))
