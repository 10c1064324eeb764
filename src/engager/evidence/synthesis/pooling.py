"""Pooled estimates of published figures: shares, medians of survival, hazard ratios (`pooling_survival`: landmarks).

Shares are pooled by a binomial-normal model (exact likelihood) and, beside it, by inverse variance on the
logit with REML; medians and ratios on the log scale. A model that cannot be fitted gives no number and says
why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy.special import expit

from engager.core import FloatArray, InputError, Problem
from engager.evidence.records import vocabulary as words
from engager.evidence.records.catalogue import find_records
from engager.evidence.records.intervals import exact_interval, standard_error_from_interval
from engager.evidence.records.outcome import Outcome
from engager.evidence.records.overlaps import without_overlap
from engager.evidence.records.record import Record
from engager.evidence.synthesis.binomial_normal import fit_binomial_normal
from engager.evidence.synthesis.pooled import Estimate, Pooled
from engager.evidence.synthesis.pooling_parts import (
    check_grouping,
    interval_remarks,
    inverse_variance,
    known_covariates,
    published_rows,
    regression_on,
    subgroup_estimates,
    weights_of,
    where_from,
)
from engager.evidence.synthesis.selection import Selection, Study

METHODS = ("glmm", "reml", "common")


def pool_proportions(
    selection: Selection,
    method: str = "glmm",
    by: str | None = None,
    covariates: Sequence[str] = (),
    level: float = 0.95,
) -> Pooled:
    """Pool shares.

    Parameters
    ----------
    selection : from `select` with statistic ``proportion``.
    method : ``glmm`` (binomial-normal), ``reml`` (inverse variance on the logit, Hartung-Knapp) or
        ``common``.
    by : attribute of a study that makes subgroups: regimen, drug_class, setting, design.
    covariates : any of year, age, first_salvage, blasts; one regression each.
    """
    _check_method(method, METHODS)
    check_grouping(by)
    known_covariates(covariates)
    studies = selection.studies
    events = np.array([study.events for study in studies], dtype=float)
    n = np.array([study.n for study in studies], dtype=float)
    effect, variance = logits(events, n)
    estimate = _proportion(events, n, method, level)
    others = tuple(_proportion(events, n, other, level) for other in METHODS if other != method)
    keep = ~np.eye(len(studies), dtype=bool)
    without = tuple(
        (study.label, _proportion(events[rows], n[rows], method, level))
        for study, rows in zip(studies, keep, strict=True)
        if len(studies) > 2
    )
    groups, p = subgroup_estimates(
        studies, by, lambda rows: _proportion(events[rows], n[rows], method, level), effect, variance
    )
    return Pooled(
        endpoint=selection.endpoint,
        statistic="proportion",
        level=level,
        estimate=estimate,
        others=others,
        rows=_proportion_rows(studies, weights_of(effect, variance, estimate), level),
        n_patients=int(n.sum()),
        events=int(events.sum()),
        leave_one_out=without,
        subgroups=groups,
        subgroup_p=p,
        regressions=tuple(
            regression_on(name, studies, effect, variance, level) for name in known_covariates(covariates)
        ),
        left_out=selection.left_out,
        remarks=(*selection.remarks, *interval_remarks(len(studies), estimate, *others)),
    )


def pool_medians(
    selection: Selection, by: str | None = None, covariates: Sequence[str] = (), level: float = 0.95
) -> Pooled:
    """Pool medians of a time to event [months] on the log scale by REML; only those with a published
    interval.

    The median of the medians, weighted by patients, which needs no interval, stands beside it as method
    ``median_of_medians``.

    References
    ----------
    McGrath et al. 2019, doi:10.1002/sim.8013 (pooling medians).
    """
    check_grouping(by)
    known_covariates(covariates)
    withheld = [study for study in selection.studies if _log_interval(study) is None]
    studies = [study for study in selection.studies if _log_interval(study) is not None]
    reason = "no finite interval in the record, so it has no weight; it counts in the median of medians"
    left_out = (*selection.left_out, *(f"{study.record}/{study.arm}: {reason}" for study in withheld))
    effect = np.array([np.log(study.outcome.value or np.nan) for study in studies])
    variance = np.array([(_log_interval(study) or np.nan) ** 2 for study in studies])
    estimate = inverse_variance(effect, variance, "reml", level, np.exp)
    groups, p = subgroup_estimates(
        studies,
        by,
        lambda rows: inverse_variance(effect[rows], variance[rows], "reml", level, np.exp),
        effect,
        variance,
    )
    keep = ~np.eye(len(studies), dtype=bool)
    return Pooled(
        endpoint=selection.endpoint,
        statistic="median",
        level=level,
        estimate=estimate,
        others=(
            inverse_variance(effect, variance, "common", level, np.exp),
            _median_of_medians(selection.studies, level),
        ),
        rows=published_rows(studies, weights_of(effect, variance, estimate)) + published_rows(withheld, None),
        n_patients=_sum_n(selection.studies),
        events=None,
        leave_one_out=tuple(
            (study.label, inverse_variance(effect[rows], variance[rows], "reml", level, np.exp))
            for study, rows in zip(studies, keep, strict=True)
            if len(studies) > 2
        ),
        subgroups=groups,
        subgroup_p=p,
        regressions=tuple(
            regression_on(name, studies, effect, variance, level) for name in known_covariates(covariates)
        ),
        left_out=left_out,
        remarks=(*selection.remarks, *interval_remarks(len(studies), estimate)),
    )


@dataclass(frozen=True)
class _Ratio:
    """A hazard ratio between two arms of a randomized trial."""

    record: Record
    outcome: Outcome

    @property
    def effect(self) -> float:
        """Its logarithm."""
        return float(np.log(cast(float, self.outcome.value)))

    @property
    def variance(self) -> float:
        """Of the logarithm, from the published interval."""
        low, high = np.log(cast(float, self.outcome.low)), np.log(cast(float, self.outcome.high))
        return float(standard_error_from_interval(low, high, self.outcome.level) ** 2)

    def row(self, weight: float | None) -> dict[str, Any]:
        """What a table and a forest plot tell of it."""
        record, outcome = self.record, self.outcome
        return {
            "label": f"{record.id}, {outcome.arm}",
            "record": record.id,
            "arm": outcome.arm,
            "reference": record.reference,
            "year": record.citation.year,
            "events": None,
            "n": record.n,
            "value": outcome.value,
            "low": outcome.low,
            "high": outcome.high,
            "level": outcome.level,
            "is_exact": False,
            "weight": weight,
        }


def pool_hazard_ratios(endpoint: str, year: str | None = None, level: float = 0.95) -> Pooled:
    """Pool hazard ratios between the arms of randomized trials, on the log scale by REML, one per trial.

    They compare different treatments with different controls: the mean says how new drugs did on average, the
    network keeps them apart.
    """
    wanted = words.known_endpoint(endpoint, "--endpoint").name
    kept, left_out = _ratios_between_arms(wanted, year)
    if not kept:
        rule = "has no hazard ratio between randomized arms with a published interval"
        raise InputError(Problem("--endpoint", endpoint, rule, "; ".join(left_out)))
    effect, variance = np.array([one.effect for one in kept]), np.array([one.variance for one in kept])
    estimate = inverse_variance(effect, variance, "reml", level, np.exp)
    weights = weights_of(effect, variance, estimate)
    rows = tuple(one.row(None if weights is None else float(weights[i])) for i, one in enumerate(kept))
    differ = ("the ratios are of different treatments and controls",) if len(kept) > 1 else ()
    return Pooled(
        endpoint=wanted,
        statistic="hazard_ratio",
        level=level,
        estimate=estimate,
        others=(inverse_variance(effect, variance, "common", level, np.exp),),
        rows=rows,
        n_patients=sum(row["n"] or 0 for row in rows),
        events=None,
        left_out=tuple(left_out),
        remarks=(*differ, *interval_remarks(len(kept), estimate)),
    )


def _ratios_between_arms(endpoint: str, year: str | None) -> tuple[list[_Ratio], list[str]]:
    """The ratios that can be pooled, no patient twice, and why each of the others is left out."""
    from engager.evidence.records.library import load_records

    found: list[tuple[str, int, _Ratio]] = []
    left_out: list[str] = []
    for record in find_records(endpoint=endpoint, year=year):
        sizes = {arm.id: arm.n or 0 for arm in record.arms}
        for outcome in record.outcomes:
            if outcome.endpoint != endpoint or outcome.statistic != "hazard_ratio" or outcome.subgroup is not None:
                continue
            if why := _why_not_pooled(record, outcome):
                left_out.append(f"{record.id}: {outcome.arm}{why}")
            else:
                treatment = outcome.arm.partition(" vs ")[0]
                found.append((f"{record.id}/{treatment}", sizes[treatment], _Ratio(record, outcome)))
    kept, shared = without_overlap(found, load_records())
    return kept, left_out + [str(entry) for entry in shared]


def _why_not_pooled(record: Record, outcome: Outcome) -> str:
    """Why a hazard ratio cannot be pooled; empty when it can."""
    treatment, _, control = outcome.arm.partition(" vs ")
    if not {treatment, control} <= {arm.id for arm in record.arms}:
        return ": not a comparison of arms"
    if record.kind not in ("randomized_trial", "press_release"):
        return ": the arms were not randomized"
    if outcome.low is None or outcome.high is None or outcome.value is None:
        about = f" ({outcome.definition})" if outcome.definition else ""
        return f"{about}: no interval in the record"
    return ""


def logits(events: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logits and their variances, each array (study,); half an event is added only where there are none,
    or only events.
    """
    add = np.where((events == 0) | (events == n), 0.5, 0.0)
    return np.log((events + add) / (n - events + add)), 1 / (events + add) + 1 / (n - events + add)


def _proportion(events: FloatArray, n: FloatArray, method: str, level: float) -> Estimate:
    try:
        if method == "glmm":
            fit = fit_binomial_normal(events, n, level=level)
            mean, low, high = (float(expit(value)) for value in fit.at())
            lowest, highest = (float(expit(value)) for value in fit.prediction())
            return Estimate(method, mean, low, high, lowest, highest, tau2=fit.tau2)
        return inverse_variance(*logits(events, n), method, level, expit)
    except ValueError as error:
        low, high = exact_interval(int(events.sum()), int(n.sum()), level)
        counts = f"{int(events.sum())}/{int(n.sum())}"
        together = f"taken together: {counts}, exact interval {low:.3f} to {high:.3f} if all studies are alike"
        return Estimate(method, failure=f"{error} ({together})")


def _median_of_medians(studies: Sequence[Study], level: float) -> Estimate:
    """The median of the published medians, each counted once per patient; no interval."""
    known = [(study.outcome.value, study.outcome.n) for study in studies if study.outcome.n and study.outcome.value]
    if len(known) < 2:
        return Estimate("median_of_medians", failure="it takes at least 2 medians with a number of patients")
    values, n = (np.array(column, dtype=float) for column in zip(*sorted(known), strict=True))
    middle = np.cumsum(n) / n.sum()
    return Estimate("median_of_medians", float(values[int(np.searchsorted(middle, 0.5))]))


def _proportion_rows(studies: Sequence[Study], weights: FloatArray | None, level: float) -> tuple[dict[str, Any], ...]:
    rows = []
    for index, study in enumerate(studies):
        assert study.events is not None
        assert study.n is not None
        low, high = exact_interval(study.events, study.n, level)
        published = study.outcome.low is not None and study.outcome.high is not None
        rows.append(
            {
                **where_from(study),
                "events": study.events,
                "n": study.n,
                "value": study.events / study.n,
                "low": study.outcome.low if published else low,
                "high": study.outcome.high if published else high,
                "level": study.outcome.level if published else level,
                "is_exact": not published,
                "weight": None if weights is None else float(weights[index]),
            }
        )
    return tuple(rows)


def _log_interval(study: Study) -> float | None:
    """Standard error of the log median, from a finite published interval."""
    low, high = study.outcome.low, study.outcome.high
    if low is None or high is None or low <= 0 or not study.outcome.value:
        return None
    return standard_error_from_interval(float(np.log(low)), float(np.log(high)), study.outcome.level)


def _sum_n(studies: Sequence[Study]) -> int | None:
    return sum(study.outcome.n or 0 for study in studies) or None


def _check_method(method: str, allowed: Sequence[str]) -> None:
    if method not in allowed:
        raise InputError(Problem("--method", method, "must be one of " + ", ".join(allowed)))
