"""What virtual trials would show at any values of the unknowns: polynomials fitted to the trials that were simulated.

A trial costs a second, and its figures carry the noise of its patients. Some thousands of trials, each at values of
its own, tell the expected figure as a smooth function of the values, and of one that is nearly flat in most of them.
Each figure becomes a polynomial of degree 2: linear in everything it may depend on, with squares and products of the
dozen unknowns that matter most. Coefficients have normal priors whose widths are estimated one by one (automatic
relevance determination), so an unknown that shows nothing is left out by itself, and noise is averaged over all
trials. What is left open is stated: `doubt`, the variance of the expected figure. It takes the widths as known and is
therefore somewhat small, about half of the error on problems that are known; in a fit it is a few hundredths of the
data's variance.

In: unknowns on the scale that figures are even in (`NaturalScale.of`), and simulated figures. Out: an `Emulator`.
Not here: what was published (`emulated_posterior`).

References
----------
Kennedy & O'Hagan 2001, "Bayesian calibration of computer models", doi:10.1111/1467-9868.00294 (an emulator in place of
the simulator, its own doubt among the errors).
MacKay 1992, "Bayesian interpolation", doi:10.1162/neco.1992.4.3.415 (widths of the priors by evidence).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engager.core import BoolArray, FloatArray, Tell, share_out

# Squares and products are looked for among the unknowns that move a figure most.
_MIXING = 12
# Rounds of estimating the widths, at most, and when they have settled: by the noise, relative.
_STEPS, _SETTLED = 100, 1e-5
# A prior variance below this share of a slope's error variance leaves nothing to tell.
_LEAST_PRIOR = 1e-3
# A direction that bends a figure less than this share of the strongest one is left straight.
_LEAST_BEND = 0.02
_TINY = np.finfo(float).tiny
_FIGURES_AT_ONCE = 10


@dataclass(frozen=True)
class Emulator:
    """Expected figures as functions of the unknowns.

    Attributes
    ----------
    intercept, slopes : arrays (datum,) and (datum, unknown).
    directions, bends : arrays (bend, unknown) and (bend,): a figure gains bend x (direction . unknowns) squared.
    first_bend : array (datum,), where the bends of a figure begin; each figure has at least one.
    doubt : array (datum,), variance of the expected figure about this function, where it was asked for.
    noise : array (datum,), variance of a simulated figure about the expected one.
    """

    intercept: FloatArray
    slopes: FloatArray
    directions: FloatArray
    bends: FloatArray
    first_bend: NDArray[np.int64]
    doubt: FloatArray
    noise: FloatArray

    def expected(self, natural: FloatArray) -> FloatArray:
        """Figures at these unknowns: array (draw, datum) from array (draw, unknown)."""
        return self._sum(natural, natural @ self.directions.T)

    def expected_and_pull(self, natural: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same, and the bends' contribution to slopes, array (draw, bend), for `pulled_back`."""
        along = natural @ self.directions.T
        return self._sum(natural, along), 2.0 * self.bends * along

    def pulled_back(self, weight: FloatArray, pull: FloatArray) -> FloatArray:
        """Gradient of the sum of weight x figure: array (draw, unknown) from array (draw, datum)."""
        of_bend = np.repeat(weight, self._n_bends, axis=1)
        return np.asarray(weight @ self.slopes + (of_bend * pull) @ self.directions)

    def jacobian(self, natural: FloatArray) -> FloatArray:
        """Slopes of all figures at one place: array (datum, unknown) from array (unknown,)."""
        _, pull = self.expected_and_pull(natural[None, :])
        of_bend = pull[0][:, None] * self.directions
        return np.asarray(self.slopes + np.add.reduceat(of_bend, self.first_bend, axis=0))

    def _sum(self, natural: FloatArray, along: FloatArray) -> FloatArray:
        bent = np.add.reduceat(self.bends * along**2, self.first_bend, axis=1)
        return np.asarray(self.intercept + natural @ self.slopes.T + bent)

    @property
    def _n_bends(self) -> NDArray[np.int64]:
        return np.diff(np.append(self.first_bend, self.bends.size))


def fit_emulator(
    natural: FloatArray, simulated: FloatArray, concerns: BoolArray, at: FloatArray, n_processes: int = 1
) -> Emulator:
    """Fit every figure to what was simulated.

    Parameters
    ----------
    natural : array (trial, unknown). simulated : array (trial, datum); NaN: not estimable, left out.
    concerns : array (unknown, datum), which unknowns a figure may depend on.
    at : array (draw, unknown), where the doubt is wanted; its mean is kept.
    n_processes : at work at a time; the result does not depend on it.
    """
    pieces = [slice(k, k + _FIGURES_AT_ONCE) for k in range(0, simulated.shape[1], _FIGURES_AT_ONCE)]
    tasks = [(natural, simulated[:, piece], concerns[:, piece], at) for piece in pieces]
    by_piece = dict(share_out(_fit_figures, tasks, n_processes))
    fitted = [one for k in range(len(pieces)) for one in by_piece[k]]
    n_bends = [one.bends.size for one in fitted]
    return Emulator(
        intercept=np.array([one.intercept for one in fitted]),
        slopes=np.stack([one.slopes for one in fitted]),
        directions=np.concatenate([one.directions for one in fitted]),
        bends=np.concatenate([one.bends for one in fitted]),
        first_bend=np.concatenate([[0], np.cumsum(n_bends)[:-1]]).astype(np.int64),
        doubt=np.array([one.doubt for one in fitted]),
        noise=np.array([one.noise for one in fitted]),
    )


@dataclass(frozen=True)
class _Figure:
    """One figure of an `Emulator`."""

    intercept: float
    slopes: FloatArray
    directions: FloatArray
    bends: FloatArray
    doubt: float
    noise: float


def _fit_figures(
    natural: FloatArray, simulated: FloatArray, concerns: BoolArray, at: FloatArray, tell: Tell
) -> list[_Figure]:
    # matrices are small: threads of the linear algebra would wait for each other
    with threadpool_limits(1):
        return [_fit_figure(natural, simulated[:, k], concerns[:, k], at) for k in range(simulated.shape[1])]


def _fit_figure(natural: FloatArray, simulated: FloatArray, concerns: BoolArray, at: FloatArray) -> _Figure:
    known = np.isfinite(simulated)
    x, y = natural[known], simulated[known]
    places = np.flatnonzero(concerns & (np.ptp(x, axis=0) > 0)) if y.size else np.empty(0, dtype=np.int64)
    straight = np.zeros(natural.shape[1])
    none = np.zeros((1, natural.shape[1]))
    if y.size < 2 or not places.size:
        return _Figure(float(y.mean()) if y.size else 0.0, straight, none, np.zeros(1), np.inf, np.inf)
    linear = _relevant(x[:, places], y)
    matters = np.abs(linear.slopes) * x[:, places].std(axis=0)
    mixing = places[np.argsort(-matters, kind="stable")[:_MIXING]]
    first, second = np.triu_indices(mixing.size)

    def features(of: FloatArray) -> FloatArray:
        chosen = of[:, mixing]
        return np.hstack([of[:, places], chosen[:, first] * chosen[:, second]])

    whole = _relevant(features(x), y)
    straight[places] = whole.slopes[: places.size]
    products = np.zeros((mixing.size, mixing.size))
    np.add.at(products, (first, second), 0.5 * whole.slopes[places.size :])
    np.add.at(products, (second, first), 0.5 * whole.slopes[places.size :])
    bends, axes = np.linalg.eigh(products)
    kept = np.abs(bends) >= _LEAST_BEND * np.abs(bends).max()
    directions = np.zeros((int(kept.sum()), natural.shape[1]))
    directions[:, mixing] = axes[:, kept].T
    doubt = float(whole.variance(features(at)).mean())
    return _Figure(whole.intercept, straight, directions, bends[kept], doubt, whole.noise)


@dataclass(frozen=True)
class _Regression:
    """A linear regression with priors of estimated widths; `slopes` on the features' own scales.

    Attributes
    ----------
    kept : places of the features that were not dropped. center, scale : arrays (kept,), by which these were
        standardized. covariance : of their standardized slopes. mean_variance : of the middle of the values.
    """

    intercept: float
    slopes: FloatArray
    noise: float
    center: FloatArray
    scale: FloatArray
    kept: NDArray[np.int64]
    covariance: FloatArray
    mean_variance: float

    def variance(self, features: FloatArray) -> FloatArray:
        """Of the expected value: array (draw,)."""
        standard = (features[:, self.kept] - self.center) / self.scale
        return np.asarray(self.mean_variance + np.sum((standard @ self.covariance) * standard, axis=1))


def _relevant(features: FloatArray, values: FloatArray) -> _Regression:
    """Slopes whose priors are as wide as the data say, each its own.

    Notes
    -----
    MacKay's fixed point: a slope that the data tell to a share `known` (0 to 1) has a prior of precision `known` over
    its square; the noise is what is left, over the number of trials less all that is known. A feature whose prior has
    become narrow beside the error of a slope is dropped: it is 0 and known to be.
    """
    n = values.size
    center, scale = features.mean(axis=0), np.maximum(features.std(axis=0), _TINY)
    standard = (features - center) / scale
    middle = float(values.mean())
    away = values - middle
    spread = max(float(np.var(values)), _TINY)
    gram, moment, square = standard.T @ standard, standard.T @ away, float(away @ away)
    kept = np.arange(features.shape[1])
    precision = np.full(kept.size, kept.size / spread)
    noise = 0.5 * spread
    slopes, covariance = np.zeros(kept.size), np.diag(1.0 / precision)
    for _ in range(_STEPS):
        before, gone = noise, precision > n / (_LEAST_PRIOR * noise)
        if gone.any():
            kept, precision = kept[~gone], precision[~gone]
        if not kept.size:
            slopes, covariance, noise = np.zeros(0), np.zeros((0, 0)), spread
            break
        own = gram[np.ix_(kept, kept)]
        factor = np.linalg.cholesky(own / noise + np.diag(precision))
        inverse = np.linalg.solve(factor, np.eye(kept.size))
        covariance = inverse.T @ inverse
        slopes = covariance @ moment[kept] / noise
        known = np.clip(1.0 - precision * np.diag(covariance), 1e-6, 1.0)
        precision = known / np.maximum(slopes**2, _TINY)
        left = square - 2.0 * slopes @ moment[kept] + slopes @ own @ slopes
        noise = max(float(left) / max(n - known.sum(), 1.0), 1e-9 * spread)
        if not gone.any() and abs(noise - before) < _SETTLED * noise:
            break
    whole = np.zeros(features.shape[1])
    whole[kept] = slopes / scale[kept]
    return _Regression(
        middle - float(whole @ center), whole, noise, center[kept], scale[kept], kept, covariance, noise / n
    )
