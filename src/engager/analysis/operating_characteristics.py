"""Operating characteristics of a trial design, from what many simulated trials showed at their looks.

In: statistics of each replicate at each look, and the bounds. Out: probabilities with their Monte Carlo error,
sizes, durations, and what stopping does to the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engager.analysis.prediction import LEAST_TOLD
from engager.analysis.proportions import exact_interval
from engager.core import BoolArray, FloatArray


@dataclass(frozen=True)
class LooksAtTrials:
    """What simulated trials of one size show, each array (replicate, look) unless said otherwise.

    Attributes
    ----------
    statistic : what is held against the bounds; larger is better for the treatment; NaN: cannot be worked out.
    takes_place : whether the look is made; the last one always is.
    estimate : effect as the trial would report it then.
    patients, events : entered, and counted in the analysis. months : since the first patient could enter.
    is_log : the estimate is a ratio, averaged on the log scale.
    is_short : array (replicate,): follow-up ended before the planned information was reached.
    n_failed : patients left out because their simulation failed.
    futility : what is held against bounds of futility; None: `statistic`.
    """

    statistic: FloatArray
    takes_place: BoolArray
    estimate: FloatArray
    patients: FloatArray
    events: FloatArray
    months: FloatArray
    is_log: bool
    is_short: BoolArray
    n_failed: int = 0
    futility: FloatArray | None = None


@dataclass(frozen=True)
class Probability:
    """A share of simulated trials: Monte Carlo standard error, and the exact 95 % interval."""

    value: float
    standard_error: float
    low: float
    high: float
    n: int

    @staticmethod
    def of(happened: BoolArray) -> Probability:
        """From whether it happened in each replicate."""
        n, count = int(happened.size), int(np.count_nonzero(happened))
        share = count / n
        limits = exact_interval(count, n)
        error = float(np.sqrt(share * (1.0 - share) / n))
        return Probability(share, error, float(limits.low), float(limits.high), n)


@dataclass(frozen=True)
class Characteristics:
    """How a design behaves in one world.

    Attributes
    ----------
    success : chance of success at any look.
    stops_with_success, stops_for_futility : by look; at the last look the second is the chance to end without
        success.
    expected_patients, expected_events, expected_months : means over the trials at their end.
    months_low, months_high : 95 % of the trials end between.
    estimate_median, estimate_low, estimate_high : of the estimate at stop, 95 % of the trials; a ratio may be 0 or
        infinite, where one arm had no event.
    truth : what all simulated patients together show at the end of follow-up.
    bias : mean estimate at stop minus truth; of a ratio on the log scale. NaN where over 5 % of the trials have no
        estimate of a size.
    short : share of trials whose follow-up ended before the planned information.
    n_failed : patients left out because their simulation failed.
    """

    success: Probability
    stops_with_success: tuple[Probability, ...]
    stops_for_futility: tuple[Probability, ...]
    expected_patients: float
    expected_events: float
    expected_months: float
    months_low: float
    months_high: float
    estimate_median: float
    estimate_low: float
    estimate_high: float
    truth: float
    bias: float
    short: float
    n_failed: int

    def as_json(self) -> dict[str, Any]:
        """As plain values; NaN where nothing could be estimated."""
        from dataclasses import asdict

        return asdict(self)


@dataclass(frozen=True)
class Decisions:
    """How each simulated trial ended, each array (replicate,): at which look, and whether with success."""

    look: NDArray[np.int64]
    success: BoolArray


def decide(trials: LooksAtTrials, upper: FloatArray, lower: FloatArray) -> Decisions:
    """Stop each trial at the first look that is made and crosses a bound.

    Parameters
    ----------
    upper, lower : bounds by look: success at or above `upper`, futility at or below `lower` (-inf: none). At the
        last look whatever is no success has failed; a statistic that cannot be worked out decides nothing before.
    """
    futility = trials.statistic if trials.futility is None else trials.futility
    above = trials.takes_place & (np.nan_to_num(trials.statistic, nan=-np.inf) >= upper)
    below = trials.takes_place & (np.nan_to_num(futility, nan=np.inf) <= lower) & ~above
    stops = above | below
    stops[:, -1] = True
    look = np.argmax(stops, axis=1)
    return Decisions(look, above[np.arange(len(look)), look])


def characteristics(trials: LooksAtTrials, decisions: Decisions, truth: float) -> Characteristics:
    """Sum up how the simulated trials ended.

    Parameters
    ----------
    truth : the effect that `trials.estimate` is held against.
    """
    rows = np.arange(len(decisions.look))

    def at_stop(values: FloatArray) -> FloatArray:
        return np.asarray(values[rows, decisions.look], dtype=float)

    estimate = at_stop(trials.estimate)
    known = estimate[np.isfinite(estimate) & ((estimate > 0) | (not trials.is_log))]
    low, middle, high = _middle_and_ends(estimate[~np.isnan(estimate)], known.size == estimate.size)
    bias = float("nan")
    if known.size >= max(LEAST_TOLD * estimate.size, 1):
        bias = float(np.mean(np.log(known)) - np.log(truth) if trials.is_log else np.mean(known) - truth)
    months = at_stop(trials.months)
    n_looks = trials.statistic.shape[1]
    return Characteristics(
        success=Probability.of(decisions.success),
        stops_with_success=tuple(Probability.of((decisions.look == k) & decisions.success) for k in range(n_looks)),
        stops_for_futility=tuple(Probability.of((decisions.look == k) & ~decisions.success) for k in range(n_looks)),
        expected_patients=float(at_stop(trials.patients).mean()),
        expected_events=float(at_stop(trials.events).mean()),
        expected_months=float(months.mean()),
        months_low=float(np.quantile(months, 0.025)),
        months_high=float(np.quantile(months, 0.975)),
        estimate_median=float(middle),
        estimate_low=float(low),
        estimate_high=float(high),
        truth=float(truth),
        bias=bias,
        short=float(trials.is_short.mean()),
        n_failed=trials.n_failed,
    )


def _middle_and_ends(estimates: FloatArray, is_finite: bool) -> tuple[float, float, float]:
    """The 2.5, 50 and 97.5 % points of the trials' estimates; NaN without any."""
    if not estimates.size:
        return (float("nan"),) * 3
    # between 0 or infinity and its neighbor nothing is interpolated
    low, middle, high = np.quantile(estimates, (0.025, 0.5, 0.975), method="linear" if is_finite else "inverted_cdf")
    return float(low), float(middle), float(high)
