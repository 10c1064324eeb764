"""Pooled estimates of published figures: shares, medians of survival, hazard ratios.

Shares are pooled by a binomial-normal model (exact likelihood) and, beside it, by inverse variance on the
logit with REML; medians and ratios on the log scale. A model that cannot be fitted gives no number and says
why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2

from engager.core import InputError, Problem
from engager.evidence import vocabulary as words
from engager.evidence.binomial_normal import fit_binomial_normal
from engager.evidence.catalogue import find_records
from engager.evidence.intervals import exact_interval, standard_error_from_interval
from engager.evidence.meta_analysis import MetaFit, fit_random_effects
from engager.evidence.overlaps import without_overlap
from engager.evidence.pooled import Estimate, Pooled, Regression
from engager.evidence.study_selection import COVARIATES, Selection, Study

Array = NDArray[np.float64]
METHODS = ("glmm", "reml", "common")
GROUPINGS = ("regimen", "drug_class", "setting", "design")


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
    _check_by(by)
    _known(covariates)
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
    groups, p = _subgroups(
        studies, by, lambda rows: _proportion(events[rows], n[rows], method, level), effect, variance
    )
    return Pooled(
        endpoint=selection.endpoint,
        statistic="proportion",
        level=level,
        estimate=estimate,
        others=others,
        rows=_proportion_rows(studies, _weights(effect, variance, estimate), level),
        n_patients=int(n.sum()),
        events=int(events.sum()),
        leave_one_out=without,
        subgroups=groups,
        subgroup_p=p,
        regressions=tuple(_regression(name, studies, effect, variance, level) for name in _known(covariates)),
        left_out=selection.left_out,
        remarks=selection.remarks,
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
    _check_by(by)
    _known(covariates)
    withheld = [study for study in selection.studies if _log_interval(study) is None]
    studies = [study for study in selection.studies if _log_interval(study) is not None]
    reason = "no finite interval was published, so it has no weight; it counts in the median of medians"
    left_out = (*selection.left_out, *(f"{study.record}/{study.arm}: {reason}" for study in withheld))
    effect = np.array([np.log(study.outcome.value or np.nan) for study in studies])
    variance = np.array([(_log_interval(study) or np.nan) ** 2 for study in studies])
    estimate = _generic(effect, variance, "reml", level, np.exp)
    groups, p = _subgroups(
        studies,
        by,
        lambda rows: _generic(effect[rows], variance[rows], "reml", level, np.exp),
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
            _generic(effect, variance, "common", level, np.exp),
            _median_of_medians(selection.studies, level),
        ),
        rows=_published_rows(studies, _weights(effect, variance, estimate)) + _published_rows(withheld, None),
        n_patients=_sum_n(selection.studies),
        events=None,
        leave_one_out=tuple(
            (study.label, _generic(effect[rows], variance[rows], "reml", level, np.exp))
            for study, rows in zip(studies, keep, strict=True)
            if len(studies) > 2
        ),
        subgroups=groups,
        subgroup_p=p,
        regressions=tuple(_regression(name, studies, effect, variance, level) for name in _known(covariates)),
        left_out=left_out,
        remarks=selection.remarks,
    )


def pool_hazard_ratios(endpoint: str, year: str | None = None, level: float = 0.95) -> Pooled:
    """Pool hazard ratios between the arms of randomized trials, on the log scale by REML, one per trial.

    They compare different treatments with different controls: the mean says how new drugs did on average, the
    network keeps them apart.
    """
    wanted = words.known_endpoint(endpoint, "--endpoint").name
    found: list[tuple[str, int, dict[str, Any]]] = []
    left_out: list[str] = []
    for record in find_records(endpoint=wanted, year=year):
        arms = {arm.id: arm for arm in record.arms}
        for outcome in record.outcomes:
            if (
                outcome.endpoint != wanted
                or outcome.statistic != "hazard_ratio"
                or outcome.subgroup is not None
            ):
                continue
            treatment, _, control = outcome.arm.partition(" vs ")
            name = f"{record.id}: {outcome.arm}"
            if treatment not in arms or control not in arms:
                left_out.append(f"{name}: not a comparison of arms")
            elif record.kind not in ("randomized_trial", "press_release"):
                left_out.append(f"{name}: the arms were not randomized")
            elif outcome.low is None or outcome.high is None or outcome.value is None:
                about = f" ({outcome.definition})" if outcome.definition else ""
                left_out.append(f"{name}{about}: no interval was published")
            else:
                se = standard_error_from_interval(np.log(outcome.low), np.log(outcome.high), outcome.level)
                row = {"outcome": outcome, "effect": float(np.log(outcome.value)), "se": se, "record": record}
                found.append((f"{record.id}/{treatment}", arms[treatment].n or 0, row))
    from engager.evidence.library import load_records

    kept, shared = without_overlap(found, load_records())
    left_out += [str(entry) for entry in shared]
    if not kept:
        rule = "has no hazard ratio between randomized arms with a published interval"
        raise InputError(Problem("--endpoint", endpoint, rule, "; ".join(left_out)))
    effect = np.array([row["effect"] for row in kept])
    variance = np.array([row["se"] ** 2 for row in kept])
    estimate = _generic(effect, variance, "reml", level, np.exp)
    weights = _weights(effect, variance, estimate)
    rows = tuple(
        {
            "label": f"{row['record'].id}, {row['outcome'].arm}",
            "record": row["record"].id,
            "arm": row["outcome"].arm,
            "reference": row["record"].reference,
            "year": row["record"].citation.year,
            "events": None,
            "n": row["record"].n,
            "value": row["outcome"].value,
            "low": row["outcome"].low,
            "high": row["outcome"].high,
            "level": row["outcome"].level,
            "is_exact": False,
            "weight": None if weights is None else float(weights[index]),
        }
        for index, row in enumerate(kept)
    )
    return Pooled(
        endpoint=wanted,
        statistic="hazard_ratio",
        level=level,
        estimate=estimate,
        others=(_generic(effect, variance, "common", level, np.exp),),
        rows=rows,
        n_patients=sum(row["n"] or 0 for row in rows),
        events=None,
        left_out=tuple(left_out),
        remarks=("the ratios are of different treatments and controls",) if len(kept) > 1 else (),
    )


def logits(events: Array, n: Array) -> tuple[Array, Array]:
    """Logits and their variances, each array (study,); half an event is added only where there are none,
    or only events.
    """
    add = np.where((events == 0) | (events == n), 0.5, 0.0)
    return np.log((events + add) / (n - events + add)), 1 / (events + add) + 1 / (n - events + add)


def _proportion(events: Array, n: Array, method: str, level: float) -> Estimate:
    try:
        if method == "glmm":
            fit = fit_binomial_normal(events, n, level=level)
            mean, low, high = (float(expit(value)) for value in fit.at())
            lowest, highest = (float(expit(value)) for value in fit.prediction())
            return Estimate(method, mean, low, high, lowest, highest, tau2=fit.tau2)
        return _generic(*logits(events, n), method, level, expit)
    except ValueError as error:
        low, high = exact_interval(int(events.sum()), int(n.sum()), level)
        counts = f"{int(events.sum())}/{int(n.sum())}"
        together = (
            f"taken together: {counts}, exact interval {low:.3f} to {high:.3f} if all studies are alike"
        )
        return Estimate(method, failure=f"{error} ({together})")


def _generic(effect: Array, variance: Array, method: str, level: float, back: Any) -> Estimate:
    try:
        fit = fit_random_effects(effect, variance, method=method, knapp_hartung=method == "reml", level=level)
    except ValueError as error:
        return Estimate(method, failure=str(error))
    mean, low, high = (float(back(value)) for value in fit.at())
    lowest, highest = (float(back(value)) for value in fit.prediction())
    return Estimate(
        method,
        mean,
        low,
        high,
        # Without variance between studies there is nothing more to predict than the mean.
        lowest if method == "reml" else None,
        highest if method == "reml" else None,
        tau2=fit.tau2,
        tau2_low=fit.tau2_low,
        tau2_high=fit.tau2_high,
        i2=fit.i2 if method == "reml" else _i2_from_q(fit),
        q=fit.q,
        q_p=fit.q_p,
    )


def _i2_from_q(fit: MetaFit) -> float:
    df = fit.n_studies - len(fit.terms)
    return max(0.0, (fit.q - df) / fit.q) if fit.q > 0 else 0.0


def _median_of_medians(studies: Sequence[Study], level: float) -> Estimate:
    """The median of the published medians, each counted once per patient; no interval."""
    known = [
        (study.outcome.value, study.outcome.n) for study in studies if study.outcome.n and study.outcome.value
    ]
    if len(known) < 2:
        return Estimate("median_of_medians", failure="fewer than two medians with a number of patients")
    values, n = (np.array(column, dtype=float) for column in zip(*sorted(known), strict=True))
    middle = np.cumsum(n) / n.sum()
    return Estimate("median_of_medians", float(values[int(np.searchsorted(middle, 0.5))]))


def _weights(effect: Array, variance: Array, estimate: Estimate) -> Array | None:
    if estimate.tau2 is None:
        return None
    w = 1 / (variance + estimate.tau2)
    return np.asarray(w / w.sum())


def _subgroups(
    studies: Sequence[Study], by: str | None, fit: Any, effect: Array, variance: Array
) -> tuple[tuple[tuple[str, Estimate, int], ...], float | None]:
    """An estimate per group, and the p value of the test that all groups have one mean (common tau2)."""
    if by is None:
        return (), None
    group = np.array([getattr(study, by) for study in studies])
    names = sorted({str(name) for name in group})
    found = tuple((name, fit(group == name), int((group == name).sum())) for name in names)
    if len(names) < 2 or len(studies) <= len(names):
        return found, None
    design = np.column_stack([np.ones(len(studies)), *(group == name for name in names[1:])]).astype(float)
    try:
        model = fit_random_effects(effect, variance, design, names, knapp_hartung=False)
    except ValueError:
        return found, None
    b, cov = model.coefficients[1:], model.covariance[1:, 1:]
    return found, float(chi2.sf(b @ np.linalg.solve(cov, b), len(b)))


def _regression(
    name: str, studies: Sequence[Study], effect: Array, variance: Array, level: float
) -> Regression:
    has = np.array([name in study.covariates for study in studies], dtype=bool)
    without = tuple(study.label for study in studies if name not in study.covariates)
    value = np.array([study.covariates.get(name, np.nan) for study in studies])[has]
    try:
        # Centered, so that the search for tau2 is well scaled; the slope does not change.
        design = (
            np.column_stack([np.ones(int(has.sum())), value - value.mean()])
            if has.any()
            else np.empty((0, 2))
        )
        fit = fit_random_effects(effect[has], variance[has], design, ("mean", name), level=level)
    except ValueError as error:
        return Regression(name, None, None, None, None, None, int(has.sum()), without, str(error))
    half = fit.critical() * float(fit.standard_errors[1])
    slope = float(fit.coefficients[1])
    p = float(fit.p_values()[1])
    return Regression(name, slope, slope - half, slope + half, p, fit.tau2, fit.n_studies, without)


def _proportion_rows(
    studies: Sequence[Study], weights: Array | None, level: float
) -> tuple[dict[str, Any], ...]:
    rows = []
    for index, study in enumerate(studies):
        assert study.events is not None
        assert study.n is not None
        low, high = exact_interval(study.events, study.n, level)
        published = study.outcome.low is not None and study.outcome.high is not None
        rows.append(
            {
                **_where(study),
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


def _published_rows(studies: Sequence[Study], weights: Array | None) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            **_where(study),
            "events": study.outcome.events,
            "n": study.outcome.n,
            "value": study.outcome.value,
            "low": study.outcome.low,
            "high": study.outcome.high,
            "level": study.outcome.level,
            "is_exact": False,
            "weight": None if weights is None else float(weights[index]),
        }
        for index, study in enumerate(studies)
    )


def _where(study: Study) -> dict[str, Any]:
    return {
        "label": study.label,
        "record": study.record,
        "arm": study.arm,
        "regimen": study.regimen,
        "reference": study.reference,
        "year": study.year,
    }


def _log_interval(study: Study) -> float | None:
    """Standard error of the log median, from a finite published interval."""
    low, high = study.outcome.low, study.outcome.high
    if low is None or high is None or low <= 0 or not study.outcome.value:
        return None
    return standard_error_from_interval(float(np.log(low)), float(np.log(high)), study.outcome.level)


def _sum_n(studies: Sequence[Study]) -> int | None:
    return sum(study.outcome.n or 0 for study in studies) or None


def _known(covariates: Sequence[str]) -> Sequence[str]:
    wrong = [name for name in covariates if name not in COVARIATES]
    if wrong:
        rule = "must be one of " + ", ".join(COVARIATES)
        raise InputError([Problem("--covariate", name, rule) for name in wrong])
    return covariates


def _check_by(by: str | None) -> None:
    if by is not None and by not in GROUPINGS:
        raise InputError(Problem("--by", by, "must be one of " + ", ".join(GROUPINGS)))


def _check_method(method: str, allowed: Sequence[str]) -> None:
    if method not in allowed:
        raise InputError(Problem("--method", method, "must be one of " + ", ".join(allowed)))
