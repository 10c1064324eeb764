"""Random numbers that belong to a patient, not to a moment.

Every draw is a pure function of (seed, scenario, replicate, purpose, patient, index): Philox4x32-10,
a counter-based generator. Adding an arm, an endpoint, a thread or a chunk therefore changes nobody
else's luck, and any single patient can be simulated again alone.

References
----------
Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engager.core.chance.compiled_philox import compiled_uniform, is_worthwhile

_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], dtype=np.uint64)
_WEYL = np.array([[0x9E3779B9], [0xBB67AE85]], dtype=np.uint64)
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_ROUNDS = 10
# the same for machine code: what the key has grown by in each round, and the multipliers
_ADDED = tuple((int(_WEYL[0, 0]) * k & 0xFFFFFFFF, int(_WEYL[1, 0]) * k & 0xFFFFFFFF) for k in range(_ROUNDS))
_WEIGHTS = int(_MULTIPLIERS[0, 0]), int(_MULTIPLIERS[1, 0])
_MOST_BLOCKS = 2**32  # that machine code counts
# Draws worked on together: four arrays of 64 kB.
_BLOCK = 4096


def philox4x32(
    counter: NDArray[np.uint64], key: tuple[int, int] | tuple[NDArray[np.uint64], NDArray[np.uint64]]
) -> NDArray[np.uint64]:
    """Ten rounds of Philox4x32.

    Parameters
    ----------
    counter : array (draw, 4) of 32-bit words held in uint64.
    key : two 32-bit words, or two arrays (draw,) of them.

    Returns
    -------
    array (draw, 4) of 32-bit words held in uint64.
    """
    columns = np.ascontiguousarray(counter.T)
    keys = np.stack([np.full(columns.shape[1:], one, dtype=np.uint64) for one in key])
    first, second = _rounds(columns[0::2], columns[1::2], keys)
    return np.stack([first[0], second[0], first[1], second[1]], axis=1)


def _rounds(
    first: NDArray[np.uint64], second: NDArray[np.uint64], key: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The rounds: words 0 and 2, and words 1 and 3, of what is drawn; each array (2, draw).

    Parameters
    ----------
    first, second : words 0 and 2, and words 1 and 3, of the counter: array (2, draw).
    key : array (2, draw).

    Notes
    -----
    Pairs of words go through each operation together, in place and in blocks that stay in the cache: a trial asks for
    few draws at a time, of which the number of operations is the cost, and for many, of which new arrays are.
    """
    drawn = np.empty_like(first), np.empty_like(second)
    for start in range(0, first.shape[1], _BLOCK):
        block = np.s_[:, start : start + _BLOCK]
        x, y, k = first[block].copy(), second[block].copy(), key[block].copy()
        product = np.empty_like(x)
        crossed = product[::-1]
        for _ in range(_ROUNDS):
            np.multiply(x, _MULTIPLIERS, out=product)
            np.right_shift(crossed, _SHIFT_32, out=x)
            x ^= y
            x ^= k
            np.bitwise_and(crossed, _LOW_32, out=y)
            k += _WEYL
            k &= _LOW_32
        drawn[0][block], drawn[1][block] = x, y
    return drawn


@dataclass(frozen=True)
class Stream:
    """A source of draws, named by what the draws are for.

    Attributes
    ----------
    seed : the run's seed, any integer.
    scenario : what world the draws belong to, e.g. a study id or ``tower/blinatumomab``.
    replicate : number of the virtual trial, from 0.
    purpose : what the draw decides, e.g. ``age`` or ``death``.
    """

    seed: int
    scenario: str = ""
    replicate: int = 0
    purpose: str = ""

    def of(self, purpose: str) -> Stream:
        """The stream for one purpose of the same world and replicate."""
        return Stream(self.seed, self.scenario, self.replicate, purpose)

    def within(self, scenario: str) -> Stream:
        """The same seed and replicate in another world, e.g. one arm."""
        return replace(self, scenario=scenario)

    def chosen(self, rows: NDArray[np.integer]) -> Stream:
        """The stream of some patients, which is that of all; see `Streams`."""
        return self

    def uniform(self, patient: NDArray[np.integer], n_draws: int = 1) -> NDArray[np.float64]:
        """Draws in the open interval (0, 1).

        Parameters
        ----------
        patient : array (patient,) of numbers >= 0; equal numbers get equal draws.
        n_draws : how many draws each patient needs.

        Returns
        -------
        array (patient, draw), or (patient,) when `n_draws` is 1.
        """
        return uniform_of([self], np.zeros(np.size(patient), dtype=np.int64), patient, n_draws)

    def normal(self, patient: NDArray[np.integer], n_draws: int = 1) -> NDArray[np.float64]:
        """Standard normal draws; shapes as in `uniform`."""
        return as_normal(self.uniform(patient, n_draws))

    def exponential(self, patient: NDArray[np.integer], n_draws: int = 1) -> NDArray[np.float64]:
        """Draws with mean 1; shapes as in `uniform`."""
        return as_exponential(self.uniform(patient, n_draws))

    def _key(self) -> bytes:
        """Two words of key and one of salt."""
        name = f"{int(self.seed)}\x1f{self.scenario}\x1f{int(self.replicate)}\x1f{self.purpose}"
        return hashlib.blake2b(name.encode(), digest_size=12).digest()


@dataclass(frozen=True)
class Streams:
    """A stream for each patient: those of several replicates draw in one go, the same as each from its own `Stream`.

    Attributes
    ----------
    streams : of the replicates.
    which : array (patient,): place in `streams` of each patient's own.
    """

    streams: tuple[Stream, ...]
    which: NDArray[np.integer]

    def of(self, purpose: str) -> Streams:
        """The streams for one purpose of the same worlds and replicates."""
        return Streams(tuple(one.of(purpose) for one in self.streams), self.which)

    def chosen(self, rows: NDArray[np.integer]) -> Streams:
        """The streams of some of the patients."""
        return Streams(self.streams, self.which[rows])

    def uniform(self, patient: NDArray[np.integer], n_draws: int = 1) -> NDArray[np.float64]:
        """Draws in the open interval (0, 1); `patient` and shapes as in `Stream.uniform`."""
        return uniform_of(self.streams, self.which, patient, n_draws)

    def normal(self, patient: NDArray[np.integer], n_draws: int = 1) -> NDArray[np.float64]:
        """Standard normal draws; shapes as in `Stream.uniform`."""
        return as_normal(self.uniform(patient, n_draws))


def uniform_of(
    streams: Sequence[Stream],
    which: NDArray[np.integer],
    patient: NDArray[np.integer],
    n_draws: int = 1,
    occasion: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """Uniform draws of many streams in one go; the same numbers as asking each stream.

    Parameters
    ----------
    streams : the streams. which : array (patient,), the stream of each patient.
    patient, n_draws : as in `Stream.uniform`.
    occasion : array (patient,): draws of other occasions are others; None: 0 for all.

    Returns
    -------
    array (patient, draw), or (patient,) when `n_draws` is 1.
    """
    return uniform_with(key_table(streams)[np.asarray(which)], patient, n_draws, occasion)


def normal_of(streams: Sequence[Stream], patient: int) -> NDArray[np.float64]:
    """One standard normal draw from each of many streams, for the same patient: array (stream,)."""
    if not streams:
        return np.zeros(0)
    return as_normal(uniform_of(streams, np.arange(len(streams)), np.full(len(streams), patient)))


def key_table(streams: Sequence[Stream]) -> NDArray[np.uint64]:
    """What tells streams apart: array (stream, 3) of 32-bit words, two of key and one of salt."""
    words = np.frombuffer(b"".join([stream._key() for stream in streams]), dtype="<u4")
    return words.astype(np.uint64).reshape(-1, 3)


def uniform_with(
    keys: NDArray[np.uint64],
    patient: NDArray[np.integer],
    n_draws: int = 1,
    occasion: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """As `uniform_of`, given each patient's row of `key_table`: array (patient, 3)."""
    numbers = np.asarray(patient).astype(np.uint64).ravel()
    n_blocks = (n_draws + 1) // 2
    if is_worthwhile(numbers.size * n_blocks):
        times = np.zeros(numbers.size, np.uint64) if occasion is None else np.asarray(occasion).astype(np.uint64)
        if int(times.max()) * n_blocks < _MOST_BLOCKS:
            drawn = compiled_uniform(keys, numbers, times, n_draws, _ADDED, _WEIGHTS)
            return drawn[:, 0] if n_draws == 1 else drawn
    shape = (2, numbers.size, n_blocks)
    first, second, key = (np.empty(shape, dtype=np.uint64) for _ in range(3))
    first[0] = np.arange(n_blocks, dtype=np.uint64)
    if occasion is not None:
        first[0] += (np.asarray(occasion).astype(np.uint64) * np.uint64(n_blocks))[:, None]
    second[0], first[1] = (numbers & _LOW_32)[:, None], (numbers >> _SHIFT_32)[:, None]
    second[1] = keys[:, 2][:, None]
    key[:] = keys.T[:2, :, None]
    flat = (2, numbers.size * n_blocks)
    high, low = _rounds(first.reshape(flat), second.reshape(flat), key.reshape(flat))
    value = np.empty((numbers.size * n_blocks, min(n_draws, 2)))
    for k in range(value.shape[1]):
        wide = (high[k] << _SHIFT_32) | low[k]
        # 52 bits and half a step: never 0, never 1.
        value[:, k] = ((wide >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    if n_draws == 1:
        return value[:, 0]
    return value.reshape(numbers.size, 2 * n_blocks)[:, :n_draws]


def as_normal(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal draws from uniform ones, by the quantile function."""
    from scipy.special import ndtri

    found: NDArray[np.float64] = ndtri(uniform)
    return found


def as_exponential(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential draws with mean 1 from uniform ones."""
    return -np.log(uniform)
