"""Matching-adjusted indirect comparison: reweight patients so that they match a published baseline.

Weights exp(a x) on covariates centered at the published values; the a that makes the weighted means equal
to the published ones is the minimum of a convex function. The effective sample size says what the matching
costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog, minimize

from engager.core import FloatArray, InputError, Problem, nearest
from engager.evidence.records.intervals import exact_interval


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
    """

    weights: FloatArray
    effective_sample_size: float
    n_used: int
    n_missing: int
    balance: tuple[dict[str, Any], ...]
    largest: float

    def proportion(self, event: FloatArray) -> tuple[float, float, float]:
        """Weighted share of an event array (patient,) of 0/1, and its 95 % interval (exact at 0 and 1, else
        robust variance, logit).
        """
        used = (self.weights > 0) & np.isfinite(np.asarray(event, dtype=float))
        w, y = self.weights[used], np.asarray(event, dtype=float)[used]
        share = float(w @ y / w.sum())
        se = float(np.sqrt(np.sum((w * (y - share)) ** 2))) / float(w.sum())
        if share in (0.0, 1.0):
            # No variance to see: the exact interval of as many patients as the weights are worth.
            n = max(1, round(float(w.sum() ** 2 / (w @ w))))
            return share, *exact_interval(n if share else 0, n)
        half = 1.959963984540054 * se / (share * (1 - share))
        logit = np.log(share / (1 - share))
        low, high = 1 / (1 + np.exp(-(logit - half))), 1 / (1 + np.exp(-(logit + half)))
        return share, float(low), float(high)


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
        When a column is unknown or not numeric, a target has an unknown key, or no weights can reach the
        targets; then it names those that cannot be reached by themselves.

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
    return Matched(
        weights=weights,
        effective_sample_size=float(w.sum() ** 2 / (w @ w)),
        n_used=int(used.sum()),
        n_missing=int((~used).sum()),
        balance=balance,
        largest=float(w.max()),
    )


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
        unknown = set(target) - {"mean", "sd", "median", "proportion", "above", "share"}
        if unknown or ("above" in target) != ("share" in target) or ("sd" in target and "mean" not in target):
            rule = "must be mean (and sd), median, proportion, or above with share"
            problems.append(Problem(f"matching: {name}", dict(target), rule))
            continue
        if "mean" in target:
            rows.append((name, "mean", float(target["mean"]), values))
        if "sd" in target:
            rows.append((name, "mean square", float(target["mean"] ** 2 + target["sd"] ** 2), values**2))
        if "proportion" in target:
            rows.append((name, "proportion", float(target["proportion"]), values))
        if "median" in target:
            rows.append((name, f"share above {target['median']:g}", 0.5, _above(values, target["median"])))
        if "above" in target:
            at_least = np.where(np.isfinite(values), (values >= target["above"]).astype(float), np.nan)
            rows.append((name, f"share at or above {target['above']:g}", float(target["share"]), at_least))
    if not targets:
        problems.append(Problem("matching", {}, "needs at least one published covariate"))
    if problems:
        raise InputError(problems)
    return rows


def _above(values: FloatArray, median: float) -> FloatArray:
    """1 above, 1/2 at and 0 below the median, so that ties with it do not tilt the weights."""
    return np.where(np.isfinite(values), (values > median) + 0.5 * (values == median), np.nan)


def _check_reachable(centered: FloatArray, rows: list[tuple[str, str, float, FloatArray]]) -> None:
    """The targets must lie strictly inside what the patients span."""
    problems = [
        Problem(f"matching: {name}", target, f"{statistic} cannot be reached by reweighting these patients")
        for (name, statistic, target, _), column in zip(rows, centered.T, strict=True)
        if column.min() > 0 or column.max() < 0 or (column.min() == column.max() and column.max() != 0)
    ]
    if problems:
        raise InputError(problems)
    size = centered.shape[0]
    equations = np.vstack([centered.T / np.maximum(np.abs(centered).max(axis=0), 1e-12)[:, None], np.ones(size)])
    found = linprog(np.zeros(size), A_eq=equations, b_eq=np.append(np.zeros(centered.shape[1]), 1.0))
    if not found.success:
        told = ", ".join(name for name, _, _, _ in rows)
        rule = "cannot be reached together by reweighting these patients"
        raise InputError(Problem("matching", told, rule, "Leave one covariate out, or widen the population."))


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
