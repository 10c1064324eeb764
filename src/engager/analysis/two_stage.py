"""Single-arm designs that count responders: exact characteristics, and Simon's two-stage designs.

In: patients at each look, and the counts at which it stops. Out: probabilities without simulation, for any true
share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engager.core import FloatArray, InputError, Problem

_LARGEST = 200


class TwoStage(NamedTuple):
    """A two-stage design: stop after `n1` patients with at most `r1` responders; else success needs more than `r`
    of `n`.
    """

    r1: int
    n1: int
    r: int
    n: int


class SingleArm(NamedTuple):
    """Exact characteristics of a single-arm design at one true share.

    Attributes
    ----------
    success, futility : array (look,): chance to stop there.
    expected_patients : over both.
    """

    success: FloatArray
    futility: FloatArray
    expected_patients: float


def single_arm_characteristics(
    n_by_look: Sequence[int], success_from: Sequence[float], futility_to: Sequence[float], share: float
) -> SingleArm:
    """Follow the number of responders from look to look.

    Parameters
    ----------
    n_by_look : patients seen at each look, rising.
    success_from : at this many responders or more the trial ends with success; inf: never at this look.
    futility_to : at this many or fewer it ends without; -inf: never. At the last look every count not a success
        is a failure.
    share : true share of responders.
    """
    from scipy.stats import binom

    success, futility = np.zeros(len(n_by_look)), np.zeros(len(n_by_look))
    going = np.ones(1)
    seen = 0
    for k, n in enumerate(n_by_look):
        going = np.convolve(going, binom.pmf(np.arange(n - seen + 1), n - seen, share))
        seen = n
        count = np.arange(n + 1)
        won = count >= success_from[k]
        lost = ~won & ((count <= futility_to[k]) | (k == len(n_by_look) - 1))
        success[k], futility[k] = going[won].sum(), going[lost].sum()
        going = np.where(won | lost, 0.0, going)
    return SingleArm(success, futility, float((success + futility) @ np.asarray(n_by_look, dtype=float)))


def responders_needed(n: int, null_share: float, alpha: float) -> int:
    """The fewest responders of `n` that the exact binomial test takes for more than `null_share`; n + 1: none."""
    from scipy.stats import binom

    count = np.arange(n + 2)
    return int(count[binom.sf(count - 1, n, null_share) <= alpha][0])


def simon_design(
    null_share: float, alternative_share: float, alpha: float, power: float, choose: str = "optimal"
) -> TwoStage:
    """The two-stage design of a wanted error and power that exposes the fewest patients when nothing works.

    Parameters
    ----------
    choose : ``optimal`` (fewest expected patients at the null share) or ``minimax`` (fewest in all).

    Raises
    ------
    InputError
        When no design of at most 200 patients does, or a setting is out of range.

    References
    ----------
    Simon 1989, doi:10.1016/0197-2456(89)90015-9. R: ``clinfun::ph2simon``.
    """
    _check(null_share, alternative_share, alpha, power, choose)
    best: tuple[tuple[float, float], TwoStage] | None = None
    for n in range(_fewest(null_share, alternative_share, alpha, power), _LARGEST + 1):
        if best is not None and choose == "minimax" and n > best[1].n:
            break
        # The first stage alone is a bound of the expected size, so larger first stages need no look.
        for n1 in range(1, n):
            if best is not None and choose == "optimal" and n1 >= best[0][0]:
                break
            for expected, design in _of_size(n1, n, null_share, alternative_share, alpha, power):
                rank = (expected, float(n)) if choose == "optimal" else (float(n), expected)
                if best is None or rank < best[0]:
                    best = (rank, design)
        # A heuristic: optimal designs of Simon's tables are within 1.6 times the smallest that works.
        if best is not None and choose == "optimal" and n > 2.0 * best[1].n:
            break
    if best is None:
        rule = f"has no two-stage design of at most {_LARGEST} patients"
        raise InputError(Problem("simon", [null_share, alternative_share], rule, "Move the two shares apart."))
    return best[1]


def _fewest(p0: float, p1: float, alpha: float, power: float) -> int:
    """No test of fewer patients has the power at this error, with stages or without (Neyman and Pearson)."""
    from scipy.stats import binom

    for n in range(2, _LARGEST + 1):
        count = np.arange(-1, n + 1)
        above = binom.sf(count, n, p0)
        k = int(np.argmax(above <= alpha))
        left = (alpha - above[k]) / binom.pmf(count[k], n, p0)
        if binom.sf(count[k], n, p1) + left * binom.pmf(count[k], n, p1) >= power:
            return n
    return _LARGEST + 1


def _of_size(n1: int, n: int, p0: float, p1: float, alpha: float, power: float) -> list[tuple[float, TwoStage]]:
    """Designs of these stage sizes that keep error and power, each with its expected size at the null share."""
    from scipy.stats import binom

    first = np.arange(n1 + 1)
    pmf0, pmf1 = binom.pmf(first, n1, p0), binom.pmf(first, n1, p1)
    total = np.arange(n + 1)
    # Chance to end above r, of those with `first` responders: array (r, first).
    above0 = binom.sf(total[:, None] - first, n - n1, p0) * pmf0
    above1 = binom.sf(total[:, None] - first, n - n1, p1) * pmf1
    # Going on only above r1: sums over the upper part of `first`.
    error = np.cumsum(above0[:, ::-1], axis=1)[:, ::-1]
    reached = np.cumsum(above1[:, ::-1], axis=1)[:, ::-1]
    found = []
    for r1 in range(n1):
        fits = np.flatnonzero((error[:, r1 + 1] <= alpha) & (reached[:, r1 + 1] >= power))
        if fits.size:
            stop = float(pmf0[: r1 + 1].sum())
            found.append((n1 + (1.0 - stop) * (n - n1), TwoStage(r1, n1, int(fits[0]), n)))
    return found


def _check(p0: float, p1: float, alpha: float, power: float, choose: str) -> None:
    problems = []
    if not 0 < p0 < p1 < 1:
        rule = "must be two shares, the null one below the alternative one"
        problems.append(Problem("simon", [p0, p1], rule))
    if not 0 < alpha < 0.5:
        problems.append(Problem("alpha", alpha, "must be between 0 and 0.5, one-sided"))
    if not 0.5 <= power < 1:
        problems.append(Problem("power", power, "must be in 0.5 to 1, 1 excluded"))
    if choose not in ("optimal", "minimax"):
        problems.append(Problem("choose", choose, "must be optimal or minimax"))
    if problems:
        raise InputError(problems)
