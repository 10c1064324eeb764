"""Who of a study's list of patients goes to which arm: permuted blocks within strata.

In: the study and the stream of one replicate. Out: the numbers, in the study's list, of an arm's patients. The list
has no end, so the first patients of an arm are the same however many it has, and one arm can be asked alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engager.core import IntArray, Stream

# Strata of the patients with these numbers on the lists of these streams: array (stream, patient) of labels.
Strata = Callable[[Sequence[Stream], IntArray], NDArray[np.str_]]

# Where an arm's n-th patient is expected on the list, blocks apart; searched on when it comes later.
_MARGIN = 1.1


def dealt_to(
    arm: int, n: int, ratio: Sequence[int], block: int, streams: Sequence[Stream], strata: Strata | None = None
) -> IntArray:
    """Numbers, in each list, of the first `n` patients whom the blocks give to an arm: array (stream, patient), rising.

    Parameters
    ----------
    arm : its place among the arms.
    ratio : patients per arm within a block of the ratio's sum.
    block : block length, a multiple of that sum.
    streams : seed, study and replicate of each list; block k of a stratum has its own draw.
    strata : labels of the patients' strata; None: all are one stratum.

    Notes
    -----
    When an arm is full, later patients whom the blocks give to it do not enter. They are like the others, so this
    takes nothing from the comparison; arms end within about a block per stratum of the ratio in every stratum.
    """
    length = block + int(np.ceil(_MARGIN * n * sum(ratio) / ratio[arm]))
    found = np.empty((len(streams), n), dtype=np.int64)
    waiting = list(range(len(streams)))
    while waiting:
        asked = [streams[i] for i in waiting]
        labels = np.full((len(asked), length), "") if strata is None else strata(asked, np.arange(length))
        owned = [
            np.flatnonzero(deal(one, ratio, block, stream) == arm) for one, stream in zip(labels, asked, strict=True)
        ]
        for i, own in zip(waiting, owned, strict=True):
            found[i, : own.size] = own[:n]
        waiting = [i for i, own in zip(waiting, owned, strict=True) if own.size < n]
        length *= 2
    return found


def deal(labels: NDArray[np.str_], ratio: Sequence[int], block: int, stream: Stream) -> IntArray:
    """The arm of each patient of the list, by its place among the arms: array (patient,).

    Parameters
    ----------
    labels : array (patient,): stratum of each patient, in the order of the list.
    """
    shares = np.repeat(np.arange(len(ratio)), np.array(ratio) * (block // sum(ratio)))
    arms = np.empty(labels.size, dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        n_blocks = -(-members.size // block)
        draws = stream.of(f"allocation/{label}").uniform(np.arange(n_blocks), block).reshape(n_blocks, block)
        arms[members] = shares[np.argsort(draws, axis=1)].ravel()[: members.size]
    return arms
