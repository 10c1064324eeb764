"""What the data say about each unknown of a fit: how far its spread shrank, and what trades with what.

In: a posterior and the prior it started from. Out: one `Informed` per unknown, the correlations of all pairs,
and what is held fixed, each with its reason. Everything is measured on the unbounded scale of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import yaml

from engager.calibration.population.posterior import Posterior
from engager.calibration.population.unknowns import Unknown, prior_members, unknowns_of
from engager.calibration.sensitivity.indices import fisher_interval
from engager.core import FloatArray
from engager.model import Model
from engager.population import ValueName

HARDLY_INFORMED = 0.9
STRONG_CORRELATION = 0.8
# A draw may lie on a bound by rounding of the shipped digits; there the unbounded scale has no number.
_EDGE = 1e-9


@dataclass(frozen=True)
class Informed:
    """What a fit learned about one unknown.

    Attributes
    ----------
    contraction : posterior over prior standard deviation; 1: the data said nothing.
    low, high : its 95 % limits, from the number of draws alone.
    shift : of the mean, in prior standard deviations.
    median, lower, upper : of the draws, model units; 5 % and 95 % quantiles.
    """

    name: str
    contraction: float
    low: float
    high: float
    shift: float
    median: float
    lower: float
    upper: float

    @property
    def is_hardly_informed(self) -> bool:
        """The spread is more than nine tenths of the prior's."""
        return self.contraction > HARDLY_INFORMED

    @property
    def is_uninformed(self) -> bool:
        """As far as so many draws can tell, the spread may be the prior's."""
        return self.high >= 1.0


@dataclass(frozen=True)
class Pair:
    """Two unknowns and the correlation of their draws, with its 95 % interval."""

    a: str
    b: str
    correlation: float
    low: float
    high: float


@dataclass(frozen=True)
class Held:
    """A quantity that is fixed rather than fitted.

    Attributes
    ----------
    by : ``time courses`` (fixed in, or by, the fit to individual courses) or ``table`` (its value is assumed).
    reason : why.
    """

    name: str
    by: str
    reason: str


@dataclass(frozen=True)
class Identifiability:
    """Everything about one posterior.

    Attributes
    ----------
    n_draws : of the posterior. unknowns : in its order.
    correlations : array (unknown, unknown).
    held : fixed quantities with reasons.
    missing : unknowns of the posterior that the model's table no longer has; left out.
    """

    n_draws: int
    unknowns: tuple[Informed, ...]
    correlations: FloatArray
    held: tuple[Held, ...]
    missing: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the unknowns, in the order of `correlations`."""
        return tuple(one.name for one in self.unknowns)

    def hardly_informed(self) -> list[Informed]:
        """Unknowns of which the data say little, the least informed first."""
        return sorted((one for one in self.unknowns if one.is_hardly_informed), key=lambda one: -one.contraction)

    def uninformed(self) -> list[Informed]:
        """Unknowns whose spread may be the prior's, as far as so many draws can tell, the least informed first."""
        return sorted((one for one in self.unknowns if one.is_uninformed), key=lambda one: -one.contraction)

    def strong_pairs(self, beyond: float = STRONG_CORRELATION) -> list[Pair]:
        """Pairs whose draws are correlated beyond a limit, the strongest first."""
        names = self.names
        found = []
        for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
            r = float(self.correlations[i, j])
            if abs(r) > beyond:
                found.append(Pair(names[i], names[j], r, *fisher_interval(r, self.n_draws)))
        return sorted(found, key=lambda pair: -abs(pair.correlation))


def assess_identifiability(posterior: Posterior, model: Model) -> Identifiability:
    """Compare a posterior with the prior it started from.

    Parameters
    ----------
    posterior : at least two draws.
    model : whose table gives the bounds and the prior; unknowns are matched by name.
    """
    by_name = {unknown.name: unknown for unknown in unknowns_of(model)}
    kept = [(k, by_name[name]) for k, name in enumerate(posterior.names) if name in by_name]
    z = unbounded([unknown for _, unknown in kept], posterior.draws[:, [k for k, _ in kept]])
    rows = tuple(_informed(unknown, z[:, i], posterior.draws[:, k]) for i, (k, unknown) in enumerate(kept))
    return Identifiability(
        n_draws=len(posterior.draws),
        unknowns=rows,
        correlations=_correlations(z),
        held=held_fixed(model),
        missing=tuple(name for name in posterior.names if name not in by_name),
    )


def unbounded(unknowns: Sequence[Unknown], values: FloatArray) -> FloatArray:
    """Values in model units on the unbounded scale of the fit: array (draw, unknown); inverse of `Unknown.value`."""
    columns = []
    for k, unknown in enumerate(unknowns):
        value = values[:, k]
        if unknown.is_log:
            share = np.log(value / unknown.low) / np.log(unknown.high / unknown.low)
        else:
            share = (value - unknown.low) / (unknown.high - unknown.low)
        share = np.clip(share, _EDGE, 1 - _EDGE)
        columns.append(np.log(share / (1 - share)))
    return np.stack(columns, axis=1) if columns else np.zeros((len(values), 0))


def prior_of(unknowns: Sequence[Unknown]) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the prior on the unbounded scale: arrays (unknown,)."""
    middle = prior_members(unknowns, np.zeros((1, len(unknowns))))[0]
    return middle, prior_members(unknowns, np.ones((1, len(unknowns))))[0] - middle


def held_fixed(model: Model) -> tuple[Held, ...]:
    """What is fixed with a reason: by the fit to time courses, then assumed values that no fit may move."""
    courses = _course_fit(model)
    found = [Held(name, "time courses", str(reason)) for name, reason in courses.get("held", {}).items()]
    named = {one.name for one in found}
    fitted = {ValueName.read(name).name for name in courses.get("population", {})}
    for name, row in model.parameters.items():
        if row.is_fitted or row.assumed is None or name in named or name in fitted:
            continue
        found.append(Held(name, "table", row.assumed))
    return tuple(found)


def _course_fit(model: Model) -> dict[str, Any]:
    path = resources.files("engager.calibration") / "data" / "time-course-fit.yaml"
    if not path.is_file():
        return {}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if content["provenance"]["model"] == model.id else {}


def _informed(unknown: Unknown, z: FloatArray, values: FloatArray) -> Informed:
    from scipy.stats import chi2

    (mean,), (sd,) = prior_of([unknown])
    n = z.size
    spread = float(np.std(z, ddof=1))
    below, above = np.sqrt((n - 1) / chi2.ppf([0.975, 0.025], n - 1))
    ratio = spread / float(sd)
    lower, median, upper = np.quantile(values, [0.05, 0.5, 0.95])
    return Informed(
        unknown.name, ratio, float(ratio * below), float(ratio * above), float((z.mean() - mean) / sd),
        float(median), float(lower), float(upper),
    )  # fmt: skip


def _correlations(z: FloatArray) -> FloatArray:
    n = z.shape[1]
    varies = np.ptp(z, axis=0) > 0 if n else np.zeros(0, dtype=bool)
    result = np.eye(n)
    if varies.sum() > 1:
        result[np.ix_(varies, varies)] = np.corrcoef(z[:, varies], rowvar=False)
    return result
