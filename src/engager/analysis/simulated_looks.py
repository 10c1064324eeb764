"""Every look at every simulated trial: what is known then, and what it says.

In: patients of many trials of one size, followed to the end. Out: `LooksAtTrials`. What is said is a function of
counts or times that the caller chooses; larger is better for the treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engager.analysis.cox import cox_hazard_ratio
from engager.analysis.endpoints import EndpointRequest
from engager.analysis.interim import OrderedShares, cut_patients, day_of_events, last_day
from engager.analysis.log_rank import log_rank
from engager.analysis.operating_characteristics import LooksAtTrials
from engager.analysis.sample import Sample, replicate_numbers, sample_of
from engager.core import DAYS_PER_MONTH, FloatArray

if TYPE_CHECKING:
    import polars as pl


class ShareCounts(NamedTuple):
    """Responders and patients of many trials, each array (replicate, stratum)."""

    events: FloatArray
    n: FloatArray
    control_events: FloatArray
    control_n: FloatArray

    def total(self) -> ShareCounts:
        """Over the strata, each array (replicate,)."""
        return ShareCounts(*(part.sum(axis=-1) for part in self))


class TimeSums(NamedTuple):
    """What an exponential model needs, each array (replicate,): events, and log median [log months]."""

    events: FloatArray
    log_median: FloatArray
    control_events: FloatArray
    control_log_median: FloatArray


def looks_at_shares(
    ordered: OrderedShares,
    n_by_look: Sequence[int],
    statistic: Callable[[ShareCounts], FloatArray],
    futility: Callable[[ShareCounts], FloatArray] | None = None,
) -> LooksAtTrials:
    """Look at a yes/no endpoint when the first patients' outcomes are known.

    Parameters
    ----------
    ordered : all patients of trials of one size.
    n_by_look : patients in each analysis, the first to enter; the last is all of them.
    statistic : from counts to array (replicate,).
    futility : the same for bounds of futility, where another scale belongs to them; omitted: `statistic`.
    """
    n_replicates, n_looks = ordered.counted.shape[0], len(n_by_look)
    empty = np.zeros((n_replicates, n_looks))
    found = {name: empty.copy() for name in ("statistic", "futility", "estimate", "patients", "events", "months")}
    for k, n in enumerate(n_by_look):
        counts = _counts(ordered, n)
        total = counts.total()
        day = ordered.known_day[:, :n].max(axis=1)
        found["statistic"][:, k] = statistic(counts)
        found["futility"][:, k] = (futility or statistic)(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = total.events / total.n
            found["estimate"][:, k] = share - total.control_events / total.control_n if _has_control(ordered) else share
        found["patients"][:, k] = (ordered.entry_day <= day[:, None]).sum(axis=1)
        found["events"][:, k] = total.events + total.control_events
        found["months"][:, k] = day / DAYS_PER_MONTH
    return LooksAtTrials(
        **found,
        takes_place=np.ones((n_replicates, n_looks), dtype=bool),
        is_log=False,
        is_short=np.zeros(n_replicates, dtype=bool),
        n_failed=int(ordered.n_failed.sum()),
    )


def pooled_share(ordered: OrderedShares) -> float:
    """The share, or the difference of shares, over the patients of all trials."""
    total = ShareCounts(*(np.array([part.sum()]) for part in _counts(ordered, ordered.counted.shape[1])))
    share = float(total.events[0] / max(total.n[0], 1.0))
    return share - float(total.control_events[0] / max(total.control_n[0], 1.0)) if _has_control(ordered) else share


def _has_control(ordered: OrderedShares) -> bool:
    return not bool(ordered.treated.all())


def _counts(ordered: OrderedShares, n: int) -> ShareCounts:
    """Counts among the first `n` patients to enter."""
    n_strata = int(ordered.stratum.max(initial=0)) + 1
    sides = [ordered.treated[:, :n], ~ordered.treated[:, :n]]
    counted, event = ordered.counted[:, :n], ordered.event[:, :n]
    inside = [ordered.stratum[:, :n] == one for one in range(n_strata)]

    def count(what: NDArray[np.bool_]) -> FloatArray:
        return np.stack([(what & one).sum(axis=1) for one in inside], axis=1).astype(float)

    parts = [count(what & side) for side in sides for what in (event, counted)]
    return ShareCounts(*parts)


def looks_at_times(
    patients: pl.DataFrame,
    request: EndpointRequest,
    arms: Sequence[str],
    events_by_look: Sequence[int],
    end_month: float | None = None,
    statistic: Callable[[TimeSums], FloatArray] | None = None,
) -> LooksAtTrials:
    """Look at a time to event when so many events have happened, or at the end.

    Parameters
    ----------
    patients : all patients of trials of one size, followed to the end.
    request : what is counted; its strata are those of the log-rank test and the hazard ratio.
    arms : the treated arm, and the control arm where there is one.
    events_by_look : rising; empty: one look, by the calendar.
    end_month : calendar month of the last look when it does not wait for events; None: end of all follow-up.
    statistic : from sums of an exponential model to array (replicate,), whose effect is a ratio of medians (a
        median of one arm); None: z of the log-rank test, whose effect is the hazard ratio.

    Notes
    -----
    When follow-up ends before a planned number of events, that look is not made; the last look is then made at the
    end of follow-up.
    """
    numbers = replicate_numbers(patients)  # before the first entry a look finds nobody
    end = last_day(patients)
    if end_month is not None and not events_by_look:
        end = np.minimum(end, end_month * DAYS_PER_MONTH)
    days = [day_of_events(patients, request, n) for n in events_by_look] or [end]
    is_short = ~np.isfinite(days[-1])
    n_looks = len(days)
    empty = np.zeros((end.size, n_looks))
    found = {name: empty.copy() for name in ("statistic", "estimate", "patients", "events", "months")}
    for k, planned in enumerate(days):
        # Just after the last day, so that what happened on it is seen.
        day = np.where(np.isfinite(planned), planned, end + 1e-6)
        cut = cut_patients(patients, day)
        sample = sample_of(cut, arms, request, replicates=numbers)
        event = sample.counted & (sample.cause == 1)
        place = np.searchsorted(numbers, cut["replicate"].to_numpy())
        found["patients"][:, k] = np.bincount(place, minlength=numbers.size)
        found["events"][:, k] = event.sum(axis=1)
        found["months"][:, k] = day / DAYS_PER_MONTH
        if statistic is None:
            tested = log_rank(sample.days, event, sample.treated_arm, sample.stratum, sample.counted)
            usable = tested.variance > 0
            spread = np.sqrt(np.where(usable, tested.variance, 1.0))
            found["statistic"][:, k] = np.where(usable, (tested.expected - tested.observed) / spread, np.nan)
            ratio = cox_hazard_ratio(sample.days, event, sample.treated_arm, sample.stratum, sample.counted)
            found["estimate"][:, k] = ratio.value
        else:
            sums = _sums(sample, event)
            found["statistic"][:, k] = statistic(sums)
            found["estimate"][:, k] = _median_effect(sums, len(arms) > 1)
    return LooksAtTrials(
        **found,
        takes_place=np.isfinite(np.stack([*days[:-1], np.zeros(end.size)], axis=1)),
        is_log=True,
        is_short=is_short,
        n_failed=int(patients["failed"].sum()),
    )


def pooled_effect(
    patients: pl.DataFrame, request: EndpointRequest, arms: Sequence[str], of_medians: bool = False
) -> float:
    """The hazard ratio over all trials, each its own stratum; or the ratio of exponential medians (or one median).

    Parameters
    ----------
    patients, request, arms : as in `looks_at_times`. of_medians : the second of the two.
    """
    sample = sample_of(patients, arms, request)
    event = sample.counted & (sample.cause == 1)
    if of_medians:
        flat = Sample(*(_in_one_row(part) for part in vars(sample).values()))
        return float(_median_effect(_sums(flat, _in_one_row(event)), len(arms) > 1)[0])
    rows = np.arange(sample.counted.shape[0])[:, None] * (int(sample.stratum.max(initial=0)) + 1)
    stratum = (sample.stratum + rows).ravel()
    sides = sample.treated_arm.ravel(), stratum, sample.counted.ravel()
    return float(cox_hazard_ratio(sample.days.ravel(), event.ravel(), *sides).value)


def _in_one_row(part: NDArray[Any]) -> NDArray[Any]:
    return part.reshape(1, -1)


def _sums(sample: Sample, event: NDArray[np.bool_]) -> TimeSums:
    found = []
    for side in (sample.treated_arm, ~sample.treated_arm):
        events = (event & side).sum(axis=1).astype(float)
        exposure = np.where(sample.counted & side, sample.days, 0.0).sum(axis=1) / DAYS_PER_MONTH
        known = (events > 0) & (exposure > 0)
        median = np.log(2.0) * np.where(known, exposure, 1.0) / np.where(known, events, 1.0)
        found += [np.where(known, events, 0.0), np.where(known, np.log(median), np.nan)]
    return TimeSums(*found)


def _median_effect(sums: TimeSums, has_control: bool) -> FloatArray:
    return np.exp(sums.log_median - (sums.control_log_median if has_control else 0.0))
