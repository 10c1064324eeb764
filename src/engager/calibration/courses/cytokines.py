"""IL-6 readings of unnamed lymphoma patients: their likelihood and its maximum.

Each bin of readings is known by its number above the floor, lowest, median and highest. Under a density f of
log IL-6, cut off below the floor, three order statistics of n readings have a joint density; its product over
bins is the likelihood. f mixes virtual patients and the times within a bin; patients differ in their release
(`k_IL6.sd`) and in their IL-6 before the drug (`IL6_base.sd`), readings by an error of 0.3 of the logarithm.
IL-6 feeds back on no cell, so the other parameters stay as the cell counts gave them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engager.calibration.courses.observations import Bin, Binned
from engager.calibration.courses.plan import course_plan
from engager.calibration.courses.settings import observe
from engager.core import FloatArray, Stream
from engager.model import Model
from engager.population import PopulationValues, ValueName

READING_ERROR = 0.3
_TIMES_PER_BIN = 4
_LOWEST = 1e-9
_DRAWS_PER_PATIENT = 32
# What moves, by its population value, and between which bounds in model units.
_Bounds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class CytokineFit:
    """Point, covariance of the logarithms, and the log-likelihood at the point."""

    point: dict[str, float]
    covariance: FloatArray
    log_likelihood: float
    n_evaluations: int


def fit_il6(
    model: Model,
    readings: Binned,
    population: PopulationValues,
    stream: Stream,
    n_patients: int = 200,
    n_evaluations: int = 450,
) -> CytokineFit:
    """Maximize the likelihood of the readings over what the plan moves; covariance from the curvature there."""
    from scipy.optimize import minimize

    numbers = np.arange(n_patients, dtype=np.int64)
    calls, bounds = [0], course_plan().cytokine_bounds(model)

    def cost(z: FloatArray) -> float:
        calls[0] += 1
        return -log_likelihood(model, readings, _values(z, bounds), population, stream, numbers) + _outside(z, bounds)

    table = {name: model.system.defaults[name] for name in bounds if "." not in name}
    start = np.log([table.get(name, model.parameters[name.split(".")[0]].sd_log) for name in bounds])
    found = minimize(
        cost, start, method="Nelder-Mead",
        options={"maxfev": n_evaluations, "xatol": 0.01, "fatol": 0.01, "initial_simplex": _simplex(start)},
    )  # fmt: skip
    covariance = _inverse_curvature(cost, found.x)
    return CytokineFit(_values(found.x, bounds), covariance, -float(found.fun), calls[0])


def log_likelihood(
    model: Model,
    readings: Binned,
    values: Mapping[str, float],
    population: PopulationValues,
    stream: Stream,
    numbers: NDArray[np.int64],
) -> float:
    """Of all bins, given values of what the plan moves; constants left out.

    IL-6 is its baseline plus what is released, and that is in proportion to its rate of release: one simulation at
    unit rate serves all draws of a patient's rate and baseline.
    """
    parts = model.roles.cytokine
    release, baseline, level = parts["release"], parts["baseline"], parts["level"]
    moved = {name: value for name, value in values.items() if not name.startswith(release)}
    at_unit_rate = {release: 1.0, _spread(release): 0.0, baseline: _LOWEST, _spread(baseline): 0.0}
    settings = population | PopulationValues.read({**moved, **at_unit_rate})
    times = [np.linspace(one.from_day, one.to_day, 2 * _TIMES_PER_BIN + 1)[1::2] for one in readings.bins]
    days = np.unique(np.concatenate([[0.0], *times]))
    seen = observe(model, readings.setting, days, [level], stream, numbers, settings)
    unit = np.maximum(seen[level] - _LOWEST, 0.0)
    z = stream.of("rate and baseline").normal(numbers, 2 * _DRAWS_PER_PATIENT).reshape(numbers.size, 2, -1)
    rate = values[release] * np.exp(values[_spread(release)] * z[:, 0])
    row = model.parameters[baseline]
    spread = population.spread.get(baseline, row.sd_log or 0.0)
    before = population.typical.get(baseline, row.model_value) * np.exp(spread * z[:, 1])
    total = 0.0
    for one, when in zip(readings.bins, times, strict=True):
        released = rate[:, :, None] * unit[:, None, np.searchsorted(days, when)]
        centers = np.log(before[:, :, None] + released).ravel()
        total += _order_statistics(centers[np.isfinite(centers)], READING_ERROR, one, readings.floor)
    return total


def _order_statistics(centers: FloatArray, size: float, one: Bin, floor: float) -> float:
    """Log-density of (lowest, median, highest) of n readings from a mixture cut off at the floor."""
    from scipy.special import ndtr

    points = np.log([one.lowest, one.median, one.highest])
    z = (points[:, None] - centers) / size
    density = (np.exp(-0.5 * z**2) / (size * np.sqrt(2 * np.pi))).mean(axis=1)
    below = ndtr(z).mean(axis=1)
    kept = max(1.0 - float(ndtr((np.log(floor) - centers) / size).mean()), 1e-12)
    between = (one.n - 3) / 2
    inside = np.log(np.maximum(np.diff(below) / kept, 1e-12)).sum()
    return float(np.log(np.maximum(density / kept, 1e-12)).sum() + max(between, 0.0) * inside)


def _values(z: FloatArray, bounds: _Bounds) -> dict[str, float]:
    clipped = {name: np.clip(x, *np.log(ends)) for (name, ends), x in zip(bounds.items(), z, strict=True)}
    return {name: float(np.exp(x)) for name, x in clipped.items()}


def _outside(z: FloatArray, bounds: _Bounds) -> float:
    """A wall at the bounds."""
    ends = np.log(list(bounds.values()))
    return 20.0 * float((np.maximum(ends[:, 0] - z, 0) ** 2 + np.maximum(z - ends[:, 1], 0) ** 2).sum())


def _simplex(start: FloatArray) -> FloatArray:
    return np.vstack([start, start + 0.5 * np.eye(start.size)])


def _inverse_curvature(f: Callable[[FloatArray], float], at: FloatArray, h: float = 0.15) -> FloatArray:
    """Inverse of the matrix of second differences; NaN rows for what the readings do not pin down.

    The step is wide, so that the fine grain of the sampled likelihood does not count as curvature.
    """
    n = at.size
    eye = h * np.eye(n)
    base = f(at)
    curvature = np.empty((n, n))
    single = [(f(at + eye[i]), f(at - eye[i])) for i in range(n)]
    for i in range(n):
        curvature[i, i] = (single[i][0] - 2 * base + single[i][1]) / h**2
        for j in range(i):
            both = f(at + eye[i] + eye[j]) - f(at + eye[i] - eye[j])
            both += f(at - eye[i] - eye[j]) - f(at - eye[i] + eye[j])
            curvature[i, j] = curvature[j, i] = both / (4 * h**2)
    values, vectors = np.linalg.eigh(curvature)
    if np.all(values > 1e-6):
        found: FloatArray = vectors @ np.diag(1 / values) @ vectors.T
        return found
    covariance: FloatArray = vectors @ np.diag(1 / np.maximum(values, 1e-6)) @ vectors.T
    flat = (np.abs(vectors[:, values <= 1e-6]) > 0.2).any(axis=1)
    covariance[flat, :] = np.nan
    covariance[:, flat] = np.nan
    return covariance


def _spread(name: str) -> str:
    """The name of a parameter's spread between patients."""
    return str(ValueName("spread", name))
