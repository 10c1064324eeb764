"""Who of a study's list of patients goes to which arm: permuted blocks within strata.

In: the study and the stream of each replicate. Out: the numbers, in the study's list, of each arm's patients. The list
has no end, so the first patients of an arm are the same however many it has, and one arm can be asked alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engager.core import IntArray, Stream, uniform_of

# Where an arm's n-th patient is expected on the list, blocks apart; searched on when it comes later.
_MARGIN = 1.1


@dataclass(frozen=True)
class Strata:
    """In which stratum each patient of some lists is.

    Attributes
    ----------
    names : of the strata, which key the draws of their blocks.
    place : array (stream, patient): each patient's stratum, by its place in `names`.
    """

    names: Sequence[str]
    place: IntArray


# Strata of the patients with these numbers on the lists of these streams.
Stratify = Callable[[Sequence[Stream], IntArray], Strata]


def one_stratum(streams: Sequence[Stream], numbers: IntArray) -> Strata:
    """Everybody in the same."""
    return Strata([""], np.zeros((len(streams), numbers.size), dtype=np.int64))


def dealt(
    sizes: Mapping[int, int], ratio: Sequence[int], block: int, streams: Sequence[Stream], stratify: Stratify
) -> dict[int, IntArray]:
    """Numbers, in each list, of the first patients whom the blocks give to each arm.

    Parameters
    ----------
    sizes : how many patients are wanted, by the arm's place among the arms.
    ratio : patients per arm within a block of the ratio's sum.
    block : block length, a multiple of that sum.
    streams : seed, study and replicate of each list; block k of a stratum has its own draw.

    Returns
    -------
    By arm, array (stream, patient), rising.

    Notes
    -----
    When an arm is full, later patients whom the blocks give to it do not enter. They are like the others, so this
    takes nothing from the comparison; arms end within about a block per stratum of the ratio in every stratum.
    """
    length = block + max(int(np.ceil(_MARGIN * n * sum(ratio) / ratio[arm])) for arm, n in sizes.items())
    found = {arm: np.empty((len(streams), n), dtype=np.int64) for arm, n in sizes.items()}
    waiting = np.arange(len(streams))
    while waiting.size:
        asked = [streams[int(i)] for i in waiting]
        arms = deal(stratify(asked, np.arange(length)), ratio, block, asked)
        is_full = np.ones(waiting.size, dtype=bool)
        for arm, n in sizes.items():
            owned = arms == arm
            rank = np.cumsum(owned, axis=1)
            is_full &= rank[:, -1] >= n
            which, number = np.nonzero(owned & (rank <= n))
            found[arm][waiting[which], rank[which, number] - 1] = number
        waiting = waiting[~is_full]
        length *= 2
    return found


def deal(strata: Strata, ratio: Sequence[int], block: int, streams: Sequence[Stream]) -> IntArray:
    """The arm of each patient of the lists, by its place among the arms: array (stream, patient)."""
    shares = np.repeat(np.arange(len(ratio)), np.array(ratio) * (block // sum(ratio)))
    arms = np.empty(strata.place.shape, dtype=np.int64)
    for place, name in enumerate(strata.names):
        members = strata.place == place
        n_blocks = -(-int(members.sum(axis=1).max(initial=0)) // block)
        if not n_blocks:
            continue
        own = [stream.of(f"allocation/{name}") for stream in streams]
        which = np.repeat(np.arange(len(streams)), n_blocks)
        draws = uniform_of(own, which, np.tile(np.arange(n_blocks), len(streams)), block)
        order = shares[np.argsort(draws.reshape(-1, block), axis=1)].reshape(len(streams), n_blocks * block)
        stream, patient = np.nonzero(members)
        rank = np.cumsum(members, axis=1)[stream, patient] - 1
        arms[stream, patient] = order[stream, rank]
    return arms
