"""Network meta-analysis of randomized comparisons: direct and indirect evidence in one model, and a ranking.

Each study gives effects of its other arms against its first one, with their covariance; a study of k arms
gives k - 1. The model is y ~ N(D d, V + tau2 R): d the effects against a reference treatment, R with 1 on
the diagonal and 1/2 between effects of one study (all comparisons share one heterogeneity). tau2 by REML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.optimize import minimize_scalar
from scipy.special import chdtrc, ndtr, ndtri

from engager.core import FloatArray, InputError, Problem


@dataclass(frozen=True)
class NetworkStudy:
    """A randomized study.

    Attributes
    ----------
    label : name of the study.
    baseline : treatment of the first arm.
    treatments : treatments of the other arms.
    effects : array (other arm,), each against the baseline (log scale for ratios).
    covariance : array (other arm, other arm).
    is_corrected : half a patient was added to every count, because one was 0.
    tells_nothing : why it says nothing of a ratio (no event in any arm, events in everybody, one treatment in all
        arms); "": it does.
    """

    label: str
    baseline: str
    treatments: tuple[str, ...]
    effects: FloatArray
    covariance: FloatArray
    is_corrected: bool = False
    tells_nothing: str = ""


@dataclass(frozen=True)
class NetworkFit:
    """A fitted network.

    Attributes
    ----------
    treatments : the reference first.
    effects, covariance : array (treatment,), (treatment, treatment) against the reference; its own row is 0.
    tau2 : variance between studies, common to all comparisons; None when there is no replication to see it.
    q, q_df, q_p : heterogeneity and inconsistency together, of the common-effect model.
    n_direct : number of studies that compare two treatments head to head, array (treatment, treatment).
    left_out : studies that tell nothing, and why.
    """

    treatments: tuple[str, ...]
    effects: FloatArray
    covariance: FloatArray
    tau2: float | None
    q: float
    q_df: int
    q_p: float | None
    n_direct: NDArray[np.int64]
    level: float = 0.95
    left_out: tuple[str, ...] = ()

    def comparison(self, treatment: str, control: str) -> tuple[float, float, float]:
        """Effect of a treatment against a control, and its interval, on the working scale."""
        i, j = self.treatments.index(treatment), self.treatments.index(control)
        mean = float(self.effects[i] - self.effects[j])
        half = float(ndtri(0.5 + self.level / 2)) * self.standard_error(treatment, control)
        return mean, mean - half, mean + half

    def standard_error(self, treatment: str, control: str) -> float:
        """Standard error of a comparison."""
        i, j = self.treatments.index(treatment), self.treatments.index(control)
        variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        return float(np.sqrt(max(variance, 0.0)))

    def p_scores(self, small_is_good: bool = True) -> dict[str, float]:
        """How sure it is that a treatment is better than the others, averaged over them; in [0, 1], best
        first.

        References
        ----------
        Ruecker and Schwarzer 2015, doi:10.1186/s12874-015-0060-8.
        """
        sign = -1.0 if small_is_good else 1.0
        scores = {}
        for first in self.treatments:
            others = [other for other in self.treatments if other != first]
            wins = [
                ndtr(sign * self.comparison(first, other)[0] / self.standard_error(first, other)) for other in others
            ]
            scores[first] = float(np.mean(wins))
        return dict(sorted(scores.items(), key=lambda entry: -entry[1]))


def fit_network(
    studies: Sequence[NetworkStudy], reference: str | None = None, common: bool = False, level: float = 0.95
) -> NetworkFit:
    """Fit the network.

    Parameters
    ----------
    studies : at least one.
    reference : treatment the effects are against; omitted: the one in most studies.
    common : no variance between studies. Also what is done, and said by ``tau2=None``, when there are no more
        effects than comparisons to estimate, so that heterogeneity cannot be seen.

    Raises
    ------
    InputError
        When no study tells anything, the network falls into parts that no study connects, or the reference is not in
        it.

    Notes
    -----
    A study without an event in any arm, or with one in everybody, is left out: whatever is added to its counts decides
    what it says (Efthimiou and others 2019, doi:10.1002/sim.8158).
    """
    left_out = tuple(f"{study.label}: {study.tells_nothing}" for study in studies if study.tells_nothing)
    silent = {name for one in studies if one.tells_nothing for name in (one.baseline, *one.treatments)}
    studies = [study for study in studies if not study.tells_nothing]
    if not studies:
        rule = "no study tells anything of a ratio"
        raise InputError(
            Problem("network", "; ".join(left_out) or 0, rule, "Choose an endpoint that happened to some.")
        )
    treatments = _treatments(studies, reference, silent)
    _check_connected(studies, treatments)
    y = np.concatenate([study.effects for study in studies])
    v = block_diag(*(study.covariance for study in studies))
    shared = block_diag(*(0.5 * (np.eye(len(s.treatments)) + 1) for s in studies))
    x = _design(studies, treatments)
    df = y.size - x.shape[1]
    tau2: float | None = None if df == 0 or common else _reml_tau2(y, v, shared, x)
    b, cov = _gls(y, v + (tau2 or 0.0) * shared, x)
    b0, _ = _gls(y, v, x)
    residual = y - x @ b0
    q = float(residual @ np.linalg.solve(v, residual))
    size = len(treatments)
    full = np.zeros((size, size))
    full[1:, 1:] = cov
    return NetworkFit(
        treatments=tuple(treatments),
        effects=np.concatenate([[0.0], b]),
        covariance=full,
        tau2=tau2,
        q=q,
        q_df=df,
        q_p=float(chdtrc(df, q)) if df > 0 else None,
        n_direct=_direct(studies, treatments),
        level=level,
        left_out=left_out,
    )


def study_of_counts(label: str, arms: Sequence[tuple[str, int, int]]) -> NetworkStudy:
    """A study's log odds ratios from (treatment, events, n) per arm; half an event is added where a cell
    is empty.

    Raises
    ------
    InputError
        When there are fewer than two arms, or events do not lie in 0 to n, n at least 1.
    """
    problems = [
        Problem(f"network: {label}, {name}", f"{events} of {n}", "events must lie in 0 to n, n at least 1")
        for name, events, n in arms
        if not 0 <= events <= n or n < 1
    ]
    if len(arms) < 2:
        problems.append(Problem(f"network: {label}", len(arms), "a study needs two arms to compare"))
    if problems:
        raise InputError(problems)
    # Arms of one treatment (its doses or schedules, where those share a name) are one arm.
    names = list(dict.fromkeys(name for name, _, _ in arms))
    together = [
        (sum(k for one, k, _ in arms if one == name), sum(n for one, _, n in arms if one == name)) for name in names
    ]
    if len(names) < 2:
        return NetworkStudy(label, names[0], (), np.zeros(0), np.zeros((0, 0)), False, f"all arms are {names[0]}")
    counts = np.array([[events, n - events] for events, n in together], dtype=float)
    tells_nothing = ""
    if not counts[:, 0].any():
        tells_nothing = "no event in any arm"
    elif not counts[:, 1].any():
        tells_nothing = "events in every patient of every arm"
    is_corrected = bool(np.any(counts == 0))
    if is_corrected:
        counts = counts + 0.5
    logit = np.log(counts[:, 0] / counts[:, 1])
    variance = (1 / counts).sum(axis=1)
    others = len(names) - 1
    return NetworkStudy(
        label,
        names[0],
        tuple(names[1:]),
        logit[1:] - logit[0],
        np.diag(variance[1:]) + np.full((others, others), variance[0]),
        is_corrected,
        tells_nothing,
    )


def study_of_ratio(label: str, treatment: str, control: str, log_ratio: float, se: float) -> NetworkStudy:
    """A two-arm study known by a log ratio and its standard error, finite and > 0; `InputError` where it is not."""
    if not (np.isfinite(log_ratio) and 0 < se < np.inf):
        rule = "a ratio needs a finite value > 0 and an interval that is wider than nothing"
        raise InputError(Problem(f"network: {label}", f"log ratio {log_ratio:g}, standard error {se:g}", rule))
    silent = f"compares {treatment} with itself" if treatment == control else ""
    effect, variance = np.array([log_ratio]), np.array([[se**2]])
    return NetworkStudy(label, control, (treatment,), effect, variance, tells_nothing=silent)


def _gls(y: FloatArray, v: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    precision = np.linalg.inv(v)
    cov = np.linalg.inv(x.T @ precision @ x)
    return cov @ (x.T @ precision @ y), np.asarray(cov)


def _reml(tau2: float, y: FloatArray, v: FloatArray, shared: FloatArray, x: FloatArray) -> float:
    total = v + tau2 * shared
    b, cov = _gls(y, total, x)
    residual = y - x @ b
    log_dets = np.linalg.slogdet(total)[1] - np.linalg.slogdet(cov)[1]
    return float(-0.5 * (log_dets + residual @ np.linalg.solve(total, residual)))


def _reml_tau2(y: FloatArray, v: FloatArray, shared: FloatArray, x: FloatArray) -> float:
    scale = float(np.mean(np.diag(v)) + np.var(y))
    grid = np.concatenate([[0.0], scale * np.logspace(-6, 2, 81)])
    values = [_reml(tau2, y, v, shared, x) for tau2 in grid]
    best = int(np.argmax(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(
        lambda tau2: -_reml(tau2, y, v, shared, x),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-13 * scale},
    )
    tau2 = float(found.x)
    return tau2 if _reml(tau2, y, v, shared, x) > values[0] else 0.0


def _treatments(studies: Sequence[NetworkStudy], reference: str | None, silent: set[str]) -> list[str]:
    named = [name for study in studies for name in (study.baseline, *study.treatments)]
    known = sorted(set(named))
    first = reference or max(known, key=named.count)
    if first not in known:
        rule = "must be a treatment of the network: " + ", ".join(known)
        if first in silent:
            rule = "stands in no study that tells anything of a ratio; choose among " + ", ".join(known)
        raise InputError(Problem("--reference", first, rule))
    return [first, *(name for name in known if name != first)]


def _design(studies: Sequence[NetworkStudy], treatments: Sequence[str]) -> FloatArray:
    rows = []
    for study in studies:
        for name in study.treatments:
            row = np.zeros(len(treatments))
            row[treatments.index(name)] += 1
            row[treatments.index(study.baseline)] -= 1
            rows.append(row[1:])
    return np.array(rows)


def _direct(studies: Sequence[NetworkStudy], treatments: Sequence[str]) -> NDArray[np.int64]:
    count = np.zeros((len(treatments), len(treatments)), dtype=np.int64)
    for study in studies:
        places = [treatments.index(name) for name in (study.baseline, *study.treatments)]
        for i in places:
            for j in places:
                count[i, j] += i != j
    return count


def _check_connected(studies: Sequence[NetworkStudy], treatments: Sequence[str]) -> None:
    reached = {treatments[0]}
    while True:
        more = {
            name
            for study in studies
            for name in (study.baseline, *study.treatments)
            if reached & {study.baseline, *study.treatments}
        }
        if more <= reached:
            break
        reached |= more
    apart = [name for name in treatments if name not in reached]
    if apart:
        rule = f"no study connects it with {treatments[0]}, directly or through others"
        raise InputError([Problem("network", name, rule, "Ask for one part at a time.") for name in apart])
