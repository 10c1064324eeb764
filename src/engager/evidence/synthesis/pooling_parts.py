"""Steps that every pooled analysis shares: a model by inverse variance, subgroups, regressions, rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import chdtrc

from engager.core import FloatArray, InputError, Problem
from engager.evidence.synthesis.meta_analysis import MetaFit, fit_random_effects
from engager.evidence.synthesis.pooled import Estimate, Regression
from engager.evidence.synthesis.selection import COVARIATES, Study

_WIDENED = (
    "the Hartung-Knapp interval was narrower than the normal one, because the studies agree more than chance "
    "would have them; the normal one is given"
)
_FEW = 3
GROUPINGS = ("regimen", "drug_class", "setting", "design")


def inverse_variance(effect: FloatArray, variance: FloatArray, method: str, level: float, back: Any) -> Estimate:
    """A mean by inverse variance, taken to the reader's scale by `back` (rising); a failure is told in words."""
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
        note=_WIDENED if fit.is_widened else None,
    )


def interval_remarks(n_studies: int, *estimates: Estimate) -> tuple[str, ...]:
    """What a reader of the intervals should know: few studies, an interval that is not the usual one. The first
    estimate is the one asked for.
    """
    said = [f"{one.method}: {one.note}" for one in estimates if one.note]
    if 1 < n_studies <= _FEW and not estimates[0].note:
        said.append(
            f"{n_studies} studies say little about how much studies differ, so the interval is wide (t distribution, "
            f"{n_studies - 1} degree{'s' if n_studies > 2 else ''} of freedom); the common-effect interval is right if "
            "they do not differ at all"
        )
    return tuple(said)


def _i2_from_q(fit: MetaFit) -> float:
    df = fit.n_studies - len(fit.terms)
    return max(0.0, (fit.q - df) / fit.q) if fit.q > 0 else 0.0


def weights_of(effect: FloatArray, variance: FloatArray, estimate: Estimate) -> FloatArray | None:
    """Share of each study in the mean, array (study,); None when nothing could be fitted."""
    if estimate.tau2 is None:
        return None
    w = 1 / (variance + estimate.tau2)
    return np.asarray(w / w.sum())


def subgroup_estimates(
    studies: Sequence[Study], by: str | None, fit: Any, effect: FloatArray, variance: FloatArray
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
    return found, float(chdtrc(len(b), b @ np.linalg.solve(cov, b)))


def regression_on(
    name: str, studies: Sequence[Study], effect: FloatArray, variance: FloatArray, level: float
) -> Regression:
    """Slope of one covariate over the studies that print it."""
    has = np.array([name in study.covariates for study in studies], dtype=bool)
    without = tuple(study.label for study in studies if name not in study.covariates)
    value = np.array([study.covariates.get(name, np.nan) for study in studies])[has]
    try:
        # Centered, so that the search for tau2 is well scaled; the slope does not change.
        design = np.column_stack([np.ones(int(has.sum())), value - value.mean()]) if has.any() else np.empty((0, 2))
        fit = fit_random_effects(effect[has], variance[has], design, ("mean", name), level=level)
    except ValueError as error:
        return Regression(name, None, None, None, None, None, int(has.sum()), without, str(error))
    half = fit.critical() * float(fit.standard_errors[1])
    slope = float(fit.coefficients[1])
    p = float(fit.p_values()[1])
    return Regression(name, slope, slope - half, slope + half, p, fit.tau2, fit.n_studies, without)


def where_from(study: Study) -> dict[str, Any]:
    """What a row says of where its figure is from."""
    return {
        "label": study.label,
        "record": study.record,
        "arm": study.arm,
        "regimen": study.regimen,
        "reference": study.reference,
        "year": study.year,
    }


def known_covariates(covariates: Sequence[str]) -> Sequence[str]:
    """The names, refused together when one is no covariate."""
    wrong = [name for name in covariates if name not in COVARIATES]
    if wrong:
        rule = "must be one of " + ", ".join(COVARIATES)
        raise InputError([Problem("--covariate", name, rule) for name in wrong])
    return covariates


def check_grouping(by: str | None) -> None:
    """Refuse an attribute that makes no subgroups."""
    if by is not None and by not in GROUPINGS:
        raise InputError(Problem("--by", by, "must be one of " + ", ".join(GROUPINGS)))


def published_rows(studies: Sequence[Study], weights: FloatArray | None) -> tuple[dict[str, Any], ...]:
    """Figures as they were printed, one row a study."""
    return tuple(
        {
            **where_from(study),
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
