"""Matching-adjusted indirect comparison: reweight patients so that they match a published baseline.

Weights exp(a x) on covariates centered at the published values; the a that makes the weighted means equal
to the published ones is the minimum of a convex function. The effective sample size says what the matching
costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.special import betaincinv, expit

from engager.core import FloatArray, InputError, Problem, nearest

# Below so many effective patients, or so small a part of those there are, a remark says what the weights rest on.
_FEW_PATIENTS = 10.0
_SMALL_PART = 0.1
# Where the weights keep this part of the patients, it is not the matching that left few.
_MOST = 0.5
# JSON and YAML have whole numbers beyond any float.
_LARGEST = float(np.finfo(float).max)
# Nearer to an edge than this, relative to the largest distance from it, is rounding.
_EDGE = 1e-9


@dataclass(frozen=True)
class Matched:
    """Weights and what they did.

    Attributes
    ----------
    weights : array (patient,), mean 1 over the patients used, 0 for those with a missing covariate.
    effective_sample_size : (sum w)^2 / sum w^2.
    n_used, n_missing : patients with all covariates, and without.
    balance : one mapping per target: covariate, statistic, target, before, after.
    largest : largest weight.
    remarks : what a reader must know: weights that rest on few patients.
    """

    weights: FloatArray
    effective_sample_size: float
    n_used: int
    n_missing: int
    balance: tuple[dict[str, Any], ...]
    largest: float
    remarks: tuple[str, ...] = ()

    def proportion(self, event: FloatArray) -> tuple[float, float, float]:
        """Weighted share of an event array (patient,) of 0/1 (nan: not known), and its 95 % interval.

        Notes
        -----
        The interval of the robust variance on the logit, or the exact one of as many patients as the weights are
        worth where that is wider. With few effective patients the robust variance sees hardly any of the spread.
        """
        had = np.asarray(event, dtype=float)
        if had.shape != self.weights.shape or not np.isin(had[np.isfinite(had)], (0.0, 1.0)).all():
            rule = f"must be 0 or 1 for each of the {self.weights.size} patients, nan where not known"
            raise InputError(Problem("event", had.tolist()[:5], rule))
        used = (self.weights > 0) & np.isfinite(had)
        if not used.any():
            raise InputError(Problem("event", None, "is not known of any patient with a weight"))
        w, y = self.weights[used], had[used]
        share = min(1.0, float(w @ y / w.sum()))
        low, high = _exact(share, float(w.sum() ** 2 / (w @ w)))
        if _EDGE < share < 1 - _EDGE:
            se = float(np.sqrt(np.sum((w * (y - share)) ** 2))) / float(w.sum())
            half = 1.959963984540054 * se / (share * (1 - share))
            logit = np.log(share / (1 - share))
            low, high = min(low, float(expit(logit - half))), max(high, float(expit(logit + half)))
        return share, low, high


def match(patients: Any, targets: Mapping[str, Mapping[str, float]]) -> Matched:
    """Weights that give a patient table a published baseline.

    Parameters
    ----------
    patients : mapping or frame of columns, array (patient,) each; yes/no columns as bool or 0/1.
    targets : column to what was published of it: ``mean``, ``sd`` (with mean), ``median``, ``proportion``
        (of a yes/no column), or ``above`` and ``share`` (share of patients at or above a value).

    Raises
    ------
    InputError
        When a column is unknown or not numeric, a target has an unknown key or an impossible value, or no weights can
        reach the targets; then it names those that cannot be reached by themselves. A target at the edge of what the
        patients span is refused as well: only those at the edge would keep a weight.

    References
    ----------
    Signorovitch et al. 2010, doi:10.2165/11538370-000000000-00000; Phillippo et al. 2018,
    doi:10.1177/0272989X17725740 (effective sample size and limits of the method).
    """
    columns = {str(name): _column(patients, str(name)) for name in _names(patients)}
    rows = _conditions(columns, targets)
    x = np.column_stack([values for _, _, _, values in rows])
    goal = np.array([target for _, _, target, _ in rows])
    used = np.all(np.isfinite(x), axis=1)
    if not used.any():
        raise InputError(Problem("matching", 0, "no patient has all covariates of the targets"))
    centered = x[used] - goal
    _check_reachable(centered, rows)
    scale = np.maximum(np.abs(centered).max(axis=0), 1e-12)
    a = _solve(centered / scale)
    exponent = (centered / scale) @ a
    raw = np.exp(exponent - exponent.max())
    weights = np.zeros(x.shape[0])
    weights[used] = raw / raw.mean()
    w = weights[used]
    after = (w[:, None] * x[used]).sum(axis=0) / w.sum()
    balance = tuple(
        {
            "covariate": name,
            "statistic": statistic,
            "target": float(target),
            "before": float(x[used, index].mean()),
            "after": float(after[index]),
        }
        for index, (name, statistic, target, _) in enumerate(rows)
    )
    effective = float(w.sum() ** 2 / (w @ w))
    return Matched(
        weights=weights,
        effective_sample_size=effective,
        n_used=int(used.sum()),
        n_missing=int((~used).sum()),
        balance=balance,
        largest=float(w.max()),
        remarks=_remarks(effective, w),
    )


def _remarks(effective: float, w: FloatArray) -> tuple[str, ...]:
    if effective >= max(_FEW_PATIENTS, _SMALL_PART * w.size):
        return ()
    heaviest = np.sort(w)[::-1].cumsum() / w.sum()
    many = int(np.searchsorted(heaviest, 0.5)) + 1
    if effective > _MOST * w.size:
        return (f"there are {w.size} patients to match, worth {effective:.1f}: the interval is as wide as that",)
    return (
        f"the matching rests on the weight of about {effective:.1f} of {w.size} patients "
        f"(half of it on {many}): the patients and the targets hardly overlap",
    )


def _exact(share: float, n: float) -> tuple[float, float]:
    """Clopper-Pearson limits of a share of n patients, n >= 1 not whole."""
    share = 0.0 if share < _EDGE else 1.0 if share > 1 - _EDGE else share
    low = 0.0 if share <= 0 else float(betaincinv(share * n, (1 - share) * n + 1, 0.025))
    high = 1.0 if share >= 1 else float(betaincinv(share * n + 1, (1 - share) * n, 0.975))
    return low, high


def _solve(x: FloatArray) -> FloatArray:
    """Minimum of sum exp(x a): its gradient is the weighted imbalance."""

    def value(a: FloatArray) -> tuple[float, FloatArray]:
        exponent = x @ a
        shift = exponent.max()
        w = np.exp(exponent - shift)
        # The logarithm has the same minimum and does not overflow.
        return float(shift + np.log(w.sum())), np.asarray(x.T @ w / w.sum())

    start = minimize(value, np.zeros(x.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 2000}).x
    for _ in range(50):
        _, gradient = value(start)
        if np.abs(gradient).max() < 1e-13:
            break
        exponent = x @ start
        w = np.exp(exponent - exponent.max())
        w /= w.sum()
        hessian = x.T @ (w[:, None] * x) - np.outer(gradient, gradient)
        start = start - np.linalg.lstsq(hessian, gradient, rcond=None)[0]
    return np.asarray(start)


def _conditions(
    columns: Mapping[str, FloatArray], targets: Mapping[str, Mapping[str, float]]
) -> list[tuple[str, str, float, FloatArray]]:
    """One condition per published number: (covariate, statistic, target of the mean, values whose mean it
    is).
    """
    rows: list[tuple[str, str, float, FloatArray]] = []
    problems: list[Problem] = []
    for name, target in targets.items():
        if name not in columns:
            problems.append(Problem("matching", name, "is not a column of the patients", nearest(name, columns)))
            continue
        values = columns[name]
        wrong = list(_target_problems(name, target, values))
        problems += wrong
        if not wrong:
            rows += _rows(name, target, values)
    if not targets:
        problems.append(Problem("matching", {}, "needs at least one published covariate"))
    if problems:
        raise InputError(problems)
    return rows


def _rows(name: str, target: Mapping[str, float], values: FloatArray) -> Iterator[tuple[str, str, float, FloatArray]]:
    if "mean" in target:
        yield name, "mean", float(target["mean"]), values
    if "sd" in target:
        yield name, "mean square", float(target["mean"] ** 2 + target["sd"] ** 2), values**2
    if "proportion" in target:
        yield name, "proportion", float(target["proportion"]), values
    if "median" in target:
        yield name, f"share above {target['median']:g}", 0.5, _above(values, target["median"])
    if "above" in target:
        at_least = np.where(np.isfinite(values), (values >= target["above"]).astype(float), np.nan)
        yield name, f"share at or above {target['above']:g}", float(target["share"]), at_least


def _target_problems(name: str, target: Mapping[str, float], values: FloatArray) -> Iterator[Problem]:
    """What is wrong with one column's targets, told before any weight is sought."""
    place = f"matching: {name}"
    unknown = set(target) - {"mean", "sd", "median", "proportion", "above", "share"}
    if not target or unknown or ("above" in target) != ("share" in target) or ("sd" in target and "mean" not in target):
        rule = "must be mean (and sd), median, proportion, or above with share"
        yield Problem(place, dict(target), rule, "Write e.g. {mean: 41, sd: 17}.")
        return
    for key, value in target.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
            yield Problem(f"{place}.{key}", value, "must be a number", "Write the published figure.")
            return
    known = values[np.isfinite(values)]
    if known.size == 0:
        yield Problem(place, name, "is not a column of numbers or of yes and no", "Choose another column.")
        return
    if "sd" in target and not target["sd"] > 0:
        yield Problem(f"{place}.sd", target["sd"], "must be > 0", "Leave it out when it was not published.")
    for key in ("proportion", "share"):
        if key in target and not 0 <= target[key] <= 1:
            yield Problem(f"{place}.{key}", target[key], "must be in 0 to 1", "Write 0.4 for 40 %.")
    if "proportion" in target and not np.isin(known, (0.0, 1.0)).all():
        rule = "belongs to a yes/no column; this one holds other numbers"
        yield Problem(f"{place}.proportion", target["proportion"], rule, "Use mean, median, or above with share.")


def _above(values: FloatArray, median: float) -> FloatArray:
    """1 above, 1/2 at and 0 below the median, so that ties with it do not tilt the weights."""
    return np.where(np.isfinite(values), (values > median) + 0.5 * (values == median), np.nan)


def _check_reachable(centered: FloatArray, rows: list[tuple[str, str, float, FloatArray]]) -> None:
    """The targets must lie strictly inside what the patients span, each and together."""
    problems = []
    for (name, statistic, target, _), column in zip(rows, centered.T, strict=True):
        slack = _EDGE * max(np.abs(column).max(), abs(target))
        if np.abs(column).max() <= slack:
            continue
        if column.min() > slack or column.max() < -slack:
            rule = f"{statistic} cannot be reached by reweighting these patients"
        elif column.min() > -slack or column.max() < slack:
            rule = f"{statistic} lies at the edge of these patients: only those at the edge would keep a weight"
        else:
            continue
        problems.append(Problem(f"matching: {name}", target, rule, "Widen the population, or leave it out."))
    if problems:
        raise InputError(problems)
    least = _largest_least_weight(centered)
    if least is None or least < _EDGE / centered.shape[0]:
        told = ", ".join(name for name, _, _, _ in rows)
        where = "cannot be reached together" if least is None else "lie together at the edge of what can be reached"
        rule = f"{where} by reweighting these patients"
        raise InputError(Problem("matching", told, rule, "Leave one covariate out, or widen the population."))


def _largest_least_weight(centered: FloatArray) -> float | None:
    """The most that every patient can weigh at least when the targets are met (sum 1); None: they cannot be met.

    Zero means that some patients must weigh nothing: the targets lie on the edge of the patients' hull.
    """
    size, many = centered.shape
    scaled = centered / np.maximum(np.abs(centered).max(axis=0), 1e-12)
    # Weights are least + excess, excess >= 0; the least weight is the last unknown, to be made large.
    equations = np.vstack([np.column_stack([scaled.T, scaled.sum(axis=0)]), np.append(np.ones(size), size)])
    goal = np.append(np.zeros(many), 1.0)
    found = linprog(np.append(np.zeros(size), -1.0), A_eq=equations, b_eq=goal)
    return float(found.x[-1]) if found.success else None


def _names(patients: Any) -> list[str]:
    return list(patients.columns) if hasattr(patients, "columns") else list(patients)


def _column(patients: Any, name: str) -> FloatArray:
    column = patients[name]
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        # A column of words matches no target; asking for it is refused where the target is read.
        return np.full(len(values), np.nan)
